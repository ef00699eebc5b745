"""Starts the stores, once per session, on free ports of 127.0.0.1."""

import logging
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from s1_assets_tests.adapters.storage.backends import BACKENDS, BUCKET, Backend
from s1_assets_tests.fakes.gcs import FakeGCS
from s1_assets_tests.fakes.radosgw import missing_programs, radosgw
from s1_assets_tests.needs import need


@pytest.fixture(scope="session")
def moto() -> Iterator[Backend]:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # one line per request hides what failed
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield Backend("moto", f"s3://{BUCKET}/root", f"http://{host}:{port}").make_bucket()
    server.stop()


@pytest.fixture(scope="session")
def fake_gcs() -> Iterator[FakeGCS]:
    with FakeGCS() as server:
        yield server


@pytest.fixture(scope="session")
def our_gcs(fake_gcs: FakeGCS) -> Backend:
    return Backend("our_gcs", f"gs://{BUCKET}/root", fake_gcs.url).make_bucket()


@pytest.fixture(scope="session")
def gcs_emulator() -> Iterator[Backend]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = "from gcp_storage_emulator.__main__ import main; main()"
    command = [sys.executable, "-c", program, "start", "--host=127.0.0.1", f"--port={port}", "--in-memory"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await_answer(f"http://127.0.0.1:{port}/")
        yield Backend("gcs_emulator", f"gs://{BUCKET}/root", f"http://127.0.0.1:{port}").make_bucket()
    finally:
        server.kill()  # it holds nothing on disk, and SIGTERM waits for connections that a client keeps open
        server.wait()


@pytest.fixture(scope="session")
def ceph() -> Iterator[Backend]:
    need(not missing_programs(), "radosgw ceph-mon ceph-osd ceph-common")
    # Not pytest's own folder: its paths are too long for the daemons' sockets.
    with tempfile.TemporaryDirectory(prefix="rgw") as folder, radosgw(Path(folder)) as gateway:
        uri = f"s3://{BUCKET}/root"
        yield Backend("radosgw", uri, gateway.url, gateway.access_key, gateway.secret_key).make_bucket()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """Each store in turn, with a root of its own."""
    if request.param == "disk":
        return Backend("disk", str(tmp_path / "root"))
    found: Backend = request.getfixturevalue({"radosgw": "ceph"}.get(request.param, request.param))
    return found.fresh()


@pytest.fixture
def disk(tmp_path: Path) -> Backend:
    return Backend("disk", str(tmp_path / "root"))


def _await_answer(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing answers at {url}")
