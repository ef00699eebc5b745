"""What the fake of the vendors' wire is told to say: limits, keys that fail, answers and what goes wrong with them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal, Protocol

Json = dict[str, Any]
ThinkingIn = Literal["reasoning_content", "reasoning", "think"]

FAULTS = frozenset(
    {
        "hang",  # never answers
        "disconnect",  # closes the connection before any header
        "cut",  # closes it in the middle of the body
        "stall",  # goes silent in the middle of the body
        "ends_early",  # half a body that ends as if it were whole
        "error_in_stream",  # half a stream, then an error event; a 503 where nothing streams
        "not_json",  # status 200 and a web page
        "no_candidates",  # an answer without choices
        "block_reason",  # the prompt is blocked
        "empty_max_tokens",  # all output tokens went into thinking
    }
)
"""Beside these, `status:N` answers with HTTP status N, and `block_reason:WORD` names Gemini's reason."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer is decided by."""

    model: str
    prompt: str
    seen: int
    """How often this prompt came before and was let through (429 and refused keys do not count)."""
    choice: int
    """Number of the choice within the request; above 0 only where several are asked for."""
    key: str
    body: Json


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says. The fault of a request is that of its first choice."""

    thinking: str = ""
    text: str = ""
    finish: str = "stop"
    """`stop`, `length` and `content_filter` become each vendor's word; any other goes out as it stands."""
    model: str | None = None
    """The model that answers; None: the one that was asked."""
    fault: str = ""
    cached_tokens: int = 0
    thinking_tokens: int | None = None
    """None: counted from the text. Vendors that summarise count more than they show."""

    def __post_init__(self) -> None:
        kind, _, detail = self.fault.partition(":")
        known = kind in FAULTS and (not detail or kind == "block_reason")
        if self.fault and not known and not (kind == "status" and detail.isdigit()):
            raise ValueError(f"no such fault: {self.fault!r}")

    @property
    def tokens_of_thinking(self) -> int:
        return tokens(self.thinking) if self.thinking_tokens is None else self.thinking_tokens


def tokens(text: str) -> int:
    """Four characters each."""
    return (len(text) + 3) // 4


def digest_answer(prompt: str, choice: int = 0) -> Answer:
    """The answer where no rule gives another: the same for the same prompt, whoever asks and however often."""
    digest = sha256(f"{prompt}\0{choice}".encode()).digest()
    number = int.from_bytes(digest[:4], "big")
    thinking = f"{len(prompt)} characters to read. A first guess is {number % 89}, but {number % 997} fits better."
    return Answer(thinking, f"It comes to \\boxed{{{number % 997}}}")


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """Requests that a group of keys may send; told apart by identity, not by value."""

    per_minute: float
    burst: float | None = None
    """Requests that may come at once; None: one second's worth, at least 1."""
    tokens_per_minute: int | None = None
    """Told in the headers, never enforced."""


class Bucket:
    """Tokens of one limit."""

    def __init__(self, limit: Limit, now: float) -> None:
        self.limit = limit
        self._size = max(1.0, limit.per_minute / 60) if limit.burst is None else limit.burst
        self._left = self._size
        self._filled = now

    def wait_s(self, now: float) -> float:
        """Take a token if there is one, else seconds until there is; 0 means taken."""
        rate = self.limit.per_minute / 60
        self._left = min(self._size, self._left + (now - self._filled) * rate)
        self._filled = now
        if self._left > 1 - 1e-9:
            self._left -= 1
            return 0.0
        return (1 - self._left) / rate if rate else 60.0

    @property
    def left(self) -> int:
        return int(self._left)

    @property
    def full_in_s(self) -> float:
        return (self._size - self._left) * 60 / self.limit.per_minute if self.limit.per_minute else 60.0


@dataclass(slots=True)
class Rules:
    """How the server behaves; may be changed while it runs."""

    latency_s: float = 0.0
    """Between a request that is let through and its answer."""
    limits: dict[str, Limit] = field(default_factory=dict)
    """By key. Keys that map to the same object share its bucket."""
    default_limit: Limit | None = None
    """For every key not named; each of them has a bucket of its own."""
    limit_headers: bool = False
    """Whether OpenAI's answers tell the limit."""
    retry_after: bool = True
    """Whether a 429 says when to come back: by header (OpenAI), by RetryInfo (Gemini, Vertex)."""
    dead_keys: dict[str, int] = field(default_factory=dict)
    """Status by key: 401, 403, or 400, which is what Gemini says of a key it does not know."""
    exhausted_keys: set[str] = field(default_factory=set)
    """Keys whose quota for the day, or whose money, is spent."""
    answer: Callable[[Asked], Answer] | None = None
    """Called in the server's thread, once for each choice; None: `digest_answer`."""
    thinking_in: ThinkingIn = "reasoning_content"
    """Where OpenAI-compatible answers hold their thinking; `think`: in a block at the beginning of the content."""
    models: tuple[str, ...] = ("fake-model",)
    """What the list of models shows; others are answered all the same."""


def always(answer: Answer) -> Rules:
    """Rules that know one answer."""
    return Rules(answer=lambda asked: answer)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is an error."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


class Wire(Protocol):
    """A request in one vendor's words, and what that vendor can say to it."""

    key: str
    model: str
    prompt: str
    body: Json
    streamed: bool
    choices: int

    def mistake(self) -> Refusal | None:
        """What is wrong with the request itself."""
        ...

    def dead(self, status: int) -> Refusal: ...

    def exhausted(self, told: bool) -> Refusal:
        """Nothing more today; `told`: with a wait, which does not help."""
        ...

    def limited(self, per_minute: float, wait_s: float, told: bool) -> Refusal: ...

    def failed(self, status: int) -> Refusal: ...

    def headers(self, bucket: Bucket) -> dict[str, str]:
        """The limit, as this vendor tells it with every answer."""
        ...

    def reply(self, answers: list[Answer]) -> Json: ...

    def events(self, answers: list[Answer]) -> list[Json]:
        """The reply as it streams."""
        ...

    def framed(self, events: list[Json], whole: bool) -> bytes: ...


def pieces(text: str, count: int = 3) -> Iterable[str]:
    """The text in at most `count` parts, none of them empty."""
    size = -(-len(text) // count)
    return (text[start : start + size] for start in range(0, len(text), size or 1))
