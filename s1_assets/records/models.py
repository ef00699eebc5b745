"""What is asked of a model, and what came back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["ok", "truncated", "blocked", "refused", "substituted", "failed"]
ThinkingKind = Literal["raw", "summary", "visible", "none"]
Speaker = Literal["system", "user", "assistant"]
Role = Literal["teacher", "student", "judge", "difficulty_label", "subject_label", "rewriter", "agent"]
"""What a model is asked for; time limits and defaults go by it."""


@dataclass(frozen=True, slots=True)
class ModelName:
    """`provider:model[@base_url]`; the model is all between the first `:` and the last `@`."""

    provider: str
    model: str
    base_url: str | None = None

    def __str__(self) -> str:
        suffix = f"@{self.base_url}" if self.base_url else ""
        return f"{self.provider}:{self.model}{suffix}"


@dataclass(frozen=True, slots=True)
class Message:
    role: Speaker
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling as resolved before the call: None means that the provider's own default applies."""

    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call. Equal requests have equal ledger keys (`domain.calls.call_key`) and are paid once."""

    model: ModelName
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    thinking: Mapping[str, object] = field(default_factory=dict)
    """Provider's thinking settings, as sent."""
    sample_index: int = 0
    """Tells apart several samples of the same request."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered, or why there is no answer. A failure is a value here, never an exception."""

    status: Status
    reason: str = ""
    """Why the status is not `ok`."""
    thinking: str = ""
    answer: str = ""
    thinking_kind: ThinkingKind = "none"
    finish_reason: str = ""
    """The provider's own word."""
    served_model: str = ""
    """The model that really answered, in the provider's words."""
    input_tokens: int = 0
    cached_tokens: int = 0
    """Of the input tokens, those that the provider charges as cached."""
    thinking_tokens: int = 0
    answer_tokens: int = 0
    token_counter: str = ""
    """Who counted: `usage` of the provider, or the name of a counter of ours."""
    price_usd: float | None = None
    """None: unknown. 0.0 only where a call is free by nature."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: kept with a call so that cost can be told by asset, partition and run. Plays no part in the key."""

    asset: str = ""
    partition: str = ""
    run_id: str = ""
    budget: str = ""
    """What its cost counts against: an order of `s1 run`, else the run."""
