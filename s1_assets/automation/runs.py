"""`s1 run`: the whole graph for all enabled sources, one Dagster run per source, several side by side.

Goes on after a failed source, then makes the unpartitioned assets once over the sources that succeeded. Starts no run
where nothing changed. Runs go to the same Dagster instance as the UI's.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Protocol

import dagster as dg

from s1_assets.automation.plan import Node, Options, nodes_of, stale_assets
from s1_assets.errors import S1Error
from s1_assets.resources.house import House

HOST_TAG, PROCESS_TAG = "s1/host", "s1/process"
LOGS = Path(".s1/logs")


@dataclass(frozen=True, slots=True)
class Job:
    """One Dagster run to be made."""

    partition: str | None
    assets: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.partition or "all sources"


@dataclass(slots=True)
class Outcome:
    """How a job ended."""

    job: Job
    success: bool
    error: str = ""
    run_id: str = ""
    asked: int = 0
    from_ledger: int = 0


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
    def from_ledger(self) -> int:
        return sum(outcome.from_ledger for outcome in self.outcomes)


class View(Protocol):
    """Whoever watches a graph being made; called in the thread that makes it."""

    def planned(self, jobs: Sequence[Job]) -> None:
        """Jobs that are about to be made."""
        ...

    def progressed(self, job: Job, asset: str, done: int, total: int | None) -> None:
        """An asset of a job is so far; `total` is None where it is not known."""
        ...

    def ended(self, outcome: Outcome) -> None: ...


@dataclass
class GraphRun:
    """One making of the graph."""

    definitions: dg.Definitions
    house: House
    instance: dg.DagsterInstance
    options: Options
    view: View
    summary: Summary = field(default_factory=Summary)

    def make(self, selected: Sequence[str], sources: Sequence[str]) -> Summary:
        """Make what is stale among `selected` for `sources`, then what is stale of the unpartitioned assets.

        A source's own fault is an outcome; faults that concern every source are raised.
        """
        close_dead_runs(self.instance)
        nodes = nodes_of(self.definitions)
        self._run_all(self._plan(nodes, selected, sources))
        last = stale_assets(self.house, nodes, selected, None, self.options)
        if last:
            self._run_all([Job(None, tuple(last))])
        return self.summary

    def _plan(self, nodes: Mapping[str, Node], selected: Sequence[str], sources: Sequence[str]) -> list[Job]:
        jobs = []
        for source in sources:
            try:
                stale = stale_assets(self.house, nodes, selected, source, self.options)
            except S1Error as error:
                self._end(Outcome(Job(source, ()), success=False, error=str(error)))
                continue
            if stale:
                jobs.append(Job(source, tuple(stale)))
            else:
                self.summary.unchanged.append(source)
        return jobs

    def _run_all(self, jobs: Sequence[Job]) -> None:
        """Make the runs, as many side by side as there are processors."""
        self.view.planned(jobs)
        waiting: Queue[Job] = Queue()
        for job in jobs:
            waiting.put(job)
        count = min(len(jobs), max(2, os.cpu_count() or 1))
        events: Queue[Event | None] = Queue()
        with ThreadPoolExecutor(max_workers=max(count, 1)) as pool:
            serving = [pool.submit(_serve, number, waiting, self.options, events) for number in range(count)]
            for future in serving:
                future.add_done_callback(lambda _: events.put(None))
            running = count
            while running:
                event = events.get()
                if event is None:
                    running -= 1
                elif isinstance(event, Outcome):
                    self._end(event)
                else:
                    self.view.progressed(*event)
            for future in serving:
                future.result()

    def _end(self, outcome: Outcome) -> None:
        self.summary.outcomes.append(outcome)
        self.view.ended(outcome)


Event = Outcome | tuple[Job, str, int, int | None]
"""From a worker's thread: a job's end, or its progress."""


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


def _serve(number: int, waiting: "Queue[Job]", options: Options, events: "Queue[Event | None]") -> None:
    """Feed one worker process with jobs until none is left; a worker that dies is replaced."""
    while not waiting.empty():
        with _worker(number) as process:
            while process.poll() is None:
                try:
                    job = waiting.get_nowait()
                except Empty:
                    return
                events.put(_make(process, job, options, events))


@contextmanager
def _worker(number: int) -> Iterator["subprocess.Popen[str]"]:
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / f"worker-{number}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "s1_assets.automation.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            yield process
        finally:
            assert process.stdin is not None and process.stdout is not None
            process.stdin.close()
            process.stdout.close()
            process.wait()


def _make(process: "subprocess.Popen[str]", job: Job, options: Options, events: "Queue[Event | None]") -> Outcome:
    """One job on a worker; a worker that dies in it is an outcome."""
    assert process.stdin is not None and process.stdout is not None
    order = {
        "partition": job.partition,
        "assets": job.assets,
        "run_config": _run_config(job, options),
        "tags": {HOST_TAG: socket.gethostname(), PROCESS_TAG: str(os.getpid())},
    }
    try:
        process.stdin.write(f"{json.dumps(order)}\n")
        process.stdin.flush()
    except BrokenPipeError:
        pass  # the process is gone, which the next lines find out and tell
    for line in process.stdout:
        told = json.loads(line)
        if told["event"] == "done":
            return Outcome(job, told["success"], told["error"], told["run_id"], **told["counts"])
        events.put((job, told["asset"], told["done"], told["total"]))
    status = process.wait()
    return Outcome(job, success=False, error=f"its process ended with status {status}; its log is in {LOGS}. Run again")


def _run_config(job: Job, options: Options) -> dict[str, Any]:
    ops = {asset: {"config": dict(options[asset])} for asset in job.assets if options.get(asset)}
    return {"ops": ops, "loggers": {"console": {"config": {"log_level": "ERROR"}}}}
