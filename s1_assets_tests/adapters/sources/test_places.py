import gzip
import json
import socket
import threading
import traceback
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from s1_assets.adapters.sources.readers import SourceReaders
from s1_assets.errors import SourceUnreadable
from s1_assets_tests.adapters.sources.rows import read, reasons, table
from s1_assets_tests.fakes.gcs import FakeGCS

ROWS = [{"question": f"q{n}"} for n in range(3)]
TEXTS = ["q0", "q1", "q2"]
SECRET = "5e" * 8
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith("/busy"):
            self.send_error(503)
        elif self.path.startswith("/cut"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(LINES)
        else:
            super().do_GET()

    def do_HEAD(self) -> None:
        if self.path.startswith(("/busy", "/nohead")):
            self.send_error(503)
        else:
            super().do_HEAD()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A plain server of `tmp_path`, which knows no ranges and no ETags."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_url_is_read_line_by_line(web: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINES + b"{cut\n")
    texts, aside = read(table(f"{web}/a.jsonl?download=1"))
    assert (texts, reasons(aside)) == (TEXTS, {"mine:a.jsonl#4": "malformed_json"})


def test_gzip_and_parquet_behind_a_url_are_read(web: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(LINES))
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    assert read(table(f"{web}/a.jsonl.gz"))[0] == TEXTS
    assert read(table(f"{web}/a.parquet"))[0] == TEXTS


def test_a_glob_over_a_listing_is_read(web: str, tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    for number in (2, 1):
        (tmp_path / "part" / f"{number}.jsonl").write_text(json.dumps({"question": f"part {number}"}) + "\n")
    source = table(f"{web}/part/*.jsonl")
    assert read(source)[0] == ["part 1", "part 2"]
    assert [row.locator for row in SourceReaders().rows(source)] == ["1.jsonl#1", "2.jsonl#1"]


def test_the_state_of_a_url_changes_with_its_content(web: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(LINES)
    source, readers = table(f"{web}/a.jsonl"), SourceReaders()
    before = readers.state(source)
    assert readers.state(source) == before
    (tmp_path / "a.jsonl").write_bytes(LINES * 2)
    assert readers.state(source) != before


def test_a_server_without_head_is_read(web: str, tmp_path: Path) -> None:
    (tmp_path / "nohead.jsonl").write_bytes(LINES)
    assert read(table(f"{web}/nohead.jsonl"))[0] == TEXTS


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("missing.jsonl", "missing.jsonl: the server answered 404"),
        ("busy.jsonl", "busy.jsonl: the server answered 503"),
        ("none-*.jsonl", r"none-\*\.jsonl: no file matches"),
        ("cut.jsonl", "cut.jsonl: "),
    ],
)
def test_a_url_that_cannot_be_read_is_named_with_the_answer(web: str, path: str, told: str) -> None:
    with pytest.raises(SourceUnreadable, match=told):
        read(table(f"{web}/{path}"))


def test_an_unreachable_server_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(SourceUnreadable, match=rf"source mine: http://127\.0\.0\.1:{port}/a\.jsonl: .*[Cc]onnect"):
        read(table(f"http://127.0.0.1:{port}/a.jsonl"))


def test_a_host_that_does_not_exist_is_told() -> None:
    with pytest.raises(SourceUnreadable, match=r"https://nowhere\.invalid/a\.jsonl: .*nowhere\.invalid"):
        read(table("https://nowhere.invalid/a.jsonl"))


def test_a_key_in_a_url_is_never_shown() -> None:
    source = table(f"http://user:{SECRET}@127.0.0.1:9/a.jsonl?token={SECRET}")
    with pytest.raises(SourceUnreadable) as caught:
        read(source)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_key_in_a_url_is_never_shown_by_a_server_that_refuses(web: str) -> None:
    source = table(f"{web}/missing.jsonl?token={SECRET}")
    with pytest.raises(SourceUnreadable, match="the server answered 404") as caught:
        read(source)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_files_of_a_google_bucket_are_read() -> None:
    with FakeGCS("data") as server:
        options = {"endpoint_url": server.url, "token": "anon", "skip_instance_cache": True}
        from gcsfs.core import GCSFileSystem

        system = GCSFileSystem(**options)
        system.pipe("data/in/a.jsonl", LINES)
        system.pipe("data/in/b.jsonl.gz", gzip.compress(b'{"question": "packed"}\n'))
        readers, source = SourceReaders({"gs": options}), table("gs://data/in/*")
        assert read(source, readers)[0] == [*TEXTS, "packed"]
        before = readers.state(source)
        system.pipe("data/in/a.jsonl", LINES + b'{"question": "new"}\n')
        assert readers.state(source) != before
        with pytest.raises(SourceUnreadable, match=r"gs://data/in/missing\.jsonl: not found"):
            read(table("gs://data/in/missing.jsonl"), readers)


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, Any]]:
    """What fsspec needs for a bucket of an S3 server on this machine."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "key": "k",
        "secret": "s",
        "client_kwargs": {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1"},
    }
    server.stop()


@pytest.fixture(scope="module")
def bucket(s3: dict[str, Any]) -> str:
    import s3fs

    system = s3fs.S3FileSystem(**s3, skip_instance_cache=True)
    system.call_s3("create_bucket", Bucket="data")
    system.pipe("data/in/a.jsonl", LINES)
    system.pipe("data/in/deep/b.jsonl", b'{"question": "deep"}\n')
    system.pipe("data/in/c.csv.gz", gzip.compress(b"question,answer\nfrom csv,1\n"))
    with system.open("data/in/d.parquet", "wb") as stream:
        pq.write_table(pa.Table.from_pylist(ROWS), stream)
    return "data"


def test_files_of_a_bucket_are_read(s3: dict[str, Any], bucket: str) -> None:
    readers = SourceReaders({"s3": s3})
    assert read(table("s3://data/in/a.jsonl"), readers)[0] == TEXTS
    assert read(table("s3://data/in/c.csv.gz"), readers)[0] == ["from csv"]
    assert read(table("s3://data/in/d.parquet"), readers)[0] == TEXTS


def test_a_glob_over_a_bucket_is_read_in_order(s3: dict[str, Any], bucket: str) -> None:
    rows = list(SourceReaders({"s3": s3}).rows(table("s3://data/in/**/*.jsonl")))
    assert {row.locator for row in rows} == {"a.jsonl#1", "a.jsonl#2", "a.jsonl#3", "deep/b.jsonl#1"}


def test_a_new_object_changes_the_state_at_once(s3: dict[str, Any], bucket: str) -> None:
    import s3fs

    system = s3fs.S3FileSystem(**s3, skip_instance_cache=True)
    system.pipe("data/growing/1.jsonl", LINES)
    readers, source = SourceReaders({"s3": s3}), table("s3://data/growing/*.jsonl")
    before = readers.state(source)
    assert readers.state(source) == before
    system.pipe("data/growing/2.jsonl", b'{"question": "new"}\n')
    assert readers.state(source) != before
    assert read(source, readers)[0] == [*TEXTS, "new"]


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("s3://data/in/missing.jsonl", "s3://data/in/missing.jsonl: not found"),
        ("s3://nobucket/a.jsonl", "s3://nobucket/a.jsonl: "),
        ("s3://data/in/none*.jsonl", "no file matches"),
        ("s3://data/in", "is a folder; give a file, or a glob"),
    ],
)
def test_an_object_that_is_not_there_is_told(s3: dict[str, Any], bucket: str, location: str, told: str) -> None:
    with pytest.raises(SourceUnreadable, match=told):
        read(table(location), SourceReaders({"s3": s3}))
