"""Real processes: one that is killed, and several on one ledger."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from s1_assets.adapters.llm.client import GROUP_COMMIT
from s1_assets_tests.adapters.llm.conftest import Opened
from s1_assets_tests.adapters.llm.paying_process import paid_calls

CALLS = 180
PATIENCE_S = 60.0


def asking(url: str, journal: Path, in_flight: int, pause_s: float) -> "subprocess.Popen[str]":
    module = "s1_assets_tests.adapters.llm.paying_process"
    command = [sys.executable, "-m", module, url, str(journal), str(CALLS), str(in_flight), str(pause_s)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def told(process: "subprocess.Popen[str]") -> list[int]:
    out, fault = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, fault
    return [int(number) for number in out.split()]


@pytest.mark.parametrize("in_flight", [1, 8])
def test_a_process_that_is_killed_costs_at_most_one_group_of_paid_calls(
    opened: Opened, ledger_url: str, tmp_path: Path, in_flight: int
) -> None:
    journal = tmp_path / "journal"
    process = asking(ledger_url, journal, in_flight, pause_s=0.005 * in_flight)
    deadline = time.monotonic() + PATIENCE_S
    while len(paid_calls(journal)) < 1.5 * GROUP_COMMIT:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    paid, kept = len(paid_calls(journal)), opened().count()
    assert GROUP_COMMIT <= kept < CALLS
    assert 0 < paid - kept <= GROUP_COMMIT

    asked, from_ledger = told(asking(ledger_url, journal, in_flight, pause_s=0.0))
    assert (asked, from_ledger) == (CALLS - kept, kept)
    assert len(paid_calls(journal)) == paid + asked
    assert opened().count() == CALLS


def test_processes_that_share_a_ledger_end_with_every_answer_once(
    opened: Opened, ledger_url: str, tmp_path: Path
) -> None:
    journals = [tmp_path / "one", tmp_path / "two", tmp_path / "three"]
    processes = [asking(ledger_url, journal, 1, pause_s=0.0) for journal in journals]
    for process in processes:
        asked, from_ledger = told(process)
        assert asked + from_ledger == CALLS
    ledger = opened()
    assert ledger.count() == CALLS
    assert sum(spent.calls for spent in ledger.spending()) == CALLS
