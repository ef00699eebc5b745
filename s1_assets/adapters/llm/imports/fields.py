"""Fields that rows of several formats have in common; whatever does not fit raises `UnreadableRow` with its name."""

import re
from collections.abc import Iterable
from math import isfinite

from s1_assets.adapters.llm.imports.answers import Row, UnreadableRow
from s1_assets.records.models import Message, Sampling, Speaker

_ROLES: dict[object, Speaker] = {
    "system": "system",
    "developer": "system",  # OpenAI's name for it since the o models
    "user": "user",
    "assistant": "assistant",
}
_SURROGATE = re.compile("[\ud800-\udfff]")
_WRONG_BYTE = re.compile("[\udc80-\udcff]")
"""What a byte that is not UTF-8 becomes under `surrogateescape`."""


def an_object(value: object, name: str) -> Row:
    """A JSON object."""
    if not isinstance(value, dict):
        raise UnreadableRow(f"{name}: {_found(value)}; accepted: an object")
    return value


def asked(value: object, name: str) -> str:
    """A text that was sent, exactly as it was: it is part of the answer's identity."""
    if value == "":
        raise UnreadableRow(f"{name}: empty")
    return _exact(value, name)


def spoken(value: object, name: str) -> str:
    """A text that a model gave, without space around it; empty where there is none.

    Half characters, which JSON can hold and a table cannot, become question marks.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableRow(f"{name}: {_found(value)}; accepted: text")
    if _WRONG_BYTE.search(value):
        raise UnreadableRow(f"{name}: wrong_encoding: it holds bytes that are not UTF-8")
    return value.encode(errors="replace").decode().strip()


def conversation(value: object, name: str = "messages") -> tuple[Message, ...]:
    """Messages in OpenAI's form: a list of `role` and `content`, the content a text or text parts."""
    if not isinstance(value, list) or not value:
        raise UnreadableRow(f"{name}: {_found(value)}; accepted: a list of messages")
    return tuple(_message(message, f"{name}[{number}]") for number, message in enumerate(value))


def sampling(told: Row) -> Sampling:
    """Sampling under OpenAI's names, wherever a tool put them."""
    most = "max_completion_tokens" if told.get("max_completion_tokens") is not None else "max_tokens"
    return Sampling(
        max_output_tokens=_whole(told, most),
        temperature=_number(told, "temperature"),
        top_p=_number(told, "top_p"),
        top_k=_whole(told, "top_k"),
        seed=_whole(told, "seed"),
    )


def count(value: object) -> int | None:
    """A number of tokens, or None where nothing of the kind is told."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def word(value: object) -> str:
    """A name that plays no part in reading, such as a model's; empty where it is not told."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def first_of(row: Row, names: Iterable[str]) -> str | None:
    """The first of these fields that the row has and that is not null."""
    return next((name for name in names if row.get(name) is not None), None)


def _message(value: object, name: str) -> Message:
    message = an_object(value, name)
    role = message.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise UnreadableRow(f"{name}.role: {_found(role)}; accepted: {', '.join(map(str, _ROLES))}")
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_part(part, f"{name}.content") for part in content)
    return Message(_ROLES[role], _exact(content, f"{name}.content"))


def _part(value: object, name: str) -> str:
    part = an_object(value, name)
    if part.get("type") != "text":
        raise UnreadableRow(f"{name}: a part of kind {part.get('type')!r}; accepted: text")
    return _exact(part.get("text"), name)


def _exact(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise UnreadableRow(f"{name}: {_found(value)}; accepted: text")
    if _SURROGATE.search(value):
        raise UnreadableRow(f"{name}: wrong_encoding: it holds bytes that are not UTF-8, or half a character")
    return value


def _whole(told: Row, name: str) -> int | None:
    value = _number(told, name)
    if value is not None and value != int(value):
        raise UnreadableRow(f"{name}: {_found(value)}; accepted: a whole number")
    return None if value is None else int(value)


def _number(told: Row, name: str) -> float | None:
    value = told.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise UnreadableRow(f"{name}: {_found(value)}; accepted: a number")
    return float(value)  # 0 and 0.0 are the same temperature


def _found(value: object) -> str:
    if value is None:
        return "nothing there"
    shown = ascii(value)
    return f"found {shown[:60]}{'...' if len(shown) > 60 else ''}"
