"""How far an engine is, for progress, metadata and people."""

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """Numbers of one engine, from its start."""

    came: int = 0
    from_ledger: int = 0
    asked: int = 0
    """Calls that were answered, or failed for good."""
    failed: int = 0
    paid_again: int = 0
    """Of the asked, those that another run had recorded in the meantime."""
    retried: int = 0
    limited: int = 0
    """429s."""
    maybe_billed: int = 0
    """Tries given up on, whose work the vendor may have done and charged."""
    in_flight: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0
    """Calls whose price is unknown."""
    parked: dict[str, str] = field(default_factory=dict)
    """Keys taken out of use, by fingerprint, and why."""
    began_at: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        return self.from_ledger + self.asked

    @property
    def per_second(self) -> float:
        return self.asked / max(time.monotonic() - self.began_at, 1e-9)
