"""What the replies of all vendors have in common: text that a table can hold, thinking apart from the answer, counts,
reasons, and whether the model that answered is the one that was asked.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from s1_assets.domain.tokens import approximate_tokens
from s1_assets.records.models import Message

BY_LENGTH = "usage-by-length-v1"
"""Counter of a provider that tells one count for thinking and answer together: divided by their lengths."""
USAGE = "usage"

WORDS = 300
"""Characters of a server's own words that a reason holds at most."""
SHORTEST_SECRET = 6
"""Shorter keys are those that a server of our own does not look at; words would be cut to pieces around them."""

_THINK, _END_THINK = "<think>", "</think>"
_VERSION = re.compile(r"[-@](?:\d{3,4}|\d{6}|\d{8}|\d\d-\d\d|\d\d-\d{4}|\d{4}-\d\d(?:-\d\d)?)")
"""A date or number that a vendor appends to the name of a model."""


def text_of(value: object) -> str:
    """A field's text, also of a list of parts; half characters, which a table cannot hold, become question marks."""
    if isinstance(value, list):
        value = "".join(part["text"] for part in value if isinstance(part, dict) and isinstance(part.get("text"), str))
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def split_thinking(content: str) -> tuple[str, str]:
    """Thinking and answer of a text that may begin with a `<think>` block.

    The opening tag may be missing, since chat templates tend to write it for the model.

    >>> split_thinking("<think>two and two</think>4")
    ('two and two', '4')
    """
    before, found, after = content.partition(_END_THINK)
    if found:
        return before.replace(_THINK, "", 1).strip(), after.strip()
    if content.lstrip().startswith(_THINK):
        return content.replace(_THINK, "", 1).strip(), ""
    return "", content.strip()


def one_line(text: str | bytes, secret: str = "") -> str:
    """Foreign words as a reason holds them: without the secret, on one line, cut to `WORDS`, never empty."""
    told = text[: 16 * WORDS].decode("utf-8", "replace") if isinstance(text, bytes) else text[: 16 * WORDS]
    if len(secret) >= SHORTEST_SECRET:
        told = told.replace(secret, "[key]")
    return " ".join(told.encode("utf-8", "replace").decode().split())[:WORDS] or "(no words)"


def as_count(value: object) -> int:
    """A number of tokens as a vendor told it; 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def share_by_length(tokens: int, thinking: str, answer: str) -> int:
    """Of tokens told for thinking and answer together, those of the thinking.

    >>> share_by_length(100, "x" * 30, "x" * 10)
    75
    """
    whole = len(thinking) + len(answer)
    return round(tokens * len(thinking) / whole) if whole else 0


def approximate_input(messages: Iterable[Message]) -> int:
    return sum(approximate_tokens(message.content) for message in messages)


@lru_cache(maxsize=256)
def is_same_model(asked: str, served: str) -> bool:
    """Whether a served model is the one asked for: by its name, folder or prefix aside, or one dated version of it.

    An alias such as `...-latest` asks for whatever answers. A server that tells no name is believed.

    >>> is_same_model("Qwen/QwQ-32B", "/models/qwq-32b"), is_same_model("gpt-x", "gpt-x-2026-01-01")
    (True, True)
    >>> is_same_model("gemini-2.5-pro", "gemini-3.8-flash")
    False
    """
    if not served or asked == served or asked.endswith("-latest"):
        return True
    shorter, longer = sorted((_plain(asked), _plain(served)), key=len)
    return longer.startswith(shorter) and (
        longer == shorter or _VERSION.fullmatch(longer.removeprefix(shorter)) is not None
    )


def _plain(model: str) -> str:
    return model.rstrip("/").rpartition("/")[2].casefold().removesuffix(":latest").removesuffix(".gguf")
