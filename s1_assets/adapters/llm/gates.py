"""Gates: how many requests go at once, and how fast, to one model of one endpoint with one group of keys.

What was told is kept to: sending times are evenly spaced, so that no bucket of the provider's runs over. What was not
told is learned: from headers, else from refusals. The rate that was accepted up to a refusal is a good estimate of the
true one; it is then raised slowly until the next refusal.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from s1_assets.adapters.llm.provider import Key, Told
from s1_assets.adapters.llm.rates import Learned, Rate

FIRST_WINDOW = 4
"""Requests under way before the first answer tells anything; what a small bucket of the provider's may hold."""
PER_ANSWER = 3
"""By so many each answer widens the window: fourfold in the time that an answer takes."""
WINDOW_STEP, WINDOW_STEP_S = 8, 0.25
JUST_BELOW = 0.97
"""Of the rate that was accepted, what is sent next."""
LOWEST_PER_S = 1 / 120
RAISES = ((120.0, 1.10), (30.0, 1.03), (2.0, 1.006))
"""After so many seconds without a refusal the learned rate grows by this factor a second."""
FIRST_RAISE = 1.3
"""The same after the first refusal of all, when what was accepted may have been a small burst and no rate."""
LONGEST_WAIT_S = 60.0
STALE_S = 3_600.0
"""What was learned longer ago is learned anew."""
COINCIDENCE_S = 3.0
"""Refusals of two gates that both kept to their known rates, within this time: they share one limit."""


@dataclass
class Gate:
    """Admission of requests. Times are seconds since 1970."""

    name: str
    keys: list[Key]
    """Of one group; empty where the endpoint takes no key."""
    told: Rate
    limit: int
    """Requests under way at once, over all processes."""
    slots: int = 0
    """Of `limit`, this process's part."""
    window: float = FIRST_WINDOW
    in_flight: int = 0
    per_second: float | None = None
    """As learned."""
    from_headers: bool = False
    tokens_per_minute: float | None = None
    """As headers tell."""
    paused_until: float = 0.0
    refused: int = 0
    """429s so far."""
    permits: deque[float] = field(default_factory=deque)
    tokens_each: float = 0.0
    """Tokens that a request is expected to use: a running mean."""
    closed: str = ""
    """Why nothing goes through any more."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    refused_at: float = 0.0
    _accepted: int = 0
    _since: float = 0.0
    _cut_at: float = 0.0
    _raised_at: float = 0.0
    _backoffs: int = 0
    _cuts: int = 0
    _to_measure: bool = False
    _next_key: int = 0
    _header_rate: float = 0.0

    @property
    def rate(self) -> Rate:
        """The lower of what was told and what was learned."""
        known = [rate for rate in (self.told.per_second, self.per_second) if rate is not None]
        headers = self.tokens_per_minute / 60 if self.tokens_per_minute else None
        tokens = self.told.tokens_per_second or headers
        return Rate(min(known, default=None), tokens, self.told.per_day)

    @property
    def is_paced(self) -> bool:
        return self.paused_until > 0 or self.per_second is not None or self.counts_tokens or not self.told.is_unlimited

    @property
    def counts_tokens(self) -> bool:
        return self.tokens_per_minute is not None or self.told.tokens_per_second is not None

    @property
    def room(self) -> int:
        if self.closed:
            return 0
        return int(min(self.slots, self.window)) - self.in_flight

    def key(self) -> Key | None:
        """The next key in turn."""
        if not self.keys:
            return None
        self._next_key = (self._next_key + 1) % len(self.keys)
        return self.keys[self._next_key]

    def sent(self, now: float) -> None:
        self.in_flight += 1
        if not self._since:
            self._since = now

    def done(self) -> None:
        """A request's slot is free again."""
        self.in_flight -= 1
        self.changed.set()

    def answered(self, tokens: int) -> None:
        """A request was accepted and answered."""
        self._accepted += 1
        self._backoffs = 0
        self.tokens_each = tokens if not self.tokens_each else self.tokens_each + 0.05 * (tokens - self.tokens_each)
        if self.window < self.limit:
            self.window = min(self.limit, self.window + PER_ANSWER)
            self.changed.set()

    def grow(self) -> None:
        """Let time widen the window: slow answers are no reason to send few requests."""
        if self._accepted or self.window < 8 * FIRST_WINDOW:
            self.window = min(self.limit, self.window + WINDOW_STEP)
            self.changed.set()

    def hold_back(self) -> None:
        """Nothing was ever answered and something went wrong: try one at a time."""
        if not self._accepted:
            self.window = 1

    def learn(self, told: Told, now: float) -> bool:
        """Take limits from headers; whether they are news."""
        news = False
        if told.tokens_per_minute and told.tokens_per_minute != self.tokens_per_minute:
            self.tokens_per_minute, news = told.tokens_per_minute, True
        if told.requests_per_minute and self.told.per_second is None:
            per_second = told.requests_per_minute / 60
            if not self.from_headers or per_second != self._header_rate:
                self._header_rate, self.from_headers, news = per_second, True, True
                self.per_second = per_second
                self._cut_at = now  # refusals of what was sent before this was known say nothing new
        return news

    def was_refused(self, sent_at: float, now: float, wait_s: float | None) -> bool:
        """A request was refused for being too much; whether the rate will be cut for it.

        Of many requests refused together only the first counts: the others were sent before it was known.
        """
        self.refused += 1
        self.refused_at = now
        fresh = sent_at >= self._cut_at
        if fresh:
            self._backoffs += 1
        wait = wait_s if wait_s is not None else min(2.0 ** (self._backoffs - 1), LONGEST_WAIT_S)
        self.paused_until = max(self.paused_until, now + wait)
        if fresh:
            self._cut_at, self._to_measure = now, True
        return fresh

    def measure(self, now: float) -> bool:
        """Once a pause is over, and with it the answers to what was sent before: cut the rate to what was accepted.

        Returns:
            Whether it was cut.
        """
        if not self._to_measure or now < self.paused_until:
            return False
        seen = self._accepted / max(now - (self._since or now), 1.0)
        known = self.rate.per_second
        if known is None:
            rate = seen * JUST_BELOW if self._accepted else 1.0
        elif self._accepted:
            rate = min(max(seen * JUST_BELOW, known / 2), known * JUST_BELOW)
        else:
            rate = known / 2
        self.per_second = max(rate, LOWEST_PER_S)
        self._to_measure, self._cuts = False, self._cuts + 1
        self._accepted, self._since = 0, now
        return True

    def raise_rate(self, now: float) -> bool:
        """Raise a learned rate a little, at most once a second; whether it was."""
        ceiling = self.told.per_second or (self._header_rate if self.from_headers else None)
        if self.per_second is None or not self._cut_at or now - self._raised_at < 1:
            return False
        if ceiling is not None and self.per_second >= ceiling:
            return False
        raises = ((0.0, FIRST_RAISE),) if self._cuts == 1 and ceiling is None else RAISES
        for quiet_s, factor in raises:
            if now - max(self._cut_at, self.paused_until) >= quiet_s:
                self.per_second, self._raised_at = self.per_second * factor, now
                if ceiling is not None:
                    self.per_second = min(self.per_second, ceiling)
                return True
        return False

    def adopt(self, found: Learned, now: float) -> None:
        """Take over what another process has learned since."""
        self.paused_until = max(self.paused_until, found.paused_until)
        if found.per_second is None or found.per_second == self.per_second:
            return  # our own word, read back
        if found.learned_at > max(self._cut_at, self._raised_at, now - STALE_S):
            raised = self.per_second is not None and found.per_second > self.per_second
            self.per_second = found.per_second
            if raised:
                self._raised_at = found.learned_at
            else:
                self._cut_at = found.learned_at

    def shares_limit_with(self, other: "Gate") -> bool:
        """Whether two gates that both kept to their known rates were refused at about the same time."""
        kept_to_rates = self._knows_rate and other._knows_rate
        recent = other.refused_at and abs(self.refused_at - other.refused_at) <= COINCIDENCE_S
        return bool(kept_to_rates and recent and not other.closed and not self.closed)

    @property
    def _knows_rate(self) -> bool:
        return self.told.per_second is not None or self.from_headers

    def absorb(self, other: "Gate", now: float) -> None:
        """Take over the keys of a gate that turned out to share this one's limit; the common rate is then learned."""
        accepted = self._accepted_rate(now) + other._accepted_rate(now)
        self.keys += other.keys
        rates = [rate for rate in (self.told.per_second, other.told.per_second) if rate is not None]
        self.told = Rate(sum(rates) or None, self.told.tokens_per_second, self.told.per_day)
        self._header_rate += other._header_rate
        if accepted:
            self.per_second = max(JUST_BELOW * accepted, LOWEST_PER_S)
            self._accepted, self._since = 0, now
        self.limit += other.limit
        self._cut_at, self._to_measure, self._cuts = now, not accepted, max(2, self._cuts)
        other.closed = f"its keys go on under {self.name}"
        other.changed.set()

    def _accepted_rate(self, now: float) -> float:
        """Requests a second that were accepted of late."""
        if self._accepted:
            return self._accepted / max(now - (self._since or now), 1.0)
        return self.per_second or 0.0

    def close(self, why: str) -> None:
        """Let nothing through any more."""
        self.closed = why
        self.changed.set()
