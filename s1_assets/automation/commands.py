"""`s1 run` on a terminal: plan, bars, funnel, cost, and what to do next."""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from s1_assets.automation.options import read_options
from s1_assets.automation.plan import nodes_of
from s1_assets.automation.runs import GraphRun, Job, Outcome, Summary
from s1_assets.definitions import defs
from s1_assets.domain.selection.s1k import STAGES
from s1_assets.errors import SettingsError
from s1_assets.ports import Address
from s1_assets.resources.house import House
from s1_assets.resources.terminal import inert

DEMONSTRATION = (
    "The embedded models answered: this demonstrates the pipeline and is not training data. "
    "To use a real teacher set S1_TEACHER; see the README."
)


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What was typed."""

    sources: tuple[str, ...] | None
    selection: str
    limit: int | None
    assignments: tuple[str, ...]
    config_file: Path | None
    as_json: bool


def run_command(order: RunOrder) -> int:
    """Make the graph and tell how it went; the exit status.

    Raises:
        SettingsError, CatalogueError, ...: Before anything runs.
    """
    started = time.monotonic()
    house = House()
    options = read_options(order.config_file, order.assignments, order.limit, house.catalogue)
    if options.model_name:
        _name_teacher(options.model_name, options.remarks)
    console = Console(stderr=order.as_json, soft_wrap=True)
    for remark in (*house.settings.remarks, *options.remarks):
        console.print(Text(inert(remark), style="yellow"))
    sources = _wanted_sources(house, order.sources, options.source)
    definitions = defs()
    selected = _selected(definitions, order.selection)
    with dg.DagsterInstance.get() as instance, RunView(console) as view:
        run = GraphRun(definitions, house, instance, options.by_asset, view)
        summary = run.make(selected, sources)
    report = Report(house, summary, time.monotonic() - started)
    if order.as_json:
        print(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        report.show(console)
    return 1 if summary.failed else 0


def _name_teacher(model_name: str, remarks: list[str]) -> None:
    """A collector file's model, below the environment: it is used where neither name of the teacher is set."""
    if os.environ.get("S1_TEACHER") or os.environ.get("GEMINI_MODEL_NAME"):
        remarks.append(f"model_name {model_name} is not used: the environment names the teacher")
    else:
        os.environ["GEMINI_MODEL_NAME"] = model_name


def _wanted_sources(house: House, named: tuple[str, ...] | None, of_file: str | None) -> list[str]:
    enabled = list(house.catalogue.enabled)
    wanted = list(named or ((of_file,) if of_file else enabled))
    unknown = [name for name in wanted if name not in enabled]
    if unknown:
        known = house.catalogue.sources
        faults = [
            f"{name!r} is not enabled: s1 sources enable {name}" if name in known else f"there is no source {name!r}"
            for name in unknown
        ]
        raise SettingsError("sources that cannot be run:", [*faults, f"enabled are {', '.join(enabled)}"])
    return wanted


def _selected(definitions: dg.Definitions, selection: str) -> list[str]:
    """Assets of a job of that name, or of a Dagster selection."""
    jobs = {job.name: job for job in definitions.resolve_all_job_defs()}
    graph = definitions.resolve_asset_graph()
    if selection in jobs:
        keys = jobs[selection].asset_layer.selected_asset_keys
    else:
        try:
            keys = dg.AssetSelection.from_string(selection).resolve(graph)
        except (dg.DagsterError, ValueError) as error:
            names = ", ".join(name for name in jobs if not name.startswith("__"))
            raise SettingsError(
                "nothing to run:",
                [f"--select {selection!r}: {error}; jobs are {names}; or a Dagster selection: raw_traces+"],
            ) from error
    found = [name for name in nodes_of(definitions) if dg.AssetKey(name) in keys]
    if not found:
        raise SettingsError("nothing to run:", [f"--select {selection!r} selects no asset"])
    return found


class RunView:
    """Bars while runs are made, one line per run when nobody watches."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[step]}"),
            TimeElapsedColumn(),
        )
        self._bars = Progress(*columns, console=console, transient=True) if console.is_terminal else None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "RunView":
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars:
            self._bars.stop()

    def planned(self, jobs: Sequence[Job]) -> None:
        """Jobs that are about to be made."""

    def progressed(self, job: Job, asset: str, done: int, total: int | None) -> None:
        if self._bars is None:
            return
        if job.name not in self._tasks:
            self._tasks[job.name] = self._bars.add_task(job.name, total=total, step=asset)
        self._bars.update(self._tasks[job.name], completed=done, total=total, step=asset)

    def ended(self, outcome: Outcome) -> None:
        if self._bars and outcome.job.name in self._tasks:
            self._bars.remove_task(self._tasks.pop(outcome.job.name))
        mark = Text("done  ", style="green") if outcome.success else Text("FAILED ", style="red")
        paid = f"{outcome.asked:,} asked, {outcome.from_ledger:,} from the ledger"
        line = Text.assemble(mark, f"{outcome.job.name:<28}", paid if outcome.success else inert(outcome.error, 400))
        self._console.print(line, soft_wrap=True)


class Report:
    """What a run leaves to be said."""

    def __init__(self, house: House, summary: Summary, took_s: float) -> None:
        self._house, self._summary, self._took_s = house, summary, took_s
        self._decisions = house.tables.current(Address("s1k_decisions"))
        self._dataset = house.tables.current(Address("s1k_dataset"))

    def as_json(self) -> dict[str, Any]:
        summary = self._summary
        return {
            "seconds": round(self._took_s, 1),
            "runs": len(summary.outcomes),
            "unchanged": len(summary.unchanged),
            "calls": {"asked": summary.asked, "from_ledger": summary.from_ledger},
            "failed": [{"source": outcome.job.name, "error": outcome.error} for outcome in summary.failed],
            "set_aside_when_read": self._set_aside(),
            "funnel": self._decisions.facts["funnel"] if self._decisions else {},
            "rows": self._dataset.rows if self._dataset else 0,
            "data_version": self._dataset.content_hash if self._dataset else None,
            "sources": self._dataset.facts["sources"] if self._dataset else {},
            "spending": [asdict(spent) for spent in self._house.ledger.spending()],
            "storage": self._house.settings.storage,
        }

    def show(self, console: Console) -> None:
        summary = self._summary
        if not summary.outcomes:
            console.print("Nothing has changed: no run was started, no model was asked.")
        if self._decisions:
            console.print(self._funnel())
        if self._dataset:
            wanted = int(self._decisions.facts["size_wanted"]) if self._decisions else 0
            short = f" of {wanted:,} wanted: no more survived" if self._dataset.rows < wanted else ""
            sources = self._dataset.facts["source_count"]
            console.print(
                f"s1k_dataset: {self._dataset.rows:,} rows{short}, from {sources} sources, all verified correct"
            )
        self._show_spending(console)
        console.print(f"Tables: {self._house.settings.storage}   Look: s1 show s1k_dataset --head 3   Why: s1 why ID")
        if all(model.provider == "solver" for model in (self._house.settings.teacher, *self._house.settings.students)):
            console.print(Text(DEMONSTRATION, style="yellow"))
        console.print(f"{len(summary.outcomes)} runs, {len(summary.unchanged)} sources unchanged, {self._took_s:.1f} s")
        for outcome in summary.failed:
            console.print(Text(f"failed: {outcome.job.name}: {inert(outcome.error, 400)}", style="red"), soft_wrap=True)

    def _funnel(self) -> Table:
        assert self._decisions is not None
        table = Table(title="From questions to s1K", title_justify="left", box=None, pad_edge=False)
        for heading in ("stage", "came", "kept", "dropped, by reason"):
            table.add_column(
                heading, justify="right" if heading in ("came", "kept") else "left", no_wrap=heading == "stage"
            )
        aside = self._set_aside()
        questions = int(self._decisions.facts["came"])
        table.add_row("read", f"{questions + sum(aside.values()):,}", f"{questions:,}", _reasons(aside))
        funnel = self._decisions.facts["funnel"]
        for stage, count in ((stage, funnel[stage]) for stage in STAGES if stage in funnel):
            table.add_row(stage, f"{count['came']:,}", f"{count['kept']:,}", _reasons(count["dropped"]))
        return table

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

    def _show_spending(self, console: Console) -> None:
        summary = self._summary
        console.print(f"Model calls: {summary.asked:,} asked, {summary.from_ledger:,} from the ledger (paid 0 again)")
        for spent in self._house.ledger.spending():
            price = "price unknown" if spent.price_usd is None else f"{spent.price_usd:,.2f} USD"
            tokens = f"{spent.input_tokens:,} tokens in, {spent.output_tokens:,} out"
            console.print(f"  {spent.asset}, {spent.model}: {spent.calls:,} calls ever, {tokens}, {price}")


def _reasons(counts: dict[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{inert(reason)} {count:,}" for reason, count in ranked)
