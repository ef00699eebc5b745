"""Where a ledger may lie, and what is said of a place that cannot be used."""

import stat
from pathlib import Path

import pytest

from s1_assets.adapters.llm.ledger import Ledger
from s1_assets.errors import StorageError
from s1_assets.records.models import Caller, Reply
from s1_assets_tests.adapters.llm.conftest import receipt
from s1_assets_tests.fakes.postgres import PASSWORD, Server
from s1_assets_tests.records import request


def refused(url: str) -> str:
    with pytest.raises(StorageError) as told:
        Ledger(url)
    assert PASSWORD not in str(told.value)
    assert "S1_LEDGER" in str(told.value)
    return str(told.value)


def test_only_the_owner_may_read_the_file_and_its_journal(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.record([receipt(request(), Reply("ok"))], Caller())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    ledger.close()
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}


def test_a_relative_path_counts_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Ledger("sqlite:///.s1/ledger.db").close()
    assert (tmp_path / ".s1" / "ledger.db").is_file()


def test_a_path_under_a_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert f"{tmp_path}/file/ledger.db" in refused(f"sqlite:///{tmp_path}/file/ledger.db")


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    assert "unable to open" in refused(f"sqlite:///{tmp_path}")


def test_another_programs_file_is_no_ledger_and_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("a shopping list, longer than the head of a database " * 9)
    before = file.read_bytes()
    assert "not a database" in refused(f"sqlite:///{file}")
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1:1/ledger",
        f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1:port/ledger",
        f"postgresql+nosuchdriver://me:{PASSWORD}@127.0.0.1/ledger",
        f"{PASSWORD}",
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_its_password(url: str) -> None:
    refused(url)


def test_a_wrong_password_is_not_repeated(database_server: Server) -> None:
    url = database_server.url().replace(PASSWORD, "wrong-password")
    assert "wrong-password" not in refused(url)
