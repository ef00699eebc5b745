"""The verbs `s1 run` and `s1 estimate`: what was typed, checked; the graph, made; how it went, told."""

import json
import os
import sys
import time
import uuid
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import dagster as dg
from rich.console import Console
from rich.text import Text

from s1_assets.automation.estimate import Estimate, estimate_run
from s1_assets.automation.estimate_view import show_estimate
from s1_assets.automation.options import RunOptions, read_options
from s1_assets.automation.plan import nodes_of
from s1_assets.automation.report import Report
from s1_assets.automation.run_view import RunView
from s1_assets.automation.runs import GraphRun
from s1_assets.errors import SettingsError
from s1_assets.resources.answering import BUDGET_TAG, RETRY_TAG
from s1_assets.resources.house import House
from s1_assets.resources.terminal import inert

WIDE = 500
"""Columns where the output goes to a file or a program."""


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What was typed."""

    sources: tuple[str, ...] | None
    selection: str
    limit: int | None
    assignments: tuple[str, ...]
    config_file: Path | None
    as_json: bool
    yes: bool = False
    """Whether a run that costs money goes on without asking."""
    retry_failed: bool = False


@dataclass(frozen=True)
class Prepared:
    """An order that was found to be good."""

    house: House
    definitions: dg.Definitions
    console: Console
    sources: list[str]
    selected: list[str]
    options: RunOptions


def run_command(order: RunOrder, build: Callable[[], dg.Definitions]) -> int:
    """Make the graph and tell how it went; the exit status.

    Args:
        build: Makes the definitions, once the order is known to be good.

    Raises:
        SettingsError, CatalogueError, ...: Before anything runs.
    """
    started = time.monotonic()
    ready = _prepare(order, build)
    _agree(ready, order)
    tags = {BUDGET_TAG: uuid.uuid4().hex, **({RETRY_TAG: "true"} if order.retry_failed else {})}
    with dg.DagsterInstance.get() as instance, RunView(ready.console) as view:
        run = GraphRun(ready.definitions, ready.house, instance, ready.options.by_asset, view, tags, order.retry_failed)
        summary = run.make(ready.selected, ready.sources)
    report = Report(ready.house, summary, time.monotonic() - started, "s1k_dataset" in ready.selected)
    if order.as_json:
        print(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        report.show(ready.console)
    return 1 if summary.failed else 0


def estimate_command(order: RunOrder, build: Callable[[], dg.Definitions]) -> int:
    """Tell what a run would ask and cost; nothing is asked."""
    ready = _prepare(order, build)
    estimate = _estimated(ready, order)
    if order.as_json:
        print(json.dumps(estimate.as_json(), indent=2, ensure_ascii=False))
    else:
        show_estimate(estimate, ready.house.settings, ready.console)
    return 0


def _estimated(ready: Prepared, order: RunOrder) -> Estimate:
    nodes, options = nodes_of(ready.definitions), ready.options.by_asset
    return estimate_run(ready.house, nodes, ready.selected, ready.sources, options, order.retry_failed)


def _prepare(order: RunOrder, build: Callable[[], dg.Definitions]) -> Prepared:
    """Check everything that was typed and set, and tell what a person should know of it."""
    options = read_options(order.config_file, order.assignments, order.limit, House().catalogue)
    if options.model_name:
        _name_teacher(options.model_name, options.remarks)
    house = House()  # only now: it reads the environment once
    console = Console(stderr=order.as_json, soft_wrap=True)
    if not console.is_terminal:
        console = Console(stderr=order.as_json, soft_wrap=True, width=WIDE)  # nobody's window is too narrow
    if order.limit is not None:
        options.remarks.append(f"until a run without --limit, tables hold at most {order.limit:,} questions per source")
    for remark in (*house.settings.remarks, *options.remarks):
        console.print(Text(inert(remark), style="yellow"))
    sources = _wanted_sources(house, order.sources, options.source)
    _find_faults(house)
    definitions = build()
    selected = _selected(definitions, order.selection)
    if order.limit is not None and "raw_questions" not in selected:
        raise SettingsError(
            "options that cannot be used:",
            [
                "--limit takes fewer questions into raw_questions, which --select leaves out: "
                "begin the selection with '*', as in '*raw_traces'"
            ],
        )
    return Prepared(house, definitions, console, sources, selected, options)


def _agree(ready: Prepared, order: RunOrder) -> None:
    """Before anything that costs money: tell how much, and ask.

    Raises:
        SettingsError: If nobody can be asked, or the answer is no.
    """
    settings, table = ready.house.settings, ready.house.models
    asked = {"student_attempts": settings.students, "raw_traces": (settings.teacher,)}
    if not any(table.is_paid(model) for asset in ready.selected for model in asked.get(asset, ())):
        return
    estimate = _estimated(ready, order)
    if not estimate.is_paid:
        return
    show_estimate(estimate, settings, ready.console)
    if order.yes:
        return
    if not sys.stdin.isatty():
        raise SettingsError(
            "nothing was asked:", ["this run may cost money and nobody is here to agree: --yes agrees beforehand"]
        )
    if not click.confirm("Go on?", err=True):
        raise SettingsError("nothing was asked:", ["the answer was no; `s1 estimate` shows the figures again"])


def _find_faults(house: House) -> None:
    """What would fail every run fails here, before any of them."""
    faults = house.model_faults((house.settings.teacher, *house.settings.students))
    if faults:
        raise SettingsError("models that cannot be called:", faults)
    house.ledger.count()


def _name_teacher(model_name: str, remarks: list[str]) -> None:
    """A collector file's Gemini model; a config file stands above the environment."""
    teacher = f"gemini:{model_name}"
    other = os.environ.get("S1_TEACHER")
    if other not in (None, "", teacher):
        remarks.append(f"the config file's model_name {model_name} is used, S1_TEACHER={other} is not")
    os.environ["S1_TEACHER"] = teacher


def _wanted_sources(house: House, named: tuple[str, ...] | None, of_file: str | None) -> list[str]:
    enabled = list(house.catalogue.enabled)
    if named is not None and not named:
        raise SettingsError(
            "sources that cannot be run:", ["--sources names none; leave it out to run all that are enabled"]
        )
    wanted = list(dict.fromkeys(named or ((of_file,) if of_file else enabled)))
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
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", dg.BetaWarning)  # about a part of the selection's syntax
                keys = dg.AssetSelection.from_string(selection).resolve(graph)
        except (dg.DagsterError, ValueError) as error:
            names = ", ".join(name for name in jobs if not name.startswith("__"))
            raise SettingsError(
                "nothing to run:",
                [
                    f"--select {selection!r}: {error}; jobs are {names}; "
                    "or a Dagster selection, such as 'raw_traces*' for raw_traces and all that follows"
                ],
            ) from error
    found = [name for name in nodes_of(definitions) if dg.AssetKey(name) in keys]
    if not found:
        raise SettingsError("nothing to run:", [f"--select {selection!r} selects no asset"])
    return found
