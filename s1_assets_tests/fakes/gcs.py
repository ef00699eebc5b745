"""Our own Google Cloud Storage: a real HTTP server on loopback that google-cloud-storage and gcsfs both work against.

Covers the JSON API for buckets (get, insert) and objects: media, multipart and resumable insert, get, range download,
list with prefix, delimiter and pages, delete, compose, and generation preconditions, which are decided under one lock:
of many writers with `ifGenerationMatch=0` exactly one wins. It can lose an answer, as networks do.

Not covered: authentication (every token passes), access control, versions of an object, signed URLs, rewrite, gRPC.
"""

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c

_JSON = "application/json; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Stored:
    """One object."""

    content: bytes
    md5: str
    crc32c: str
    generation: int
    updated: str
    content_type: str


@dataclass(slots=True)
class _Session:
    """An unfinished resumable upload."""

    bucket: str
    name: str
    query: Mapping[str, str]
    content_type: str
    content: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class _RefusalError(Exception):
    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        told = _json({"error": {"code": status, "message": message}}, status)
        self.answer = replace(told, headers={**told.headers, **headers})


class FakeGCS:
    """The server. As a context manager it listens on a free port of 127.0.0.1 until the block ends."""

    def __init__(self, *buckets: str) -> None:
        self.buckets: dict[str, dict[str, Stored]] = {name: {} for name in buckets}
        self.sessions: dict[str, _Session] = {}
        """Unfinished resumable uploads, by id."""
        self.page_size = 1000
        self.lost_answers = 0
        """So many of the next inserts under a precondition happen without the client getting to know."""
        self._generations = itertools.count(1)
        self._lock = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": self}))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "FakeGCS":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, verb: str, target: str, headers: Mapping[str, str], body: bytes) -> _Answer:
        """What the service says to one request."""
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        try:
            for method, pattern, act in self._routes():
                if method == verb and (match := re.fullmatch(pattern, url.path)):
                    with self._lock:
                        return act(*(unquote(part) for part in match.groups()), query, headers, body)
            raise _RefusalError(404, f"no such method: {verb} {url.path}")
        except _RefusalError as refusal:
            return refusal.answer

    def _routes(self) -> list[tuple[str, str, Callable[..., _Answer]]]:
        one = "(?:/download)?/storage/v1/b/([^/]+)/o/([^/]+)"
        return [
            ("GET", "/storage/v1/b/([^/]+)", self._get_bucket),
            ("POST", "/storage/v1/b", self._insert_bucket),
            ("GET", "/storage/v1/b/([^/]+)/o", self._list),
            ("POST", "/upload/storage/v1/b/([^/]+)/o", self._insert),
            ("PUT", "/upload/storage/v1/b/([^/]+)/o", self._resume),
            ("DELETE", "/upload/storage/v1/b/([^/]+)/o", self._cancel),
            ("POST", "/storage/v1/b/([^/]+)/o/([^/]+)/compose", self._compose),
            ("GET", one, self._get),
            ("DELETE", one, self._delete),
        ]

    def _bucket(self, name: str) -> dict[str, Stored]:
        if name not in self.buckets:
            raise _RefusalError(404, f"The specified bucket does not exist: {name}")
        return self.buckets[name]

    def _get_bucket(self, bucket: str, *_: Any) -> _Answer:
        self._bucket(bucket)
        return _json({"kind": "storage#bucket", "name": bucket, "id": bucket, "locationType": "region"})

    def _insert_bucket(self, query: Any, headers: Any, body: bytes) -> _Answer:
        name = json.loads(body)["name"]
        if name in self.buckets:
            raise _RefusalError(409, f"You already own this bucket: {name}")
        self.buckets[name] = {}
        return self._get_bucket(name)

    def _list(self, bucket: str, query: Mapping[str, str], *_: Any) -> _Answer:
        objects = self._bucket(bucket)
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        entries: dict[str, Stored | None] = {}
        for name in sorted(objects):
            if name.startswith(prefix):
                head, found, _rest = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
                entries[prefix + head + found if found else name] = None if found else objects[name]
        limit = min(int(query.get("maxResults", self.page_size)), self.page_size)
        rest = [name for name in entries if name > query.get("pageToken", "")]
        page = rest[:limit]
        listing: dict[str, Any] = {"kind": "storage#objects"}
        listing["items"] = [_resource(bucket, name, stored) for name in page if (stored := entries[name])]
        listing["prefixes"] = [name for name in page if entries[name] is None]
        if len(rest) > limit:
            listing["nextPageToken"] = page[-1]
        return _json(listing)

    def _get(self, bucket: str, name: str, query: Mapping[str, str], headers: Any, _body: bytes) -> _Answer:
        stored = self._present(bucket, name)
        _check_generation(stored, query)
        if query.get("alt") != "media":
            return _json(_resource(bucket, name, stored))
        told = {"Content-Type": stored.content_type, "X-Goog-Generation": str(stored.generation)}
        told["X-Goog-Hash"] = f"crc32c={stored.crc32c},md5={stored.md5}"
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("Range", ""))
        if not wanted:
            return _Answer(200, stored.content, told)
        first, size = int(wanted[1]), len(stored.content)
        if first >= size:
            raise _RefusalError(416, f"{first} is beyond {name}", **{"Content-Range": f"bytes */{size}"})
        part = stored.content[first : int(wanted[2]) + 1 if wanted[2] else size]
        return _Answer(206, part, told | {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{size}"})

    def _present(self, bucket: str, name: str) -> Stored:
        stored = self._bucket(bucket).get(name)
        if stored is None:
            raise _RefusalError(404, f"No such object: {bucket}/{name}")
        return stored

    def _delete(self, bucket: str, name: str, query: Mapping[str, str], *_: Any) -> _Answer:
        _check_generation(self._present(bucket, name), query)
        del self.buckets[bucket][name]
        return _Answer(204)

    def _insert(self, bucket: str, query: Mapping[str, str], headers: Any, body: bytes) -> _Answer:
        self._bucket(bucket)
        if "upload_id" in query:
            return self._resume(bucket, query, headers, body)
        kind = query.get("uploadType", "media")
        if kind == "resumable":
            name = query.get("name") or json.loads(body)["name"]
            upload_id = f"upload-{next(self._generations):020d}"
            content_type = headers.get("X-Upload-Content-Type", "application/octet-stream")
            self.sessions[upload_id] = _Session(bucket, name, query, content_type)
            location = f"{self.url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={upload_id}"
            return _Answer(200, headers={"Location": location})
        if kind == "media":
            return self._put(bucket, query["name"], query, body, headers.get("Content-Type", ""))
        (_, about), (content_type, content) = _parts(headers["Content-Type"], body)
        fields = json.loads(about)
        for digest, name in ((_md5, "md5Hash"), (_crc32c, "crc32c")):
            if fields.get(name, digest(content)) != digest(content):
                raise _RefusalError(400, f"{name} does not match the content")
        return self._put(bucket, fields.get("name") or query["name"], query, content, content_type)

    def _resume(self, bucket: str, query: Mapping[str, str], headers: Any, body: bytes) -> _Answer:
        session = self.sessions.get(query["upload_id"])
        if session is None:
            raise _RefusalError(404, f"no such upload: {query['upload_id']}")
        sent = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)", headers.get("Content-Range", "bytes */*"))
        if sent is None:
            raise _RefusalError(400, f"bad Content-Range: {headers['Content-Range']}")
        if sent[1] is not None:
            if int(sent[1]) != len(session.content):
                raise _RefusalError(503, f"have {len(session.content)} bytes, got more from {sent[1]}")
            session.content += body
        if sent[3] != "*" and int(sent[3]) == len(session.content):
            del self.sessions[query["upload_id"]]
            return self._put(bucket, session.name, session.query, bytes(session.content), session.content_type)
        if sent[1] is not None and len(body) % (256 << 10):
            raise _RefusalError(400, f"a chunk must be a multiple of 256 KiB, not {len(body)} bytes")
        received = {"Range": f"bytes=0-{len(session.content) - 1}"} if session.content else {}
        return _Answer(308, headers=received)

    def _cancel(self, _bucket: str, query: Mapping[str, str], *_: Any) -> _Answer:
        return _Answer(499) if self.sessions.pop(query["upload_id"], None) else _Answer(404)

    def _compose(self, bucket: str, name: str, query: Mapping[str, str], _headers: Any, body: bytes) -> _Answer:
        parts = json.loads(body)["sourceObjects"]
        content = b"".join(self._present(bucket, part["name"]).content for part in parts)
        return self._put(bucket, name, query, content, "application/octet-stream")

    def _put(self, bucket: str, name: str, query: Mapping[str, str], content: bytes, content_type: str) -> _Answer:
        _check_generation(self.buckets[bucket].get(name), query)
        updated = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        hashes = (_md5(content), _crc32c(content))
        stored = Stored(content, *hashes, next(self._generations), updated, content_type or "application/octet-stream")
        self.buckets[bucket][name] = stored
        if "ifGenerationMatch" in query and self.lost_answers:
            self.lost_answers -= 1
            raise _RefusalError(503, "the answer was lost")
        return _json(_resource(bucket, name, stored))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    fake: FakeGCS

    def do_GET(self) -> None:
        body = self._body()
        answer = self.fake.answer(self.command, self.path, self.headers, body)  # type: ignore[arg-type]
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - names that http.server asks for

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, *_: Any) -> None:
        """Quiet: a failing test shows what the client saw."""


def _check_generation(stored: Stored | None, query: Mapping[str, str]) -> None:
    present = stored.generation if stored else 0
    for name, wanted in (("ifGenerationMatch", True), ("ifGenerationNotMatch", False)):
        if name in query and (present == int(query[name])) != wanted:
            raise _RefusalError(412, f"At least one of the pre-conditions you specified did not hold: {name}")


def _resource(bucket: str, name: str, stored: Stored) -> dict[str, str]:
    return {
        "kind": "storage#object",
        "id": f"{bucket}/{name}/{stored.generation}",
        "name": name,
        "bucket": bucket,
        "generation": str(stored.generation),
        "metageneration": "1",
        "contentType": stored.content_type,
        "size": str(len(stored.content)),
        "md5Hash": stored.md5,
        "crc32c": stored.crc32c,
        "timeCreated": stored.updated,
        "updated": stored.updated,
        "storageClass": "STANDARD",
    }


def _json(value: Any, status: int = 200) -> _Answer:
    return _Answer(status, json.dumps(value).encode(), {"Content-Type": _JSON})


def _parts(multipart_type: str, body: bytes) -> list[tuple[str, bytes]]:
    """Content type and content of each part; google's client ends lines as the standard says, gcsfs with a bare LF."""
    boundary = multipart_type.partition("boundary=")[2].strip("\"'").encode()
    parts = []
    for part in body.split(b"--" + boundary)[1:-1]:
        end = b"\r\n" if part.startswith(b"\r\n") else b"\n"
        head, _, content = part.removeprefix(end).removesuffix(end).partition(end + end)
        kind = re.search(rb"(?i)content-type:\s*([^\s;]+)", head)
        parts.append((kind[1].decode() if kind else "", content))
    return parts


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def _crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()
