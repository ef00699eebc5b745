"""One model's entry in the model table, as checked values. Prices are in US dollars per million tokens."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from s1_assets.records.models import ThinkingKind

Thinking = Literal["budget", "level", "template", "always", "none"]
"""How thinking is set: by a budget of tokens, by a level, by a switch of the chat template; or it cannot be set, since
the model always thinks or never does."""
SamplingRule = Literal["free", "default", "fixed"]
"""What becomes of temperature, top_p and top_k.

- `free`: a role's defaults apply, and what the user sets.
- `default`: the provider's own apply unless the user sets something.
- `fixed`: the provider ignores or refuses them, so they are never sent.
"""


@dataclass(frozen=True, slots=True)
class Tier:
    """Rates that hold for the whole call when its input is longer than `above_tokens`; None: unknown."""

    above_tokens: int
    input_usd: float | None
    output_usd: float | None
    cached_input_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens; thoughts are charged as output."""

    input_usd: float
    output_usd: float
    cached_input_usd: float | None
    """None: unknown; cached input is then counted as if it were not cached, which is never too little."""
    as_of: date
    """The day on which somebody read it."""
    above_input_tokens: tuple[Tier, ...] = ()
    """In rising order."""
    until: date | None = None
    """Its last day, if an end was announced."""
    then: "Price | None" = None
    """What holds after that day."""

    @property
    def is_zero(self) -> bool:
        """Whether it is stated to be free, whatever the input and the day."""
        tiers = all(tier.input_usd == 0 and tier.output_usd == 0 for tier in self.above_input_tokens)
        return self.input_usd == 0 and self.output_usd == 0 and tiers and (self.then is None or self.then.is_zero)


@dataclass(frozen=True, slots=True)
class Budget:
    """Thinking tokens that a model accepts as its budget."""

    least: int
    most: int
    zero: bool = False
    """Whether 0 is accepted and switches thinking off."""

    @property
    def accepted(self) -> str:
        """In words, for messages."""
        return f"{'0, or ' if self.zero else ''}{self.least:,} to {self.most:,} tokens"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What is known of one model, or of all models whose names a pattern fits. None and "" mean unknown."""

    name: str
    """A model's name, which stands for its dated versions too, or a pattern with `*`."""
    provider: str
    thinking: Thinking | None
    thinking_kind: ThinkingKind | None
    """What the replies hold of the model's thoughts when it is asked plainly."""
    base_url: str | None = None
    """Of the one server that this entry is about; None: any."""
    levels: tuple[str, ...] = ()
    """Thinking levels, lowest first; the level `none` switches thinking off."""
    budget: Budget | None = None
    switch: str = ""
    """Variable of the chat template that switches thinking on and off."""
    sampling: SamplingRule = "free"
    output_cap: int | None = None
    """Most tokens of thoughts and answer together that one reply may hold."""
    context: int | None = None
    """Most tokens of input, with those of the output where the provider counts them together."""
    price: Price | None = None
    retired: date | None = None
    """From this day on nobody, or another model, answers under this name."""
    replacement: str = ""
    """Model of the same provider to name instead."""
    note: str = ""
    """A sentence for people who use the model."""
    source: str = ""
    """Where all this was read, and when."""
