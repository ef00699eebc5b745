"""`s1 run`: the whole graph for all enabled sources, one Dagster run per source, several side by side.

Goes on after a failed source, then makes the unpartitioned assets once over the sources that succeeded. Starts no run
where nothing changed. Runs go to the same Dagster instance as the UI's.
"""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import dagster as dg

from s1_assets.automation.plan import Node, Plan, nodes_of
from s1_assets.automation.workers import HOST_TAG, PROCESS_TAG, Event, Job, Options, Outcome, Workers
from s1_assets.errors import CatalogueError, SourceUnreadable
from s1_assets.resources.house import House

WAITING_RUNS = 4
"""Runs side by side where models answer from elsewhere; each is a process of about 200 MB."""


@dataclass(slots=True)
class Summary:
    """How everything ended."""

    outcomes: list[Outcome] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    """Partitions that needed no run."""

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if not outcome.success]

    @property
    def asked(self) -> int:
        return sum(outcome.asked for outcome in self.outcomes)

    @property
    def paid_again(self) -> int:
        return sum(outcome.paid_again for outcome in self.outcomes)

    @property
    def from_ledger(self) -> int:
        return sum(outcome.from_ledger for outcome in self.outcomes)


class View(Protocol):
    """Whoever watches a graph being made."""

    def planned(self, runs: int) -> None:
        """So many runs are about to be made."""
        ...

    def happened(self, event: Event) -> None: ...


@dataclass
class GraphRun:
    """One making of the graph."""

    definitions: dg.Definitions
    house: House
    instance: dg.DagsterInstance
    options: Options
    view: View
    tags: Mapping[str, str] = field(default_factory=dict)
    """Of every run."""
    retry_failed: bool = False
    summary: Summary = field(default_factory=Summary)

    def make(self, selected: Sequence[str], sources: Sequence[str]) -> Summary:
        """Make what is stale among `selected` for `sources`, then what is stale of the unpartitioned assets.

        A source's own fault is an outcome; faults that concern every source are raised.
        """
        close_dead_runs(self.instance)
        nodes = nodes_of(self.definitions)
        with Workers(self.options, self.tags, self._at_once) as workers:
            jobs = self._plan(nodes, selected, sources)
            self.view.planned(len(jobs))
            workers.make(jobs, self._happened)
            last = Plan(self.house, nodes, self.options, self.retry_failed).stale_assets(selected, None)
            workers.make([Job(None, tuple(last))] if last else [], self._happened)
        return self.summary

    @property
    def _at_once(self) -> int:
        """Runs side by side: more where they wait for servers, so that the last calls of one leave no server idle."""
        settings, directory = self.house.settings, self.house.directory
        remote = not all(directory.is_local(model) for model in (settings.teacher, *settings.students))
        return max(WAITING_RUNS if remote else 2, os.cpu_count() or 1)

    def _plan(self, nodes: Mapping[str, Node], selected: Sequence[str], sources: Sequence[str]) -> list[Job]:
        jobs, plan = [], Plan(self.house, nodes, self.options, self.retry_failed)
        for source in sources:
            try:
                stale = plan.stale_assets(selected, source)
            except (SourceUnreadable, CatalogueError) as error:
                self._happened(Outcome(Job(source, ()), success=False, error=str(error)))
                continue
            if stale:
                jobs.append(Job(source, tuple(stale)))
            else:
                self.summary.unchanged.append(source)
        return jobs

    def _happened(self, event: Event) -> None:
        if isinstance(event, Outcome):
            self.summary.outcomes.append(event)
        self.view.happened(event)


def close_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose `s1 run` on this machine died without saying so; the ids of these runs."""
    statuses = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING]
    runs = instance.get_runs(dg.RunsFilter(statuses=statuses, tags={HOST_TAG: socket.gethostname()}))
    dead = [run for run in runs if not _is_alive(int(run.tags.get(PROCESS_TAG, "0")))]
    for run in dead:
        instance.report_run_failed(
            run, "the process of `s1 run` ended before this run did; what was paid is in the ledger"
        )
    return [run.run_id for run in dead]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return process > 0
