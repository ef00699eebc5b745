"""What can go wrong on a disk, and what a stranger is told."""

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from s1_assets.adapters.storage.disk import translating_disk_errors
from s1_assets.adapters.storage.ordering import SortSizes, sorted_batches
from s1_assets.adapters.storage.places import open_place
from s1_assets.adapters.storage.tables import ParquetTables
from s1_assets.errors import StorageError
from s1_assets.ports import Address
from s1_assets_tests.adapters.storage.backends import SMALL, Backend
from s1_assets_tests.adapters.storage.samples import HERE, NOTES, contract_of, much, notes


@contextmanager
def tmpfs(folder: Path, options: str) -> Iterator[Path]:
    """A small file system of its own; skips where it may not be mounted."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_full_disk_is_told_and_leaves_the_old_version(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "size=4m") as root:
        store = ParquetTables(open_place(root), contract_of, SMALL)
        old = store.write(HERE, NOTES, [notes(10)])
        before = files_below(root)
        with pytest.raises(StorageError, match=r"part-00000.parquet.*the disk is full: free some space") as caught:
            store.write(HERE, NOTES, much(20))
        assert isinstance(caught.value.__cause__, OSError)
        assert files_below(root) == before
        assert store.current(HERE) == old


def test_a_full_disk_while_sorting_is_told(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "size=4m") as root:
        sizes = SortSizes(run=1 << 20, piece=1 << 16)
        with pytest.raises(StorageError, match="the disk is full"):
            list(sorted_batches(much(20), NOTES, root, sizes))
        assert files_below(root) == []
        assert os.statvfs(root).f_bavail * os.statvfs(root).f_frsize > 3 << 20


def test_a_read_only_disk_is_told(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "closed", "ro") as root:
        store = ParquetTables(open_place(root), contract_of)
        with pytest.raises(StorageError, match="mounted read-only: remount it, or set S1_STORAGE"):
            store.write(HERE, NOTES, [notes(1)])


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write everywhere, so it is somebody else for a while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_folder_without_permission_is_told(disk: Backend) -> None:
    disk.store(contract_of).write(HERE, NOTES, [notes(1)])  # loads all modules, which nobody may not be able to
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to others
        Path(folder).chmod(0o555)
        store = ParquetTables(open_place(folder), contract_of)
        with (
            as_nobody(),
            pytest.raises(
                StorageError, match=r"part-00000.parquet: Permission denied; this user may not write or read there"
            ),
        ):
            store.write(HERE, NOTES, [notes(1)])
        assert files_below(Path(folder)) == []


def test_a_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = ParquetTables(open_place(tmp_path / "file"), contract_of)
    with pytest.raises(StorageError, match="a part of the path is a file, not a folder"):
        store.write(HERE, NOTES, [notes(1)])


def test_files_that_vanish_before_the_flip_stop_it(disk: Backend) -> None:
    store = disk.store(contract_of)

    def vandal() -> dict[str, str]:
        for path in files_below(Path(disk.uri)):
            path.unlink()
        return {}

    with pytest.raises(StorageError, match="files vanished from"):
        store.write(HERE, NOTES, [notes(1)], facts=vandal)
    assert store.current(HERE) is None


def test_a_damaged_data_file_is_named(disk: Backend) -> None:
    store = disk.store(contract_of)
    version = store.write(HERE, NOTES, [notes(1)])
    (Path(disk.uri) / version.files[0]).write_bytes(b"no parquet at all")
    with pytest.raises(StorageError, match=r"part-00000.parquet is damaged .* materialize its asset again"):
        list(store.read(version).to_batches())


@pytest.mark.parametrize("name", ["..", "a/b", "A", "", "a.b", "ä"])
def test_names_that_leave_the_root_are_refused(disk: Backend, name: str) -> None:
    store = disk.store(contract_of)
    for address in (Address(name), Address("notes", name), Address("notes", "_")):
        with pytest.raises(StorageError, match="cannot be stored: names are of a-z, 0-9, '_' and '-' only"):
            store.write(address, NOTES, [notes(1)])
        with pytest.raises(StorageError, match="cannot be stored"):
            store.current(address)


@pytest.mark.parametrize("uri", ["ftp://host/path", "s3://", "gs:///prefix"])
def test_a_uri_that_is_no_place_is_refused(uri: str) -> None:
    with pytest.raises(StorageError, match="give a folder, s3://bucket/prefix or gs://bucket/prefix"):
        open_place(uri)


def test_a_folder_may_be_given_as_a_file_uri(tmp_path: Path) -> None:
    assert open_place(tmp_path.as_uri()).uri == open_place(str(tmp_path)).uri == str(tmp_path)


def test_every_error_of_the_system_becomes_a_sentence() -> None:
    told = r"storage on disk failed at here: .*; the operating system refused"
    with pytest.raises(StorageError, match=told), translating_disk_errors("here"):
        raise OSError(errno.EIO, "Input/output error")
