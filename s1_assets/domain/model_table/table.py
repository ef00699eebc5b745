"""The model table: what is known of a model, what is asked of it, what that costs, and whether it is served at all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from s1_assets.domain.catalogue.documents import meant
from s1_assets.domain.model_table.entries import ModelEntry
from s1_assets.domain.model_table.lookup import is_pattern, names_for
from s1_assets.domain.model_table.pricing import cost_usd
from s1_assets.domain.model_table.resolving import Asked, check_limit, resolved_sampling, resolved_thinking
from s1_assets.domain.model_table.roles import GEMINI, role_defaults
from s1_assets.domain.model_table.servers import is_own_server
from s1_assets.domain.model_table.telling import not_listed, notes_on, retired
from s1_assets.records.models import ModelName, Role, Sampling

_FREE = ("solver", "replay")
"""Providers that are free by nature."""


@dataclass(frozen=True)
class ModelTable:
    """Entries by name; see `reading.load_model_table`."""

    entries: Mapping[ModelName, ModelEntry]
    _found: dict[ModelName, ModelEntry | None] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was looked up: a run asks the same few models thousands of times."""

    def entry(self, model: ModelName) -> ModelEntry | None:
        """What is known of the model, by its most specific entry; None if it is not listed.

        `vertex` shares the entries of `gemini`, and `openai` on a server of one's own those of `vllm`.
        """
        if model not in self._found:
            names = names_for(model, self.entries)
            self._found[model] = self.entries[names[0]] if names else None
        return self._found[model]

    def fault_of(self, model: ModelName, today: date) -> str | None:
        """Why the model cannot be asked, and what to do; None if nothing is known against it.

        A Gemini model must be listed: nobody else knows whether it takes a budget or a level, and what it costs.
        """
        entry = self.entry(model)
        if entry is not None:
            return retired(model, entry) if entry.retired is not None and today >= entry.retired else None
        if model.provider not in GEMINI:
            return None
        return not_listed(model, meant(model.model, self._served(today)))

    def notes(self, model: ModelName, today: date) -> list[str]:
        """What a person who uses the model should know, one sentence each: an end in sight, hidden thoughts, money.

        Nothing of a model that cannot be asked: `fault_of` says why.
        """
        if model.provider in _FREE or self.fault_of(model, today):
            return []
        return notes_on(model, self.entry(model), self.is_paid(model), today)

    def resolved(
        self,
        model: ModelName,
        role: Role,
        sampling: Sampling,
        thinking: Mapping[str, object],
        today: date,
        input_tokens: int | None = None,
    ) -> tuple[Sampling, dict[str, object]]:
        """Sampling and thinking as they are sent, filled where the user set nothing.

        For every remote model `max_output_tokens` is set. Thinking is `{}`, `{"budget": tokens}` or `{"level": name}`,
        and `{"extra": {...}}` beside them for fields of the request's body, by which a chat template is switched; a
        model that is not listed gets what the user set. A request to `replay` is its messages alone; one to `solver`
        is left as it is.

        Args:
            model: The model that is asked.
            role: What it is asked for.
            sampling: What the user set.
            thinking: What the user set, in the form above.
            today: Decides whether the model is still served.
            input_tokens: Of this request; bounds a rewriter's output.

        Raises:
            ValueError: If the model cannot be asked, or does not accept what the user set: with what it does accept.
        """
        if model.provider == "replay":
            return Sampling(), {}
        if model.provider == "solver":
            return sampling, dict(thinking)
        if fault := self.fault_of(model, today):
            raise ValueError(fault)
        defaults = role_defaults(role, model.provider, is_own_server(model))
        asked = Asked(model, role, self.entry(model), defaults, input_tokens)
        check_limit(asked, sampling.max_output_tokens)
        setting = resolved_thinking(asked, thinking, sampling.max_output_tokens)
        return resolved_sampling(asked, sampling, setting), setting

    def price_usd(
        self,
        model: ModelName,
        input_tokens: int,
        cached_tokens: int,
        output_tokens: int,
        today: date | None = None,
    ) -> float | None:
        """US dollars for a call; None: unknown. `cached_tokens` are part of the input, thoughts part of the output.

        Without a day the dearest of the announced prices is taken.
        """
        if model.provider in _FREE:
            return 0.0
        entry = self.entry(model)
        if entry is None or entry.price is None:
            return None
        return cost_usd(entry.price, input_tokens, cached_tokens, output_tokens, today)

    def worst_price_usd(
        self, model: ModelName, input_tokens: int, sampling: Sampling, today: date | None = None
    ) -> float | None:
        """US dollars if nothing is cached and all of `max_output_tokens` is used, or all that the model can write.

        None: unknown.
        """
        if model.provider in _FREE:
            return 0.0
        entry = self.entry(model)
        most = sampling.max_output_tokens or (entry.output_cap if entry else None)
        return None if most is None else self.price_usd(model, input_tokens, 0, most, today)

    def is_paid(self, model: ModelName) -> bool:
        """Whether asking may cost money by the token."""
        if model.provider in GEMINI:
            return True
        if model.provider != "openai":
            return False
        entry = self.entry(model)
        if entry is None or entry.price is None:
            return not is_own_server(model)
        return not entry.price.is_zero

    def _served(self, today: date) -> list[str]:
        return [
            name.model
            for name, entry in self.entries.items()
            if name.provider in GEMINI and not is_pattern(name.model) and not (entry.retired and entry.retired <= today)
        ]
