"""What a run leaves to be said: the funnel, calls and cost, where the data lies, and what to do next."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from s1_assets.automation.run_view import LONGEST_ERROR
from s1_assets.automation.runs import Summary
from s1_assets.domain.selection.s1k import STAGES
from s1_assets.ports import Address
from s1_assets.resources.house import House
from s1_assets.resources.terminal import inert

MENTIONED_UNKNOWN = 0.05
"""Share of questions of unknown difficulty above which something is wrong with the students."""
DEMONSTRATION = (
    "{embedded:,} of {rows:,} rows are the embedded model's: they demonstrate the pipeline and are not training data. "
    "Set S1_TEACHER to a real model, and switch packaged sources off that you do not want; see the README."
)


class Report:
    """The state of the tables after a run."""

    def __init__(self, house: House, summary: Summary, took_s: float, made_set: bool) -> None:
        self._house, self._summary, self._took_s = house, summary, took_s
        self._made_set = made_set
        self._decisions = house.tables.current(Address("s1k_decisions"))
        self._dataset = house.tables.current(Address("s1k_dataset"))
        self._funnel: dict[str, Any] = self._decisions.facts["funnel"] if self._decisions else {}

    def as_json(self) -> dict[str, Any]:
        summary = self._summary
        return {
            "seconds": round(self._took_s, 1),
            "runs": len(summary.outcomes),
            "unchanged": len(summary.unchanged),
            "calls": {
                "asked": summary.asked,
                "from_ledger": summary.from_ledger,
                "paid_again": summary.paid_again,
            },
            "failed": [{"source": outcome.job.name, "error": outcome.error} for outcome in summary.failed],
            "set_aside_when_read": self._set_aside(),
            "funnel": self._funnel,
            "rows": self._dataset.rows if self._dataset else 0,
            "data_version": self._dataset.content_hash if self._dataset else None,
            "sources": self._dataset.facts["sources"] if self._dataset else {},
            "spending": [asdict(spent) for spent in self._house.ledger.spending()],
            "storage": self._house.settings.storage,
        }

    def show(self, console: Console) -> None:
        """Print it for a person."""
        summary = self._summary
        if not summary.outcomes:
            console.print("Nothing has changed: no run was started, no model was asked.")
        if self._made_set and self._decisions:
            console.print(self._funnel_table())
        if self._made_set and self._dataset:
            console.print(self._size())
            if summary.failed:
                names = ", ".join(outcome.job.name for outcome in summary.failed)
                console.print(Text(f"Not of this run: what was made earlier stands for {names}", style="yellow"))
        calls = f"{summary.asked:,} asked, {summary.from_ledger:,} from the ledger, {summary.paid_again:,} paid again"
        console.print(f"Model calls: {calls}")
        for line in (*self._spending(), *self._advice()):
            console.print(line)
        console.print(f"Tables: {self._house.settings.storage}   Look: s1 show s1k_dataset --head 3   Why: s1 why ID")
        console.print(f"{len(summary.outcomes)} runs, {len(summary.unchanged)} sources unchanged, {self._took_s:.1f} s")
        for outcome in summary.failed:
            console.print(Text(f"failed: {outcome.job.name}: {inert(outcome.error, LONGEST_ERROR)}", style="red"))

    def _funnel_table(self) -> Table:
        assert self._decisions is not None
        table = Table(
            title="From questions to s1K, all enabled sources", title_justify="left", box=None, pad_edge=False
        )
        for heading, side in (("stage", "left"), ("came", "right"), ("kept", "right"), ("dropped, by reason", "left")):
            last = heading.startswith("dropped")
            table.add_column(heading, justify="right" if side == "right" else "left", no_wrap=not last, overflow="fold")
        aside = self._set_aside()
        questions = int(self._decisions.facts["came"])
        table.add_row("read", f"{questions + sum(aside.values()):,}", f"{questions:,}", _reasons(aside))
        for stage in STAGES:
            if count := self._funnel.get(stage):
                table.add_row(stage, f"{count['came']:,}", f"{count['kept']:,}", _reasons(count["dropped"]))
        return table

    def _size(self) -> str:
        assert self._dataset is not None and self._decisions is not None
        wanted = int(self._decisions.facts["size_wanted"])
        short = f" of {wanted:,} wanted (no more survived)" if self._dataset.rows < wanted else ""
        sources = self._dataset.facts["source_count"]
        correct = self._dataset.facts["verified_correct"]
        return f"s1k_dataset: {self._dataset.rows:,} rows{short} from {sources} sources, {correct:,} verified correct"

    def _spending(self) -> list[str]:
        lines = []
        for spent in self._house.ledger.spending():
            price = "price unknown" if spent.price_usd is None else f"{spent.price_usd:,.2f} USD"
            tokens = f"{spent.input_tokens:,} tokens in, {spent.output_tokens:,} out"
            lines.append(f"  {spent.asset}, {spent.model}: {spent.calls:,} calls ever, {tokens}, {price}")
        return lines

    def _advice(self) -> list[Text]:
        """What a person would want to change."""
        settings = self._house.settings
        advice = []
        difficulty = self._funnel.get("difficulty", {"came": 0, "dropped": {}})
        unknown = difficulty["dropped"].get("difficulty_unknown", 0)
        if unknown > MENTIONED_UNKNOWN * difficulty["came"]:
            students = ", ".join(str(model) for model in settings.students)
            advice.append(
                f"{unknown:,} questions are of unknown difficulty, which is not hard: no student could answer them. "
                f"Set S1_STUDENTS to models that can (now {students})."
            )
        if self._dataset and self._made_set:
            models = self._dataset.facts["models"]
            embedded = sum(rows for model, rows in models.items() if model.startswith("solver:"))
            if embedded:
                advice.append(DEMONSTRATION.format(embedded=embedded, rows=self._dataset.rows))
        return [Text(line, style="yellow") for line in advice]

    def _set_aside(self) -> dict[str, int]:
        """Rows that could not be read, over all enabled sources, by reason."""
        reasons: dict[str, int] = {}
        for source in self._house.catalogue.enabled:
            version = self._house.tables.current(Address("raw_questions", source))
            if version is None or not version.set_aside:
                continue
            for batch in self._house.tables.read_set_aside(version).to_batches(columns=["reason"]):
                for reason in batch.column(0).to_pylist():
                    reasons[reason] = reasons.get(reason, 0) + 1
        return reasons


def _reasons(counts: dict[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{inert(reason)} {count:,}" for reason, count in ranked)
