"""What a request says of thinking, in words that hold for every provider; each writes them in its vendor's way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from s1_assets.adapters.llm.provider import Fault


@dataclass(frozen=True, slots=True)
class AskedThinking:
    """`{"level": "low"}`, `{"budget": 1024}` and `{"extra": {...}}`, each of them or none."""

    level: str | None = None
    """A word of the vendor's scale, such as low or high."""
    budget: int | None = None
    """Tokens; 0: none."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the vendor's request body, sent as they stand."""


NOT_ASKED = AskedThinking()


def asked_thinking(settings: Mapping[str, object]) -> AskedThinking | Fault:
    """The settings of a request; a fault where they say what no provider understands and every call would ignore."""
    if not settings:
        return NOT_ASKED
    level, budget, extra = settings.get("level"), settings.get("budget"), settings.get("extra", {})
    faults = [f"{name!r} is unknown" for name in settings if name not in ("level", "budget", "extra")]
    if level is not None and not (isinstance(level, str) and level):
        faults.append(f"level is {level!r}, not a word")
    if budget is not None and (not isinstance(budget, int) or isinstance(budget, bool)):
        faults.append(f"budget is {budget!r}, not a number of tokens")
    if not isinstance(extra, Mapping):
        faults.append(f"extra is {extra!r}, not fields of a request")
    if faults:
        return Fault("unusable", f"thinking settings are level, budget and extra: {'; '.join(faults)}")
    return AskedThinking(level, budget, extra)  # type: ignore[arg-type]  # checked above
