"""Single files of a store: written whole or not at all, read by exactly the ranges that are asked for."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from s1_assets.errors import StorageError


class UndecidedError(StorageError):
    """The answer to a write was lost: it may or may not have happened, or may still happen."""


class Sink:
    """A file being written: whole after `close`, gone after `discard`, dead to every later write.

    Parquet writers write their footer when they are garbage collected, and s3fs commits half a file when it is; so
    nothing reaches the real file once this one has been closed or discarded.
    """

    def __init__(
        self,
        file: Any,
        translating: Callable[[], AbstractContextManager[None]],
        finish: Callable[[], None],
        undo: Callable[[], None],
    ) -> None:
        self._file = file
        self._translating = translating
        self._finish = finish
        self._undo = undo
        self.written = 0
        """Bytes so far."""
        self.closed = False

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        if not self.closed:
            with self._translating():
                self._file.write(data)
            self.written += size
        return size

    def close(self) -> None:
        """Commit the file.

        Raises:
            StorageError: If it could not be committed; it is then discarded.
        """
        if self.closed:
            return
        try:
            with self._translating():
                self._finish()
        except BaseException:
            self.discard()
            raise
        self.closed = True

    def discard(self) -> None:
        """Leave nothing behind."""
        if not self.closed:
            self.closed = True
            with self._translating():
                self._undo()

    def tell(self) -> int:
        return self.written

    def flush(self) -> None:
        """Asked for by pyarrow; `close` does it."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


def pyarrow_filesystem(vendor: Any) -> Any:
    """An fsspec file system as pyarrow's, reading exactly the ranges that are asked for.

    pyarrow's own bridge lets s3fs and gcsfs read megabytes ahead for a footer, and asks twice whether a file exists.
    """
    from pyarrow import PythonFile
    from pyarrow.fs import FSSpecHandler, PyFileSystem

    class ExactRanges(FSSpecHandler):  # type: ignore[misc]  # pyarrow ships no types
        def open_input_file(self, path: str) -> Any:
            return PythonFile(self.fs.open(path, mode="rb", cache_type="none"), mode="r")

    return PyFileSystem(ExactRanges(vendor))
