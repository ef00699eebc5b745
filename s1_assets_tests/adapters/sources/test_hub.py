"""The Hub reader against a small Hub on loopback, in a process of its own: its address is read at import."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT = "00112233445566778899aabbccddeeff00112233"
FILES = {
    "README.md": b"---\nlicense: mit\n---\n",
    "train.jsonl": b'{"problem": "1+1?", "answer": "2"}\n{"problem": "2+2?", "answer": "4"}\n',
    "test.jsonl": b'{"problem": "3+3?", "answer": "6"}\n',
}


class _Hub(BaseHTTPRequestHandler):
    """One public data set, `owner/name`, at one commit."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if match := re.fullmatch(r"/api/datasets/owner/name(/revision/(.+))?", path):
            siblings = [{"rfilename": name} for name in FILES]
            if match[2] in (None, "main", COMMIT):
                return self._json(
                    {"id": "owner/name", "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}
                )
        if re.fullmatch(r"/api/datasets/owner/name/tree/[^/]+", path):
            return self._json([self._entry(name) for name in FILES])
        if (match := re.fullmatch(rf"/datasets/owner/name/resolve/{COMMIT}/(.+)", path)) and match[1] in FILES:
            return self._send(200, FILES[match[1]], {"ETag": f'"{match[1]}"', "X-Repo-Commit": COMMIT})
        code = "EntryNotFound" if "/owner/name/" in path else "RepoNotFound"
        return self._send(404, b"{}", {"X-Error-Code": code})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        named = json.loads(body)["paths"] if body.startswith("{") else re.findall(r"paths=([^&]+)", body)
        self._json([self._entry(name) for name in named if name in FILES])

    def _entry(self, name: str) -> dict[str, object]:
        return {"type": "file", "path": name, "size": len(FILES[name]), "oid": name.encode().hex().ljust(40, "0")[:40]}

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        whole = len(body)
        if (span := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")) and status == 200:
            first, last = int(span[1]), min(int(span[2] or whole), whole - 1)
            body, status = body[first : last + 1], 206
            headers = {**headers, "Content-Range": f"bytes {first}-{last}/{whole}"}
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


PROGRAM = """
import json, sys
from s1_assets.adapters.sources.readers import SourceReaders
from s1_assets.errors import SourceUnreadable
from s1_assets_tests.domain.catalogue.entry import HUB, source_from
told = []
for options in json.loads(sys.argv[1]):
    source, reader = source_from(HUB, fields={"question": "problem"}, **options), SourceReaders()
    try:
        rows = [[row.locator, row.values["problem"]] for row in reader.rows(source)]
        told.append([reader.state(source), reader.revision(source), rows])
    except SourceUnreadable as error:
        told.append(str(error))
print(json.dumps(told))
"""


def test_a_hosted_data_set_is_read_at_the_commit_that_its_revision_means(hub: str, tmp_path: Path) -> None:
    asked = [
        {},
        {"streaming": False, "split": ["test", "train"]},
        {"revision": "main"},
        {"revision": COMMIT},
        {"revision": "v9"},
        {"name": "owner/other", "location": None},
        {"split": "dev"},
    ]
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub,
        "HF_HOME": str(tmp_path),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
    }
    environment.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(asked)], env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    train = [["train#1", "1+1?"], ["train#2", "2+2?"]]
    assert told[0] == [COMMIT, COMMIT, train]
    assert told[1] == [COMMIT, COMMIT, [["test#1", "3+3?"], *train]]
    assert told[2] == told[3] == told[0]
    assert "data set 'owner/name' (its commit) at revision v9 cannot be read" in told[4]
    assert "data set 'owner/other' (its commit) cannot be read" in told[5]
    assert "Check name and revision" in told[5]
    assert "Set split to one of its splits" in told[6]
