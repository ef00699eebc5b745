"""A provider that is paid for every call and writes each into a journal, and a process that asks it.

`python -m s1_assets_tests.adapters.llm.paying_process LEDGER_URL JOURNAL CALLS IN_FLIGHT PAUSE_S`
"""

import os
import sys
import threading
import time
from pathlib import Path

from s1_assets.adapters.llm.client import LedgeredModel
from s1_assets.adapters.llm.ledger import Ledger
from s1_assets.records.models import Caller, ModelName, ModelRequest, Reply
from s1_assets_tests.records import request


class Paid:
    """Answers a question with itself, one dollar a call; a line of the journal is on disk before the answer is out."""

    name = "solver"

    def __init__(self, journal: Path, in_flight: int = 1, pause_s: float = 0.0) -> None:
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.in_flight = in_flight
        self._pause_s = pause_s
        self._lock = threading.Lock()

    def fault_of(self, model: ModelName) -> str | None:
        return None

    def complete(self, request: ModelRequest) -> Reply:
        text = request.messages[-1].content
        with self._lock:
            os.write(self._journal, f"{text}\n".encode())
            os.fsync(self._journal)
        time.sleep(self._pause_s)
        return Reply("ok", answer=f"answer to {text}", input_tokens=1, answer_tokens=2, price_usd=1.0)


def questions(count: int) -> list[ModelRequest]:
    return [request(f"question {number}") for number in range(count)]


def paid_calls(journal: Path) -> list[str]:
    return journal.read_text("utf-8").splitlines() if journal.exists() else []


def main() -> None:
    url, journal, calls, in_flight, pause_s = sys.argv[1:]
    provider = Paid(Path(journal), int(in_flight), float(pause_s))
    ledger = Ledger(url)
    model = LedgeredModel(lambda name: provider, ledger, Caller("raw_traces", "mine", f"run-{os.getpid()}"))
    for reply in model.answer_all(questions(int(calls))):
        assert reply.status == "ok"
    print(model.asked, model.from_ledger, flush=True)
    ledger.close()


if __name__ == "__main__":
    main()
