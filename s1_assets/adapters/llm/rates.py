"""Words in which rates and money are divided among processes. Times are seconds since 1970."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast a gate may send."""

    per_second: float | None = None
    """Requests; None: no limit is known."""
    tokens_per_second: float | None = None
    per_day: int | None = None

    @property
    def is_unlimited(self) -> bool:
        return self.per_second is None and self.tokens_per_second is None and self.per_day is None


@dataclass(frozen=True, slots=True)
class Permits:
    """Times at which requests may be sent."""

    first_at: float
    count: int
    interval_s: float
    spent_for_today: bool = False
    """The requests of the day are used up; nothing was permitted."""

    def times(self) -> list[float]:
        return [self.first_at + index * self.interval_s for index in range(self.count)]


@dataclass(frozen=True, slots=True)
class Learned:
    """What any process has found out about a gate."""

    per_second: float | None
    learned_at: float
    paused_until: float


@dataclass(frozen=True, slots=True)
class Balance:
    """How a budget stood when money was asked of it, in US dollars."""

    granted: bool
    spent: float
    set_aside: float
    """By any process, before this time."""
