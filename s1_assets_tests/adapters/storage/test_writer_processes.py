"""Writers that are killed, and writers of several processes that race."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from s1_assets_tests.adapters.storage import writer_process
from s1_assets_tests.adapters.storage.backends import Backend
from s1_assets_tests.adapters.storage.samples import HERE, NOTES, contract_of, notes


@contextmanager
def writer(backend: Backend, megabytes: int, seed: int = 0) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", writer_process.__name__, backend.to_json(), str(megabytes), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("megabytes", [2, 90], ids=["little", "much"])
def test_after_kill_9_the_old_version_stands_and_the_next_writer_sweeps(backend: Backend, megabytes: int) -> None:
    store = backend.store(contract_of)
    old = store.write(HERE, NOTES, [notes(10)])
    before = backend.files()
    with writer(backend, megabytes):
        pass  # killed at the end of the block
    assert store.current(HERE) == old
    assert store.read(old).to_table().num_rows == 10
    left = backend.files() - before
    if megabytes > 2:
        assert left  # at least the first file was complete
        assert bool(backend.open_uploads()) == backend.uri.startswith("s3://")

    assert store.write(HERE, NOTES, [notes(10)]) == old
    assert backend.files() == before
    assert backend.open_uploads() == []


def test_prune_sweeps_after_kill_9(backend: Backend) -> None:
    with writer(backend, 60):
        living = backend.store(contract_of).prune()
        assert living.files == 0
    gone = backend.store(contract_of).prune()
    assert gone.versions == 0
    assert gone.files >= 1
    assert gone.bytes > 20 << 20
    assert backend.files() == set()
    assert backend.open_uploads() == []


def test_of_several_processes_one_wins(disk: Backend) -> None:
    with writer(disk, 1, 1) as one, writer(disk, 1, 2) as two, writer(disk, 1, 3) as three:
        ends = [process.communicate("go\n", timeout=60)[0].strip() for process in (one, two, three)]
    assert sorted(ends) == ["conflict", "conflict", "version 1"]
    assert len(disk.files()) == 2


def test_a_manifest_half_written_by_a_killed_process_is_swept(disk: Backend) -> None:
    store = disk.store(contract_of)
    store.write(HERE, NOTES, [notes(1)])
    with subprocess.Popen(
        [sys.executable, "-c", "from s1_assets.adapters.storage.owners import new_token; print(new_token())"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        token = process.communicate()[0].strip()
    assert disk.place().create(f"notes/gsm8k/manifests/.{token}", b"{")
    assert store.write(HERE, NOTES, [notes(1)]).number == 1
    assert len(disk.files()) == 2
