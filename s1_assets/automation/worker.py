"""A process that makes Dagster runs for `s1 run`: reads one job per line, tells how each goes, one JSON line at a time.

Imports and definitions are paid once per process instead of once per run (about 3 CPU seconds). The process ends with
its parent: standard input is a pipe from it, and its end is the end of the parent, so that a killed `s1 run` leaves
nobody writing.
"""

import json
import os
import signal
import sys
import threading
import time
from queue import SimpleQueue
from typing import Any, TextIO

import dagster as dg

from s1_assets.errors import S1Error
from s1_assets.resources.progress import listen

LAST_WORDS_S = 8.0
"""How long an interrupted run may take to record its end."""
OWN_ERRORS = "s1_assets.errors."
COUNTED = ("asked", "from_ledger", "paid_again")
"""Numbers of a materialisation that the parent adds up."""


def serve(definitions: dg.Definitions) -> None:
    """Make the runs that standard input asks for, until it ends."""
    told = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints goes to the log, not between our lines
    jobs: SimpleQueue[str | None] = SimpleQueue()
    at_work = threading.Event()
    threading.Thread(target=_read_jobs, args=(jobs, at_work), daemon=True).start()
    listen(
        lambda asset, partition, done, total, note: _tell(
            told, event="progress", asset=asset, done=done, total=total, note=note
        )
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        while (line := jobs.get()) is not None:
            at_work.set()
            outcome = _run(job, instance, json.loads(line))
            at_work.clear()
            _tell(told, **outcome)


def _read_jobs(jobs: "SimpleQueue[str | None]", at_work: threading.Event) -> None:
    for line in sys.stdin:
        jobs.put(line)
    jobs.put(None)
    # The end of our input in the middle of a run means that the parent is gone: the run is interrupted as by Ctrl-C,
    # which Dagster records, and ended for good if it does not listen.
    if at_work.is_set():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(LAST_WORDS_S)
        os._exit(130)


def _run(job: dg.JobDefinition, instance: dg.DagsterInstance, order: dict[str, Any]) -> dict[str, Any]:
    """Make one run; its outcome as an event."""
    try:
        result = job.execute_in_process(
            run_config=order["run_config"],
            instance=instance,
            partition_key=order["partition"],
            asset_selection=[dg.AssetKey(asset) for asset in order["assets"]],
            raise_on_error=False,
            tags=order["tags"],
        )
    except (dg.DagsterError, S1Error) as error:
        return {"event": "done", "success": False, "error": str(error), "run_id": "", "counts": {}}
    failed_checks = [
        f"{check.asset_key.to_user_string()}: check {check.check_name} failed {check.description or ''}".strip()
        for check in result.get_asset_check_evaluations()
        if not check.passed
    ]
    return {
        "event": "done",
        "success": result.success and not failed_checks,
        "error": "; ".join(failed_checks) if result.success else _failure(result),
        "run_id": result.run_id,
        "counts": _counts(result),
    }


def _failure(result: dg.ExecuteInProcessResult) -> str:
    """What went wrong: the step, and our own message where there is one, else the innermost."""
    for event in result.all_events:
        if event.is_step_failure:
            told = _messages(event.step_failure_data.error)
            own = [message for message in told if message.startswith(OWN_ERRORS)]
            message = own[0].partition(": ")[2] if own else (told or ["failed"])[-1]
            return f"{event.step_key}: {message.strip()}"
    return "the run failed before its first step; see the log"


def _messages(error: Any) -> list[str]:
    """Messages of an error and what caused it, outermost first, each beginning with its class."""
    messages = []
    while error is not None:
        messages.append(error.message)
        error = error.cause
    return messages


def _counts(result: dg.ExecuteInProcessResult) -> dict[str, int]:
    counts = dict.fromkeys(COUNTED, 0)
    for event in result.get_asset_materialization_events():
        metadata = event.step_materialization_data.materialization.metadata
        for name in COUNTED:
            value = metadata[name].value if name in metadata else 0
            counts[name] += value if isinstance(value, int) else 0
    return counts


def _tell(told: TextIO, **event: Any) -> None:
    told.write(f"{json.dumps(event)}\n")
