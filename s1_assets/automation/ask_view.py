"""How far `s1 ask` is, on a terminal, and what it came to."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from s1_assets.adapters.llm.counts import Counts
from s1_assets.records.models import Reply
from s1_assets.resources.answering import as_line
from s1_assets.resources.terminal import inert

WIDE = 500
"""Columns where the output goes to a file or a program."""
LINE_EVERY_S = 10.0
"""Between two lines where no person watches."""
REASONS = 3
"""Reasons of failed calls that are told."""


class AskView:
    """A bar where a person watches, a line now and then where the output goes elsewhere."""

    def __init__(self, console: Console, total: int) -> None:
        self._console, self._total = console, total
        columns = (BarColumn(bar_width=30), TextColumn("{task.description}"), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=total)
        self._told_at = time.monotonic()

    def __enter__(self) -> "AskView":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, counts: Counts) -> None:
        told = inert(as_line(counts, self._total))
        self._bar.update(self._task, completed=counts.done, description=told)
        if not self._console.is_terminal and time.monotonic() - self._told_at >= LINE_EVERY_S:
            self._told_at = time.monotonic()
            self._console.print(told, markup=False)


@dataclass
class Outcome:
    """What came of the questions."""

    questions: int
    skipped: Counter[str]
    """Rows without a question, by reason."""
    paid: bool
    """Whether the model costs by the token."""
    places: list[Path]
    counts: Counts = field(default_factory=Counts)
    rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """Of the calls that failed."""
    without_thinking: int = 0
    """Complete answers that show no thinking."""

    @property
    def failed(self) -> int:
        return self.statuses["failed"]

    def add(self, reply: Reply) -> None:
        self.rows += 1
        self.statuses[reply.status] += 1
        if reply.status == "failed":
            self.reasons[reply.reason] += 1
        self.without_thinking += reply.status == "ok" and not reply.thinking

    def as_json(self) -> dict[str, Any]:
        counts = self.counts
        return {
            "questions": self.questions,
            "skipped": dict(self.skipped),
            "rows": self.rows,
            "statuses": dict(sorted(self.statuses.items())),
            "failed": self.failed,
            "asked": counts.asked,
            "from_ledger": counts.from_ledger,
            "paid_again": counts.paid_again,
            "maybe_billed": counts.maybe_billed,
            "input_tokens": counts.input_tokens,
            "output_tokens": counts.output_tokens,
            "cost_usd": None if counts.unpriced else round(counts.usd, 6),
            "files": [str(place) for place in self.places],
        }


def show_outcome(outcome: Outcome, thinks: bool, as_json: bool, console: Console) -> None:
    """Print what came of it: one line, and one for what a person has to know.

    Args:
        thinks: Whether thinking was to be expected.
    """
    if as_json:
        print(json.dumps(outcome.as_json(), indent=2))
    else:
        console.print(_line(outcome), markup=False)
    complete = outcome.statuses["ok"]
    if thinks and complete and outcome.without_thinking > complete // 2:
        told = f"{outcome.without_thinking:,} of {complete:,} complete answers show no thinking"
        console.print(Text(f"{told}; --prompt visible-v1 asks for the reasoning in the answer", "yellow"))


def told_reasons(outcome: Outcome) -> str:
    """Why calls failed, the most frequent first."""
    told = [f"{count:,} x {inert(reason, 160)}" for reason, count in outcome.reasons.most_common(REASONS)]
    return "; ".join(told) + ("; ..." if len(outcome.reasons) > REASONS else "")


def new_console(stderr: bool) -> Console:
    console = Console(stderr=stderr, soft_wrap=True, highlight=False)
    if console.is_terminal:
        return console
    return Console(stderr=stderr, soft_wrap=True, highlight=False, width=WIDE)


def _line(outcome: Outcome) -> str:
    counts = outcome.counts
    endings = ", ".join(f"{count:,} {status}" for status, count in sorted(outcome.statuses.items()) if status != "ok")
    cost = ", cost unknown" if counts.unpriced else f", {counts.usd:,.4f} USD"
    parts = [
        f"{outcome.statuses['ok']:,} of {outcome.rows:,} answered{f' ({endings})' if endings else ''}",
        f"{counts.asked:,} asked now, {counts.from_ledger:,} from the ledger",
        f"{counts.input_tokens:,} tokens in, {counts.output_tokens:,} out{cost if outcome.paid else ''}",
        f"written to {', '.join(map(str, outcome.places))}",
    ]
    return "; ".join(parts)
