"""A provider that is paid for every call and writes each into a journal, and a process that asks it or a server.

`python -m s1_assets_tests.adapters.llm.paying_process LEDGER_URL CALLS local JOURNAL PAUSE_S`
`python -m s1_assets_tests.adapters.llm.paying_process LEDGER_URL CALLS remote OPENAI_URL IN_FLIGHT`

It ends with its counts of calls asked and calls found in the ledger on standard output.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from s1_assets.adapters.llm.access import Access
from s1_assets.adapters.llm.directory import Directory
from s1_assets.adapters.llm.ledger import Ledger
from s1_assets.adapters.llm.provider import LocalProvider
from s1_assets.records.models import ModelName, ModelRequest, Reply
from s1_assets_tests.adapters.llm.conftest import CALLER, access, asker, openai_at, prompts
from s1_assets_tests.records import request

PATIENCE_S = 60.0


class Paid:
    """Answers a question with itself, one dollar a call; a line of the journal is on disk before the answer is out."""

    name = "solver"
    key_names: tuple[str, ...] = ()

    def __init__(self, journal: Path, pause_s: float = 0.0) -> None:
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._pause_s = pause_s

    def fault_of(self, model: ModelName) -> str | None:
        return None

    def complete(self, request: ModelRequest) -> Reply:
        text = request.messages[-1].content
        os.write(self._journal, f"{text}\n".encode())
        os.fsync(self._journal)
        time.sleep(self._pause_s)
        return Reply("ok", answer=f"answer to {text}", input_tokens=1, answer_tokens=2, price_usd=1.0)


class DirectoryOf(Directory):
    """Knows one local provider."""

    def __init__(self, provider: LocalProvider) -> None:
        super().__init__(Access())
        self._only = provider

    def local(self, model: ModelName) -> LocalProvider:
        return self._only

    def faults(self, models: Iterable[ModelName]) -> list[str]:
        return [fault for model in models if (fault := self._only.fault_of(model))]


def questions(count: int) -> list[ModelRequest]:
    return [request(f"question {number}") for number in range(count)]


def paid_calls(journal: Path) -> list[str]:
    return journal.read_text("utf-8").splitlines() if journal.exists() else []


def asking(url: str, calls: int, kind: str, where: Path | str, last: float) -> "subprocess.Popen[str]":
    """Start the process; the arguments are its own."""
    module = "s1_assets_tests.adapters.llm.paying_process"
    command = [sys.executable, "-m", module, url, str(calls), kind, str(where), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def told(process: "subprocess.Popen[str]") -> tuple[int, int]:
    """Calls asked and calls found, once it has ended well."""
    out, fault = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, fault
    asked, found = out.split()
    return int(asked), int(found)


def main() -> None:
    url, calls, kind, where, last = sys.argv[1:]
    ledger, caller = Ledger(url), replace(CALLER, run_id=f"run-{os.getpid()}")
    if kind == "local":
        asked = questions(int(calls))
        model = asker(ledger, caller=caller, directory=DirectoryOf(Paid(Path(where), float(last))))
    else:
        asked = prompts(int(calls), openai_at(where))
        model = asker(ledger, access(in_flight=int(float(last))), caller=caller)
    for reply in model.answer_all(lambda: asked, [asked[0].model]):
        assert reply.status == "ok"
    print(model.counts.asked, model.counts.from_ledger, flush=True)
    ledger.close()


if __name__ == "__main__":
    main()
