"""A place in an S3 bucket. boto3 lists, reads and creates; s3fs carries the data.

`create` needs a store that knows `If-None-Match: *` (AWS, Ceph, MinIO, R2); one that ignores it overwrites.
A killed writer leaves an open multipart upload: it is listed with the files and aborted with them.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from s1_assets.adapters.storage.files import Sink, UndecidedError, pyarrow_filesystem
from s1_assets.errors import StorageError

_BLOCK = 16 << 20
"""Bytes per uploaded part: 10,000 parts of this hold far more than one of our files; a writer holds about two."""
_CONFLICTS = 5
"""Times that S3 may answer 409 (another conditional write is being decided) before we give up."""
_CONFLICT_WAIT_S = 0.2

_ADVICE = {
    "NoSuchBucket": "the bucket does not exist: create it, or correct S1_STORAGE",
    "AccessDenied": "the credentials may not do this: grant them list, read, write and delete there",
    "403": "the credentials may not do this: grant them list, read, write and delete there",
    "InvalidAccessKeyId": "the access key is not known there: correct S3_ACCESS_KEY and S3_ENDPOINT",
    "SignatureDoesNotMatch": "the secret key is wrong: correct S3_SECRET_KEY",
    "NoSuchKey": "it is not there: something else deleted it; `s1 run` makes it again",
    "404": "it is not there: check that bucket and file exist, or correct S1_STORAGE",
    "QuotaExceeded": "the quota is used up: free some space, or set S1_STORAGE to another place",
}


class S3Place:
    """A prefix in a bucket; see `places.open_place` for the arguments."""

    def __init__(self, bucket: str, prefix: str, client: Callable[[], Any] | None, options: Mapping[str, Any]) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._make_client = client
        self._options = dict(options)
        self.uri = f"s3://{bucket}/{self._prefix}".rstrip("/")

    def children(self, folder: str) -> Sequence[str]:
        prefix = self._key(folder, folder=True)
        names = set[str]()
        with self.translating(folder):
            for page in self._pages("list_objects_v2", prefix, Delimiter="/"):
                names.update(common["Prefix"] for common in page.get("CommonPrefixes", ()))
                names.update(entry["Key"] for entry in page.get("Contents", ()))
        return [name for full in names if (name := full.removeprefix(prefix).rstrip("/"))]

    def unfinished(self, folder: str) -> Sequence[str]:
        prefix = self._key(folder, folder=True)
        return sorted({upload["Key"].removeprefix(prefix).partition("/")[0] for upload in self._uploads(folder)})

    def sizes(self, folder: str) -> Mapping[str, int]:
        return {entry["Key"].removeprefix(self._prefix): entry["Size"] for entry in self._objects(folder)}

    def age_s(self, folder: str) -> float:
        touched = [entry["LastModified"].timestamp() for entry in self._objects(folder)]
        touched += [upload["Initiated"].timestamp() for upload in self._uploads(folder)]
        return time.time() - max(touched) if touched else 0.0

    def read(self, path: str) -> bytes:
        with self.translating(path):
            content: bytes = self._client.get_object(Bucket=self._bucket, Key=self._key(path))["Body"].read()
        return content

    def create(self, path: str, content: bytes) -> bool:
        for attempt in range(_CONFLICTS):
            time.sleep(_CONFLICT_WAIT_S * attempt)
            status = self._put_if_absent(path, content)
            if status != 409:
                return status == 200
        raise UndecidedError(f"{self._where(path)} is being written by others all the time: start again")

    def _put_if_absent(self, path: str, content: bytes) -> int:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.put_object(
                Bucket=self._bucket, Key=self._key(path), Body=content, IfNoneMatch="*", ContentType="application/json"
            )
        except ClientError as error:
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
            if status in (409, 412):
                return status
            kind = StorageError if status < 500 else UndecidedError
            raise kind(_told(self._where(path), error)) from error
        except BotoCoreError as error:
            raise UndecidedError(_told(self._where(path), error)) from error
        return 200

    def open_new(self, path: str) -> Sink:
        with self.translating(path):
            file = self._s3fs.open(self._location(path), "wb", block_size=_BLOCK)

        def undo() -> None:
            # Marked closed first: s3fs commits what it has when such a file is garbage collected.
            file.closed = True
            file.discard()

        return Sink(file, lambda: self.translating(path), file.close, undo)

    def delete(self, path: str) -> None:
        with self.translating(path):
            self._client.delete_object(Bucket=self._bucket, Key=self._key(path))

    def drop(self, folder: str) -> Mapping[str, int]:
        for upload in self._uploads(folder):
            with self.translating(folder):
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        gone = self.sizes(folder)
        for path in gone:
            self.delete(path)
        return gone

    def filesystem(self) -> Any:
        return pyarrow_filesystem(self._s3fs)

    def location(self, path: str) -> str:
        return self._location(path)

    @contextmanager
    def translating(self, path: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError, OSError) as error:
            raise StorageError(_told(self._where(path), error)) from error

    @cached_property
    def _client(self) -> Any:
        if self._make_client is not None:
            return self._make_client()
        import boto3

        return boto3.client("s3")

    @cached_property
    def _s3fs(self) -> Any:
        from s3fs import S3FileSystem

        return S3FileSystem(**{"use_listings_cache": False} | self._options)

    def _key(self, path: str, folder: bool = False) -> str:
        return f"{self._prefix}{path}{'/' if folder and path else ''}"

    def _location(self, path: str) -> str:
        return f"{self._bucket}/{self._key(path)}"

    def _where(self, path: str) -> str:
        return f"{self.uri}/{path}".rstrip("/")

    def _objects(self, folder: str) -> Iterator[Any]:
        with self.translating(folder):
            for page in self._pages("list_objects_v2", self._key(folder, folder=True)):
                yield from page.get("Contents", ())

    def _uploads(self, folder: str) -> list[Any]:
        prefix = self._key(folder, folder=True)
        with self.translating(folder):
            pages = self._pages("list_multipart_uploads", prefix)
            uploads = [upload for page in pages for upload in page.get("Uploads", ())]
        return [upload for upload in uploads if upload["Key"].startswith(prefix)]  # moto lists the whole bucket

    def _pages(self, verb: str, prefix: str, **options: str) -> Any:
        return self._client.get_paginator(verb).paginate(Bucket=self._bucket, Prefix=prefix, **options)


def _told(where: str, error: Exception) -> str:
    """One sentence for a stranger: what failed, where, and what to do."""
    from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

    cause: BaseException = error
    if isinstance(error, OSError) and isinstance(error.__cause__, ClientError):
        cause = error.__cause__  # s3fs says FileNotFoundError or PermissionError and keeps the answer as the cause
    if isinstance(cause, ClientError):
        code = str(cause.response.get("Error", {}).get("Code", ""))
        return f"S3 refused {where} ({code}): {_ADVICE.get(code, str(cause))}"
    if isinstance(cause, FileNotFoundError):
        return f"S3 has no {where}: {_ADVICE['404']}"
    if isinstance(cause, NoCredentialsError):
        return f"S3 cannot be asked for {where}: no credentials; set S3_ACCESS_KEY and S3_SECRET_KEY"
    if isinstance(cause, EndpointConnectionError):
        return f"S3 cannot be reached for {where} ({cause}): check the network and S3_ENDPOINT"
    return f"S3 failed at {where}: {type(cause).__name__}: {cause}"
