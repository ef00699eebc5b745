"""What `s1 ask` would send and cost, before it does, and whether a person agrees to it."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

import click
from rich.console import Console
from rich.text import Text

from s1_assets.automation.ask_questions import BadRows
from s1_assets.domain.calls import call_key
from s1_assets.domain.tokens import approximate_tokens, most_tokens
from s1_assets.errors import SettingsError
from s1_assets.records.models import ModelName, ModelRequest, Role
from s1_assets.resources.answering import Means
from s1_assets.resources.settings import DEFAULT_BUDGET_USD
from s1_assets.resources.terminal import inert

LOOK_UP = 500
"""Requests looked up in the ledger together."""
TYPICAL_OUTPUT: Mapping[Role, int] = {"teacher": 4_700, "student": 1_500, "judge": 300}
"""Tokens of an answer where the ledger has too few of the model's; 4.7k is the mean of s1's traces."""
ENOUGH = 20
"""Answers on record from which their mean is believed."""


@dataclass(slots=True)
class Survey:
    """The questions, read once: how many calls they are, and what those cost that the ledger does not hold."""

    questions: int = 0
    calls: int = 0
    to_ask: int = 0
    usd_likely: float | None = 0.0
    """None: unknown."""
    usd_most: float | None = 0.0
    """If every answer were as long as it may be."""
    bad: BadRows = field(default_factory=BadRows)

    @property
    def in_ledger(self) -> int:
        return self.calls - self.to_ask


def count_calls(survey: Survey, means: Means, requests: Iterable[ModelRequest], role: Role, retry_failed: bool) -> None:
    """Count calls, and price those that would be made; nothing is asked."""
    mean: int | None = None
    remaining = iter(requests)
    while chunk := list(islice(remaining, LOOK_UP)):
        survey.calls += len(chunk)
        keyed = {call_key(request): request for request in chunk}
        known = means.ledger.known(list(keyed), retry_failed)
        for key, request in keyed.items():
            if key not in known:
                mean = mean or _mean_output(means, request.model) or TYPICAL_OUTPUT.get(role, 1_000)
                survey.to_ask += 1
                _price(survey, means, request, mean)


def show_bad_rows(bad: BadRows, console: Console) -> None:
    """Tell rows without a question: how many, why, and the first ones with file and line."""
    if not bad.by_reason:
        return
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in bad.by_reason.most_common())
    console.print(Text(f"{bad.by_reason.total():,} rows are skipped, as they hold no question: {reasons}", "yellow"))
    for told in bad.told:
        console.print(f"  {inert(told, 240)}", markup=False)
    if bad.by_reason.total() > len(bad.told):
        console.print("  ...")


def agree(survey: Survey, means: Means, model: ModelName, yes: bool, console: Console) -> None:
    """Tell what a person should know of the model and what its calls cost, and ask whether to go on if they cost.

    Raises:
        SettingsError: If nobody can be asked, or the answer is no.
    """
    if not survey.to_ask:
        return
    for note in means.table.notes(model, datetime.now(UTC).date()):
        console.print(Text(note, "yellow"))
    if not means.table.is_paid(model):
        return
    settings = means.settings
    cap = DEFAULT_BUDGET_USD if settings.budget_usd is None else settings.budget_usd
    default = ", the default" if settings.budget_usd is None else ""
    console.print(
        f"{survey.to_ask:,} calls to {inert(model)}, {survey.in_ledger:,} more are in the ledger: likely "
        f"{_money(survey.usd_likely)}, at most {_money(survey.usd_most)}. It stops before it passes {cap:,.2f} USD "
        f"(--budget or S1_BUDGET_USD{default}).",
        markup=False,
    )
    if yes:
        return
    if not sys.stdin.isatty():
        raise SettingsError(
            "nothing was asked:", ["this costs money and there is no terminal to agree on: --yes agrees beforehand"]
        )
    if not click.confirm("Go on?", err=True):
        raise SettingsError("nothing was asked:", ["the answer was no"])


def _price(survey: Survey, means: Means, request: ModelRequest, mean_output: int) -> None:
    table, today = means.table, datetime.now(UTC).date()
    if not table.is_paid(request.model):
        return
    texts = [message.content for message in request.messages]
    tokens, most = sum(map(approximate_tokens, texts)), sum(map(most_tokens, texts))
    likely = min(mean_output, request.sampling.max_output_tokens or mean_output)
    survey.usd_likely = _plus(survey.usd_likely, table.price_usd(request.model, tokens, 0, likely, today))
    survey.usd_most = _plus(survey.usd_most, table.worst_price_usd(request.model, most, request.sampling, today))


def _mean_output(means: Means, model: ModelName) -> int | None:
    """Of the model's answers on record, if they are enough."""
    spent = [each for each in means.ledger.spending() if each.model == f"{model.provider}:{model.model}"]
    calls = sum(each.calls - each.failed for each in spent)
    return round(sum(each.output_tokens for each in spent) / calls) if calls >= ENOUGH else None


def _plus(total: float | None, more: float | None) -> float | None:
    return None if total is None or more is None else total + more


def _money(usd: float | None) -> str:
    return "unknown" if usd is None else f"{usd:,.2f} USD"
