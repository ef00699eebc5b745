"""Where tables live: the few things that a disk, S3 and GCS must be able to do, and how one is chosen by its URI.

A place commits single files: whatever is written through `open_new` or `create` appears whole or not at all.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from s1_assets.adapters.storage.files import Sink
from s1_assets.errors import StorageError


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
            UndecidedError: If the store's answer was lost.
        """
        ...

    def open_new(self, path: str) -> Sink:
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
