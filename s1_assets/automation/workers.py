"""Processes that make Dagster runs, kept for the next run: see `worker`, which is what they execute."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, TextIO

HOST_TAG, PROCESS_TAG = "s1/host", "s1/process"
"""Tags of a run: the machine and the `s1 run` that it belongs to."""
LOGS = Path(".s1/logs")
Options = Mapping[str, Mapping[str, Any]]
"""By asset, the option values that were set."""


@dataclass(frozen=True, slots=True)
class Job:
    """One Dagster run to be made."""

    partition: str | None
    assets: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.partition or "all sources"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended."""

    job: Job
    success: bool
    error: str = ""
    run_id: str = ""
    asked: int = 0
    from_ledger: int = 0
    paid_again: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an asset of a job is; `total` is None where it is not known."""

    job: Job
    asset: str
    done: int
    total: int | None
    note: str = ""
    """A word on how it goes: money spent, refusals."""


Event = Outcome | Progress


class Workers:
    """Processes that make runs side by side, started when there is work for them and ended together."""

    def __init__(self, options: Options, tags: Mapping[str, str], at_once: int) -> None:
        """Start nothing yet.

        Args:
            tags: Of every run, beside those that name this process.
            at_once: Runs made side by side at most.
        """
        self._options, self._tags, self._at_once = options, tags, at_once
        self._idle: SimpleQueue[_Process] = SimpleQueue()
        self._ending = ExitStack()
        self._processes: list[_Process] = []
        self._lock, self._interrupted = Lock(), False

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    def make(self, jobs: Sequence[Job], on_event: Callable[[Event], None]) -> None:
        """Make all runs, several side by side; `on_event` is called in this thread."""
        events: SimpleQueue[Event] = SimpleQueue()
        side_by_side = min(len(jobs), self._at_once)
        with ThreadPoolExecutor(max_workers=max(side_by_side, 1)) as pool:
            try:
                for job in jobs:
                    pool.submit(self._make, job, events)
                left = len(jobs)
                while left:
                    event = events.get()
                    on_event(event)
                    left -= isinstance(event, Outcome)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self._interrupt()  # or the pool would wait for the runs that are under way
                raise

    def _make(self, job: Job, events: "SimpleQueue[Event]") -> None:
        """One job on an idle process or a new one; a process that died is not used again."""
        try:
            process = self._process()
            outcome = process.make(job, _order(job, self._options, self._tags), events)
            if process.is_alive():
                self._idle.put(process)
        except Exception as error:  # noqa: BLE001  (a job without an outcome would be waited for without end)
            outcome = Outcome(
                job, success=False, error=f"its process could not be used: {type(error).__name__}: {error}"
            )
        events.put(outcome)

    def _process(self) -> "_Process":
        with suppress(Empty):
            while True:
                process = self._idle.get_nowait()
                if process.is_alive():
                    return process
        with self._lock:
            if self._interrupted:
                raise InterruptedError("the run was stopped")
            process = self._ending.enter_context(_Process(len(self._processes)))
            self._processes.append(process)
        return process

    def _interrupt(self) -> None:
        with self._lock:
            self._interrupted = True
        for process in self._processes:
            process.end()


class _Process:
    """One worker process."""

    def __init__(self, number: int) -> None:
        LOGS.mkdir(parents=True, exist_ok=True)
        self._log_file = LOGS / f"worker-{os.getpid()}-{number}.log"
        self._log: TextIO = self._log_file.open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "s1_assets.cli", "worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,  # Ctrl-C reaches the parent alone, which then interrupts each run once
        )

    def __enter__(self) -> "_Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        status = self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()
        if status == 0:
            self._log_file.unlink(missing_ok=True)  # it is read after a fault only

    def end(self) -> None:
        """The end of its input is the end of the process, which interrupts a run in progress first."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # it has ended already
                self._process.stdin.close()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def make(self, job: Job, order: Mapping[str, Any], events: "SimpleQueue[Event]") -> Outcome:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(f"{json.dumps(order)}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the process is gone, which the next lines find out and tell
        for line in self._process.stdout:
            told = json.loads(line)
            if told["event"] == "done":
                return Outcome(job, told["success"], told["error"], told["run_id"], **told["counts"])
            events.put(Progress(job, told["asset"], told["done"], told["total"], told["note"]))
        status = self._process.wait()
        error = f"its process ended with status {status}; its log is in {LOGS}. Run again"
        return Outcome(job, success=False, error=error)


def _order(job: Job, options: Options, tags: Mapping[str, str]) -> dict[str, Any]:
    """What a worker is told."""
    ops = {asset: {"config": dict(options[asset])} for asset in job.assets if options.get(asset)}
    return {
        "partition": job.partition,
        "assets": job.assets,
        "run_config": {"ops": ops, "loggers": {"console": {"config": {"log_level": "ERROR"}}}},
        "tags": {**tags, HOST_TAG: socket.gethostname(), PROCESS_TAG: str(os.getpid())},
    }
