"""Ledgers on both databases; PostgreSQL is started once per session."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from s1_assets.adapters.llm.ledger import Ledger
from s1_assets_tests.fakes.postgres import Server, missing_programs, postgres
from s1_assets_tests.needs import need

Opened = Callable[[], Ledger]


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
