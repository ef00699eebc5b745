"""Telling the leftovers of the dead from the work of the living."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from s1_assets.adapters.storage.owners import TOKEN, new_token, owner_of
from s1_assets.adapters.storage.sweeping import AGE_LIMIT_S
from s1_assets_tests.adapters.storage.backends import Backend
from s1_assets_tests.adapters.storage.samples import HERE, NOTES, contract_of, notes

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="start times are known on Linux only")


def test_we_are_alive() -> None:
    token = new_token()
    assert TOKEN.fullmatch(token)
    assert owner_of(token) == "living"
    assert new_token() != token


def test_a_process_that_ended_is_dead() -> None:
    program = "from s1_assets.adapters.storage.owners import new_token; print(new_token())"
    token = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert owner_of(token) == "dead"


@linux
def test_a_process_number_that_is_used_again_is_no_life() -> None:
    host, pid, start, rest = new_token().split(".")
    assert owner_of(".".join((host, pid, str(int(start) + 1), rest))) == "dead"
    assert owner_of(".".join((host, "1", "1", rest))) == "dead"


def test_without_a_start_time_a_used_number_counts_as_living() -> None:
    host, pid, _start, rest = new_token().split(".")
    assert owner_of(".".join((host, pid, "0", rest))) == "living"


def test_nothing_is_known_of_another_machine() -> None:
    assert owner_of("elsewhere-00000000.1.1.0123456789ab") == "elsewhere"
    with pytest.raises(ValueError, match="no token"):
        owner_of("part-00000.parquet")


def test_leftovers_of_another_machine_stay_for_a_week(disk: Backend) -> None:
    store = disk.store(contract_of)
    store.write(HERE, NOTES, [notes(1)])
    folder = Path(disk.uri) / "notes/gsm8k/data/elsewhere-00000000.1.1.0123456789ab"
    folder.mkdir()
    (folder / "part-00000.parquet").write_bytes(b"half")
    assert store.prune().files == 0

    old = folder.stat().st_mtime - AGE_LIMIT_S - 1
    for path in (folder / "part-00000.parquet", folder):
        os.utime(path, (old, old))
    store.write(HERE, NOTES, [notes(2)])
    assert folder.exists()  # a mere writer asks nobody for his age
    gone = store.prune(keep=2)
    assert (gone.files, gone.bytes, folder.exists()) == (1, 4, False)


def test_folders_that_are_not_ours_are_left_alone(disk: Backend) -> None:
    store = disk.store(contract_of)
    store.write(HERE, NOTES, [notes(1)])
    strange = [Path(disk.uri) / name for name in ("README.txt", "notes/gsm8k/data/mine/x.parquet", "A b/c/manifests/x")]
    for path in strange:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    assert store.prune().files == 0
    assert all(path.exists() for path in strange)
