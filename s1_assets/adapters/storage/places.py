"""Where tables live: the few things that a disk, S3 and GCS must be able to do, and how one is chosen by its URI.

A place commits single files: whatever is written through `open_new` or `create` appears whole or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from s1_assets.errors import StorageError


class Undecided(StorageError):
    """The answer to a write was lost: it may or may not have happened, or may still happen."""


class Place(Protocol):
    """One root folder in one store. Paths are relative to it, with `/` between names."""

    uri: str

    def children(self, folder: str) -> Sequence[str]:
        """Names directly below `folder`; none where there is no such folder."""
        ...

    def unfinished(self, folder: str) -> Sequence[str]:
        """Names directly below `folder` under which uploads were begun that are no files yet."""
        ...

    def sizes(self, folder: str) -> Mapping[str, int]:
        """Size in bytes of every file below `folder`, by path."""
        ...

    def age_s(self, folder: str) -> float:
        """Seconds since anything below `folder` was last written; 0 if that is unknown."""
        ...

    def read(self, path: str) -> bytes: ...

    def create(self, path: str, content: bytes) -> bool:
        """Write a small file unless there is one already; False if there is.

        Raises:
            Undecided: If the store's answer was lost.
        """
        ...

    def open_new(self, path: str) -> "Sink":
        """A file that appears when it is closed."""
        ...

    def delete(self, path: str) -> None:
        """Delete a file; nothing happens if it is not there."""
        ...

    def drop(self, folder: str) -> Mapping[str, int]:
        """Delete everything below `folder`, unfinished uploads too; the sizes of the files that went."""
        ...

    def filesystem(self) -> Any:
        """The `pyarrow.fs.FileSystem` that reads files of this place."""
        ...

    def location(self, path: str) -> str:
        """`path` as `filesystem` calls it."""
        ...

    def translating(self, path: str) -> AbstractContextManager[None]:
        """Turns the store's own errors into `StorageError`."""
        ...


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


def open_place(
    uri: str | Path,
    *,
    s3_client: Callable[[], Any] | None = None,
    s3_options: Mapping[str, Any] | None = None,
    gcs_client: Callable[[], Any] | None = None,
    gcs_options: Mapping[str, Any] | None = None,
) -> Place:
    """The place at `uri`: a folder, `s3://bucket/prefix` or `gs://bucket/prefix`. Nothing is contacted yet.

    Args:
        uri: Where tables live.
        s3_client: Makes a boto3 S3 client when first needed; boto3's own defaults otherwise.
        s3_options: Keyword arguments of `s3fs.S3FileSystem`, which carries the data.
        gcs_client: Makes a `google.cloud.storage.Client` when first needed; its own defaults otherwise.
        gcs_options: Keyword arguments of `gcsfs.GCSFileSystem`, which carries the data.

    Raises:
        StorageError: If the URI has another scheme or names no bucket.
    """
    text = str(uri)
    scheme = urlsplit(text).scheme if "://" in text else ""
    if scheme in ("", "file"):
        from s1_assets.adapters.storage.disk import DiskPlace

        return DiskPlace(Path(urlsplit(text).path if scheme else text))
    bucket, _, prefix = text.partition("://")[2].partition("/")
    if scheme not in ("s3", "gs") or not bucket:
        raise StorageError(f"tables cannot live at {text!r}: give a folder, s3://bucket/prefix or gs://bucket/prefix")
    if scheme == "s3":
        from s1_assets.adapters.storage.s3 import S3Place

        return S3Place(bucket, prefix, s3_client, s3_options or {})
    from s1_assets.adapters.storage.gcs import GCSPlace

    return GCSPlace(bucket, prefix, gcs_client, gcs_options or {})
