"""A place on a local disk. What is committed survives a power cut: files and their folders are fsynced.

The file system must know hard links (all usual ones do; exFAT does not), since a manifest is created by linking.
"""

import errno
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from s1_assets.adapters.storage.files import Sink, UndecidedError
from s1_assets.adapters.storage.owners import new_token
from s1_assets.errors import StorageError

_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space, or set S1_STORAGE to another place",
    errno.EDQUOT: "the disk quota is used up: free some space, or set S1_STORAGE to another place",
    errno.EACCES: "this user may not write or read there: change the permissions, or set S1_STORAGE to another place",
    errno.EPERM: "the file system does not allow it: set S1_STORAGE to a place on an ordinary disk",
    errno.EROFS: "the file system is mounted read-only: remount it, or set S1_STORAGE to another place",
    errno.EEXIST: "a part of the path is a file, not a folder: move it away, or set S1_STORAGE to another place",
    errno.ENOTDIR: "a part of the path is a file, not a folder: move it away, or set S1_STORAGE to another place",
    errno.ENOENT: "it is not there, and cannot be made there; what was deleted is made again by `s1 run`",
    errno.EMFILE: "too many files are open: raise the limit (ulimit -n)",
}


@contextmanager
def translating_disk_errors(path: str | Path) -> Iterator[None]:
    """Turn errors of the operating system into `StorageError`s that say what to do."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0, "the operating system refused; see the reason")
        raise StorageError(f"storage on disk failed at {path}: {error.strerror or error}; {advice}") from error


class DiskPlace:
    """A local folder, made when first written to."""

    def __init__(self, root: Path) -> None:
        self._root = root.expanduser().absolute()
        self.uri = str(self._root)

    def children(self, folder: str) -> Sequence[str]:
        with self.translating(folder):
            try:
                return [path.name for path in (self._root / folder).iterdir()]
            except FileNotFoundError:
                return ()
            except NotADirectoryError:
                if self._root.is_dir():
                    return ()  # somebody's file among our folders
                raise

    def unfinished(self, folder: str) -> Sequence[str]:
        return ()  # what is being written is a file from the start

    def sizes(self, folder: str) -> Mapping[str, int]:
        found = {}
        with self.translating(folder):
            for parent, _, names in os.walk(self._root / folder):
                for path in (Path(parent) / name for name in names):
                    with suppress(FileNotFoundError):  # another writer sweeps too
                        found[path.relative_to(self._root).as_posix()] = path.stat().st_size
        return found

    def age_s(self, folder: str) -> float:
        touched = 0.0
        with self.translating(folder):
            for parent, _, names in os.walk(self._root / folder):
                for name in (".", *names):
                    with suppress(FileNotFoundError):
                        touched = max(touched, (Path(parent) / name).stat().st_mtime)
        return time.time() - touched if touched else 0.0

    def read(self, path: str) -> bytes:
        with self.translating(path):
            return (self._root / path).read_bytes()

    def create(self, path: str, content: bytes) -> bool:
        final = self._root / path
        draft = final.parent / f".{new_token()}"  # named by its owner, so that a sweep can tell whose it is
        with self.translating(path):
            _make_folder(final.parent)
            try:
                with draft.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                try:
                    os.link(draft, final)
                except FileExistsError:
                    return False
            finally:
                with suppress(OSError):  # a sweep will find it
                    draft.unlink()
        try:
            _sync_folder(final.parent)
        except OSError as error:
            raise UndecidedError(f"{final} was created, but may not survive a power cut: {error}") from error
        return True

    def open_new(self, path: str) -> Sink:
        final = self._root / path
        with self.translating(path):
            _make_folder(final.parent)
            file = final.open("xb", buffering=1 << 20)

        def finish() -> None:
            file.flush()
            os.fsync(file.fileno())
            file.close()
            _sync_folder(final.parent)

        def undo() -> None:
            # A full disk makes close fail on what is still buffered; the file goes all the same.
            with suppress(OSError):
                file.close()
            final.unlink(missing_ok=True)

        return Sink(file, lambda: self.translating(path), finish, undo)

    def delete(self, path: str) -> None:
        with self.translating(path):
            (self._root / path).unlink(missing_ok=True)

    def drop(self, folder: str) -> Mapping[str, int]:
        gone = self.sizes(folder)
        with self.translating(folder), suppress(FileNotFoundError):
            shutil.rmtree(self._root / folder)
        return gone

    def filesystem(self) -> Any:
        from pyarrow.fs import LocalFileSystem

        return LocalFileSystem()

    def location(self, path: str) -> str:
        return str(self._root / path)

    def translating(self, path: str) -> Any:
        return translating_disk_errors(self._root / path)


def _make_folder(folder: Path) -> None:
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        if folder.parent == folder:
            break
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir(exist_ok=True)
        _sync_folder(new.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
