"""Files of a `table` source, wherever they lie: a local path, `s3://`, `gs://`, an http(s) URL, or a glob of these.

Local files are read with the standard library; for the rest fsspec is imported when it is needed. Every failure of
either becomes `SourceUnreadable`, with the place and what was tried.
"""

import io
import re
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from s1_assets.errors import SourceUnreadable

StorageOptions = Mapping[str, Mapping[str, Any]]
"""By protocol (`s3`, `gs`, `http`): what fsspec's file system is made with."""

CONNECT_S = 15
"""A server that does not take the connection within this is unreachable."""
READ_S = 60
"""A server that sends nothing for this long is taken for gone."""

_PROTOCOLS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "http": "http", "https": "http"}
_STAMPS = ("ETag", "etag", "md5Hash", "Content-MD5", "generation", "Last-Modified", "LastModified", "updated")
_BUFFER = 1 << 20


@dataclass(frozen=True)
class Place:
    """One file."""

    name: str
    """For locators: the file's name, or its path below the fixed part of a glob."""
    shown: str
    """The whole address without credentials or query, for messages."""
    size: int | None
    stamp: str | None
    """What changes when the content does: a time or an ETag; None where the server tells neither."""
    local: Path | None = field(repr=False)
    opener: Callable[[], BinaryIO] = field(repr=False)

    @contextmanager
    def open(self) -> Iterator[io.BufferedReader]:
        """The bytes as they are stored; local and object files can seek, URLs cannot."""
        with readable(self.shown), self.opener() as stream:
            yield stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream, _BUFFER)  # type: ignore[arg-type]

    @contextmanager
    def open_seekable(self) -> Iterator[BinaryIO]:
        """The bytes of a file that can seek: a URL is first copied to a temporary file."""
        with self.open() as stream:
            if stream.seekable() and not self.shown.startswith("http"):
                yield stream
            else:
                with tempfile.TemporaryFile(prefix="s1-source-") as copy:
                    shutil.copyfileobj(stream, copy, _BUFFER)
                    copy.seek(0)
                    yield copy


def places(location: str, options: StorageOptions) -> list[Place]:
    """The files that a location names, in the order of their names.

    Raises:
        SourceUnreadable: If there is none, or the place cannot be reached.
    """
    protocol, mark, rest = location.partition("://")
    if not mark or protocol.lower() == "file":
        return _local_places(rest if mark else location)
    if protocol.lower() not in _PROTOCOLS:
        accepted = "a local path, s3://, gs://, http:// or https://"
        raise SourceUnreadable(f"{_without_secrets(location)}: nothing here reads {protocol}://; accepted: {accepted}")
    return _remote_places(location, _PROTOCOLS[protocol.lower()], options)


def _local_places(location: str) -> list[Place]:
    path = Path(location).expanduser()
    if path.is_dir():
        raise SourceUnreadable(f"{location} is a folder; give a file, or a glob such as {location.rstrip('/')}/*.jsonl")
    if path.exists() or not _has_magic(location, "?*["):
        if not path.is_file():
            tried = "" if path.is_absolute() else f" (looked in {Path.cwd()})"
            raise SourceUnreadable(f"{location}: no such file{tried}")
        return [_local_place(path, path.name)]
    fixed = path
    while _has_magic(str(fixed), "?*["):
        fixed = fixed.parent
    with readable(location):
        found = [match for match in fixed.glob(path.relative_to(fixed).as_posix()) if match.is_file()]
        named = {match.relative_to(fixed).as_posix(): match for match in found if not match.name.startswith(".")}
        if not named:
            raise SourceUnreadable(f"{location}: no file matches (looked in {fixed.resolve()})")
        return [_local_place(named[name], name) for name in sorted(named)]


def _local_place(path: Path, name: str) -> Place:
    with readable(str(path)):
        found = path.stat()
    return Place(name, str(path), found.st_size, str(found.st_mtime_ns), path, lambda: path.open("rb", _BUFFER))


def _remote_places(location: str, protocol: str, options: StorageOptions) -> list[Place]:
    shown = _without_secrets(location)
    with readable(shown):
        system = _file_system(protocol, options.get(protocol, {}))
        system.invalidate_cache()  # a listing kept from before would hide what is new
        if _has_magic(location, "*" if protocol == "http" else "?*["):
            found = {path: info for path, info in system.glob(location, detail=True).items() if info["type"] == "file"}
        else:
            info = system.info(location)
            if info["type"] != "file":
                raise SourceUnreadable(
                    f"{shown} is a folder; give a file, or a glob such as {shown.rstrip('/')}/*.jsonl"
                )
            found = {info["name"]: info}
        if not found:
            raise SourceUnreadable(f"{shown}: no file matches")
        if protocol == "http" and len(found) > 1:
            found = {path: system.info(path) for path in found}  # a listing of links has no ETags
    made = (
        _remote_place(system, path, info, _name(path, location, protocol), protocol) for path, info in found.items()
    )
    return sorted(made, key=lambda place: place.name)


def _remote_place(system: Any, path: str, info: Mapping[str, Any], name: str, protocol: str) -> Place:
    shown = _without_secrets(path) if "://" in path else f"{protocol}://{path}"
    stamp = next((str(info[key]) for key in _STAMPS if info.get(key)), None)
    # Without a block size fsspec streams a URL instead of asking for ranges, which many servers do not know.
    how = {"block_size": 0} if protocol == "http" else {}
    return Place(name, shown, info.get("size"), stamp, None, lambda: system.open(path, "rb", **how))


def _file_system(protocol: str, options: Mapping[str, Any]) -> Any:
    if protocol == "gs":
        # The plain class: what the package exports first asks for the bucket's kind by gRPC, and waits for ever on a
        # server that does not speak it.
        from gcsfs.core import GCSFileSystem

        return GCSFileSystem(**options)
    import fsspec

    if protocol != "http":
        return fsspec.filesystem(protocol, **options)
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=READ_S)
    client = {"timeout": timeout, "trust_env": True, **options.get("client_kwargs", {})}
    return fsspec.filesystem("http", **{**options, "client_kwargs": client, "use_listings_cache": False})


def _name(path: str, location: str, protocol: str) -> str:
    """The file's name, or for a glob the path below its fixed part."""
    fixed = re.split(r"[*?\[]", location)[0].rpartition("/")[0] + "/"
    if fixed != location and _has_magic(location, "*[" if protocol == "http" else "?*["):
        for start in (fixed, fixed.partition("://")[2]):
            if path.startswith(start):
                return path[len(start) :]
    whole = urlsplit(path).path if protocol == "http" else path
    return PurePosixPath(whole).name


def _has_magic(location: str, marks: str) -> bool:
    return any(mark in location for mark in marks)


def _without_secrets(location: str) -> str:
    """A URL without user, password, query and fragment, any of which may hold a key."""
    parts = urlsplit(location)
    if not parts.scheme.startswith("http"):
        return location
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"


@contextmanager
def readable(shown: str) -> Iterator[None]:
    """Failures of files, servers and their clients as `SourceUnreadable`, with the place."""
    try:
        yield
    except SourceUnreadable:
        raise
    except (OSError, EOFError, zlib.error, ValueError, ImportError) as error:
        raise SourceUnreadable(f"{shown}: {_why(error)}") from _fit_to_show(error, shown)
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in _CLIENTS:
            raise
        raise SourceUnreadable(f"{shown}: {_why(error)}") from _fit_to_show(error, shown)


_CLIENTS = {"aiohttp", "botocore", "aiobotocore", "s3fs", "gcsfs", "google", "fsspec", "pyarrow", "asyncio"}


def _fit_to_show(error: BaseException, shown: str) -> BaseException | None:
    """The cause, but none of a URL's: its text repeats the URL, in which a key may stand."""
    return None if shown.startswith("http") else error


def _why(error: BaseException) -> str:
    """The nearest cause that says something, on one line."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and len(chain) < 5:
        chain.append(cause)
    for link in chain:
        status = getattr(link, "status", None)
        if isinstance(status, int):
            return f"the server answered {status} {getattr(link, 'message', '')}".rstrip()
    kinds = {type(link).__name__ for link in chain}
    if kinds & {"NoCredentialsError", "PartialCredentialsError"}:
        return "no credentials; set S3_ACCESS_KEY and S3_SECRET_KEY, or the provider's own variables"
    if any(isinstance(link, TimeoutError) for link in chain):
        return f"no answer in time (connecting {CONNECT_S} s, silence {READ_S} s)"
    last = chain[1] if isinstance(error, FileNotFoundError) and len(chain) > 1 else error
    text = " ".join(str(last).split())[:300]
    if isinstance(last, FileNotFoundError):
        return "not found"
    if isinstance(last, PermissionError):
        return f"not allowed ({text})"
    return text or type(last).__name__
