"""Ledgers on both databases, PostgreSQL started once per session; requests, receipts and models to ask."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from s1_assets.adapters.llm.access import Access, ToldLimits
from s1_assets.adapters.llm.client import LedgeredModel
from s1_assets.adapters.llm.directory import Directory
from s1_assets.adapters.llm.ledger import Ledger, Receipt
from s1_assets.adapters.llm.provider import CallLimits
from s1_assets.adapters.llm.retries import Retries
from s1_assets.adapters.llm.terms import Terms
from s1_assets.domain.calls import call_key, canonical_request
from s1_assets.records.models import Caller, Message, ModelName, ModelRequest, Reply
from s1_assets_tests.fakes.postgres import Server, missing_programs, postgres
from s1_assets_tests.needs import need

Opened = Callable[[], Ledger]

CALLER = Caller("raw_traces", "mine", "run-1", "order-1")
SOON = Retries(shortest_s=0.05, longest_s=0.2)
"""Tries again without the waits that a real vendor deserves."""


@pytest.fixture(scope="session")
def database_server() -> Iterator[Server]:
    need(not missing_programs(), "postgresql")
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty ledger's URL, on each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/er/ledger.db"
    server: Server = request.getfixturevalue("database_server")
    return server.new_database(uuid4().hex)


@pytest.fixture
def opened(ledger_url: str) -> Iterator[Opened]:
    """Opens the ledger, as often as asked, and closes what was opened."""
    ledgers: list[Ledger] = []

    def _open() -> Ledger:
        ledgers.append(Ledger(ledger_url))
        return ledgers[-1]

    yield _open
    for ledger in ledgers:
        ledger.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger in a file."""
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    yield ledger
    ledger.close()


def receipt(request: ModelRequest, reply: Reply, **how: Any) -> Receipt:
    """A reply with what the ledger wants to know of it."""
    return Receipt(call_key(request), canonical_request(request), request, reply, **how)


def prompt(text: str, model: ModelName, **changes: Any) -> ModelRequest:
    return ModelRequest(model, (Message("user", text),), **changes)


def prompts(count: int, model: ModelName) -> list[ModelRequest]:
    return [prompt(f"question {number}", model) for number in range(count)]


def openai_at(url: str) -> ModelName:
    return ModelName("openai", "fake-model", url)


def access(keys: int = 1, **limits: Any) -> Access:
    """What the environment would grant: keys as `secret` names them, and told limits."""
    named = {f"OPENAI_API_KEY_{number}": secret(number) for number in range(1, keys + 1)}
    return Access(named, {"openai": ToldLimits(**limits)})


def secret(number: int) -> str:
    return f"secret-key-{number}"


def terms(total_s: float = 5.0, retries: Retries = SOON, **more: Any) -> Terms:
    return Terms(CallLimits(total_s=total_s), retries, **more)


def asker(ledger: Ledger, granted: Access | None = None, **how: Any) -> LedgeredModel:
    """A model behind the ledger, with one key and short waits unless told otherwise.

    Args:
        how: Whatever `LedgeredModel` takes.
    """
    usual = {"directory": Directory(granted or access()), "terms": terms(), "caller": CALLER}
    return LedgeredModel(ledger=ledger, **{**usual, **how})


def ask(model: LedgeredModel, requests: list[ModelRequest]) -> list[Reply]:
    """All replies in the order of their requests."""
    return list(model.answer_all(lambda: requests, list(dict.fromkeys(request.model for request in requests))))
