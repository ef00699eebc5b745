"""A place in a Google Cloud Storage bucket. google-cloud-storage lists, reads and creates; gcsfs carries the data.

A killed writer leaves an unfinished resumable upload: it is no object, costs nothing, cannot be listed, and GCS forgets
it after a week.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from s1_assets.adapters.storage.files import Sink, UndecidedError, pyarrow_filesystem
from s1_assets.errors import StorageError

_BLOCK = 16 << 20
"""Bytes per uploaded chunk, a multiple of 256 KiB as GCS demands."""

_ADVICE = {
    401: "the credentials are not accepted: run `gcloud auth application-default login`, or check the service account",
    403: "the credentials may not do this: grant them the role Storage Object Admin on the bucket",
    404: "it is not there: check that bucket and file exist, or correct S1_STORAGE",
    429: "too many requests: wait a little and start again",
}


class GCSPlace:
    """A prefix in a bucket; see `places.open_place` for the arguments."""

    def __init__(self, bucket: str, prefix: str, client: Callable[[], Any] | None, options: Mapping[str, Any]) -> None:
        self._bucket_name = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._make_client = client
        self._options = dict(options)
        self.uri = f"gs://{bucket}/{self._prefix}".rstrip("/")

    def children(self, folder: str) -> Sequence[str]:
        prefix = self._name(folder, folder=True)
        with self.translating(folder):
            listing = self._client.list_blobs(self._bucket_name, prefix=prefix, delimiter="/")
            names = {blob.name for blob in listing}  # the prefixes are known once the blobs were walked
            names |= set(listing.prefixes)
        return [name for full in names if (name := full.removeprefix(prefix).rstrip("/"))]

    def unfinished(self, folder: str) -> Sequence[str]:
        return ()  # cannot be listed

    def sizes(self, folder: str) -> Mapping[str, int]:
        return {blob.name.removeprefix(self._prefix): int(blob.size) for blob in self._blobs(folder)}

    def age_s(self, folder: str) -> float:
        touched = [blob.updated.timestamp() for blob in self._blobs(folder)]
        return time.time() - max(touched) if touched else 0.0

    def read(self, path: str) -> bytes:
        with self.translating(path):
            content: bytes = self._blob(path).download_as_bytes()
        return content

    def create(self, path: str, content: bytes) -> bool:
        from google.api_core.exceptions import ClientError, PreconditionFailed

        try:
            self._blob(path).upload_from_string(content, content_type="application/json", if_generation_match=0)
        except PreconditionFailed:
            return False
        except ClientError as error:
            raise StorageError(_told(self._where(path), error)) from error
        except _foreign_errors() as error:
            raise UndecidedError(_told(self._where(path), error)) from error
        return True

    def open_new(self, path: str) -> Sink:
        with self.translating(path):
            file = self._gcsfs.open(self._location(path), "wb", block_size=_BLOCK)

        def undo() -> None:
            # Marked closed first: gcsfs commits what it has when such a file is garbage collected.
            file.closed = True
            file.discard()

        return Sink(file, lambda: self.translating(path), file.close, undo)

    def delete(self, path: str) -> None:
        from google.api_core.exceptions import NotFound

        with self.translating(path):
            try:
                self._blob(path).delete()
            except NotFound:
                return

    def drop(self, folder: str) -> Mapping[str, int]:
        gone = self.sizes(folder)
        for path in gone:
            self.delete(path)
        return gone

    def filesystem(self) -> Any:
        return pyarrow_filesystem(self._gcsfs)

    def location(self, path: str) -> str:
        return self._location(path)

    @contextmanager
    def translating(self, path: str) -> Iterator[None]:
        try:
            yield
        except _foreign_errors() as error:
            raise StorageError(_told(self._where(path), error)) from error

    @cached_property
    def _client(self) -> Any:
        if self._make_client is not None:
            return self._make_client()
        from google.cloud.storage import Client

        return Client()

    @cached_property
    def _gcsfs(self) -> Any:
        # Not `gcsfs.GCSFileSystem`: since 2026 that name asks every bucket for its type over gRPC first, which hangs
        # against servers without gRPC and buys nothing for immutable files.
        from gcsfs.core import GCSFileSystem

        return GCSFileSystem(**{"use_listings_cache": False} | self._options)

    def _name(self, path: str, folder: bool = False) -> str:
        return f"{self._prefix}{path}{'/' if folder and path else ''}"

    def _location(self, path: str) -> str:
        return f"{self._bucket_name}/{self._name(path)}"

    def _where(self, path: str) -> str:
        return f"{self.uri}/{path}".rstrip("/")

    def _blob(self, path: str) -> Any:
        return self._client.bucket(self._bucket_name).blob(self._name(path))

    def _blobs(self, folder: str) -> Iterator[Any]:
        with self.translating(folder):
            yield from self._client.list_blobs(self._bucket_name, prefix=self._name(folder, folder=True))


def _foreign_errors() -> tuple[type[Exception], ...]:
    from aiohttp import ClientError
    from gcsfs.retry import HttpError
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    return (GoogleAPIError, GoogleAuthError, HttpError, ClientError, OSError)  # requests' errors are OSErrors


def _told(where: str, error: Exception) -> str:
    """One sentence for a stranger: what failed, where, and what to do."""
    code = getattr(error, "code", None)
    if isinstance(error, FileNotFoundError):
        code = 404
    if code in _ADVICE:
        return f"GCS refused {where} ({code}): {_ADVICE[code]}"
    if "credentials" in type(error).__name__.lower():
        return f"GCS cannot be asked for {where}: {error}"
    return f"GCS failed at {where}: {type(error).__name__}: {error}"
