"""Real processes that ask a local model: one that is killed, and several on one ledger."""

import signal
import time
from pathlib import Path

from s1_assets.adapters.llm.client import GROUP_COMMIT
from s1_assets_tests.adapters.llm.conftest import Opened
from s1_assets_tests.adapters.llm.paying_process import PATIENCE_S, asking, paid_calls, told

CALLS = 180


def test_a_process_that_is_killed_costs_at_most_one_group_of_paid_calls(
    opened: Opened, ledger_url: str, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    process = asking(ledger_url, CALLS, "local", journal, 0.005)
    deadline = time.monotonic() + PATIENCE_S
    while len(paid_calls(journal)) < 1.5 * GROUP_COMMIT:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    paid, kept = len(paid_calls(journal)), opened().count()
    assert GROUP_COMMIT <= kept < CALLS
    assert 0 < paid - kept <= GROUP_COMMIT

    asked, from_ledger = told(asking(ledger_url, CALLS, "local", journal, 0.0))
    assert (asked, from_ledger) == (CALLS - kept, kept)
    assert len(paid_calls(journal)) == paid + asked
    assert opened().count() == CALLS


def test_processes_that_share_a_ledger_end_with_every_answer_once(
    opened: Opened, ledger_url: str, tmp_path: Path
) -> None:
    journals = [tmp_path / "one", tmp_path / "two", tmp_path / "three"]
    processes = [asking(ledger_url, CALLS, "local", journal, 0.0) for journal in journals]
    for process in processes:
        asked, from_ledger = told(process)
        assert asked + from_ledger == CALLS
    ledger = opened()
    assert ledger.count() == CALLS
    assert sum(spent.calls for spent in ledger.spending()) == CALLS
