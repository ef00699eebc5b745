"""Asking models for one step: on what terms, under which budget, how far it is, and what it came to."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg

from s1_assets.adapters.llm.client import LedgeredModel
from s1_assets.adapters.llm.counts import Counts
from s1_assets.adapters.llm.directory import Directory
from s1_assets.adapters.llm.provider import CallLimits
from s1_assets.adapters.llm.terms import Terms
from s1_assets.domain.model_table.roles import role_defaults
from s1_assets.domain.model_table.servers import is_own_server
from s1_assets.domain.model_table.table import ModelTable
from s1_assets.errors import ModelUnusable, SettingsError
from s1_assets.records.models import Caller, ModelName, ModelRequest, Reply, Role
from s1_assets.resources.progress import EVENT_EVERY_S, Progress
from s1_assets.resources.settings import DEFAULT_BUDGET_USD, Settings

if TYPE_CHECKING:
    from s1_assets.adapters.llm.ledger import Ledger
    from s1_assets.adapters.llm.purse import Purse

Work = TypeVar("Work")

BUDGET_TAG = "s1/budget"
"""Tag of a run: what its cost counts against, together with that of other runs of one order."""
RETRY_TAG = "s1/retry-failed"
"""Tag of a run that asks calls on record as failed once more."""
LOOKED_AT = 20
"""First teacher replies that decide whether the model shows any usable thinking."""


@dataclass(frozen=True)
class Means:
    """What asking takes."""

    settings: Settings
    directory: Directory
    table: ModelTable
    ledger: "Ledger"


def terms_for(table: ModelTable, role: Role, models: Sequence[ModelName], retry_failed: bool = False) -> Terms:
    """Time limits of the role, and prices of the table."""
    limit_s = max((role_defaults(role, model.provider, is_own_server(model)).limit_s for model in models), default=60.0)
    today = datetime.now(UTC).date()

    def price(model: ModelName, reply: Reply) -> float | None:
        return table.price_usd(
            model, reply.input_tokens, reply.cached_tokens, reply.thinking_tokens + reply.answer_tokens, today
        )

    return Terms(CallLimits(limit_s), price=price, retry_failed=retry_failed)


def purse_for(settings: Settings, table: ModelTable, budget: str, models: Sequence[ModelName]) -> "Purse | None":
    """The budget that calls to these models are held to; None where none of them costs.

    Raises:
        SettingsError: If a model costs and its price is not known: no cap could be kept.
    """
    paid = [model for model in models if table.is_paid(model)]
    if not paid:
        return None
    unpriced = [str(model) for model in paid if table.price_usd(model, 1, 0, 1) is None]
    if unpriced:
        fault = (
            f"the price of {', '.join(unpriced)} is not known, so no budget could be kept: name it in "
            f"{settings.models} (price: {{input_usd: ..., output_usd: ...}} per million tokens)"
        )
        raise SettingsError("models that cannot be called:", [fault])
    from s1_assets.adapters.llm.purse import Purse
    from s1_assets.domain.tokens import most_tokens

    cap, name = settings.budget_usd, "S1_BUDGET_USD"
    if cap is None:
        cap, name = DEFAULT_BUDGET_USD, "the default; set S1_BUDGET_USD for another"
    today = datetime.now(UTC).date()

    def worst(request: ModelRequest) -> float | None:
        tokens = sum(most_tokens(message.content) for message in request.messages)
        return table.worst_price_usd(request.model, tokens, request.sampling, today)

    return Purse(budget, cap, name, worst)


class Answering:
    """Asks models for one step and counts what was paid."""

    def __init__(
        self, means: Means, context: dg.AssetExecutionContext, role: Role, models: Sequence[ModelName]
    ) -> None:
        self._models, self._context = list(models), context
        self._asset = context.asset_key.to_user_string()
        self._partition = context.partition_key if context.has_partition_key else None
        tags = context.run.tags
        budget = tags.get(BUDGET_TAG, context.run_id)
        watch = ThinkingWatch(models) if role == "teacher" else None
        self._told_at = time.monotonic()
        self._progress = Progress(context, self._asset, self._partition)
        self._model = LedgeredModel(
            means.directory,
            means.ledger,
            Caller(self._asset, self._partition or "", context.run_id, budget),
            terms_for(means.table, role, models, retry_failed=RETRY_TAG in tags),
            purse_for(means.settings, means.table, budget, models),
            self._tell,
            watch,
        )

    def answer_each(
        self, work: Callable[[], Iterable[tuple[Work, ModelRequest]]], total: int | None = None
    ) -> Iterator[tuple[Work, Reply]]:
        """What each piece of work asked for, in order, in bounded memory.

        Args:
            work: Gives the same pieces whenever it is called.
        """
        self._progress.total = total
        replies = self._model.answer_all(lambda: (request for _, request in work()), self._models)
        pairs = zip((piece for piece, _ in work()), replies, strict=True)
        return self._progress.counted(pairs)

    def counts(self) -> dict[str, Any]:
        """Calls taken from the ledger, asked anew, and of these paid by another run too; tries, refusals and cost."""
        counts = self._model.counts
        told: dict[str, Any] = {
            "from_ledger": counts.from_ledger,
            "asked": counts.asked,
            "paid_again": counts.paid_again,
        }
        if counts.asked and not all(model.provider in ("solver", "replay") for model in self._models):
            told |= {
                "failed_calls": counts.failed,
                "tried_again": counts.retried,
                "refused_429": counts.limited,
                "maybe_billed": counts.maybe_billed,
                "input_tokens": counts.input_tokens,
                "output_tokens": counts.output_tokens,
            }
            if not counts.unpriced:
                told["cost_usd"] = round(counts.usd, 4)
        return told

    def _tell(self, counts: Counts) -> None:
        """Progress of the asking: to listeners at once, as an event every ten seconds."""
        self._progress.at(counts.done, in_short(counts))
        now = time.monotonic()
        if now - self._told_at >= EVENT_EVERY_S:
            self._told_at = now
            self._context.log.info(f"{self._asset}: {as_line(counts, self._progress.total)}")


class ThinkingWatch:
    """Stops a teacher whose first replies mostly show no thinking that could be distilled."""

    def __init__(self, models: Sequence[ModelName]) -> None:
        self._models = ", ".join(map(str, models))
        self._seen = self._empty = 0

    def __call__(self, reply: Reply) -> None:
        if reply.status != "ok" or self._seen >= LOOKED_AT:
            return
        self._seen += 1
        self._empty += not reply.thinking and "<reasoning>" not in reply.answer
        if self._seen == LOOKED_AT and self._empty > LOOKED_AT // 2:
            raise ModelUnusable(
                f"{self._empty} of the first {LOOKED_AT} replies of {self._models} hold no thinking, so nothing could "
                "be distilled from them. Set S1_TEACHER to a model that shows its thoughts, or ask for the reasoning "
                "in the answer: raw_traces.prompt=visible-v1"
            )


def in_short(counts: Counts) -> str:
    """What of it changes, for a progress bar."""
    parts = [f"{counts.usd:,.2f} USD"] if counts.usd else []
    parts += [f"{counts.limited:,} refused (429)"] if counts.limited else []
    parts += [f"{len(counts.parked)} keys parked"] if counts.parked else []
    return ", ".join(parts)


def as_line(counts: Counts, total: int | None) -> str:
    """How far it is, for people."""
    of = f" of {total:,}" if total else ""
    rate = counts.per_second
    parts = [f"{counts.done:,}{of}", f"{rate:,.1f} a second"]
    if total and rate:
        parts.append(f"{max(0, total - counts.done) / rate:,.0f} s to go")
    parts.append(f"{counts.output_tokens:,} tokens out")
    if counts.usd:
        parts.append(f"{counts.usd:,.2f} USD")
    if counts.limited:
        parts.append(f"{counts.limited:,} refused (429)")
    parts += [f"key {name} parked: {why}" for name, why in counts.parked.items()]
    return ", ".join(parts)
