"""A real Ceph RGW on loopback: signatures, conditional writes and multipart uploads as a production server does them.

One monitor, one OSD in memory, one gateway; about 200 MB and 15 s to start. Needs Debian's `radosgw`, `ceph-mon`,
`ceph-osd` and `ceph-common`.
"""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")

_START_S = 120.0
_STOP_S = 15.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where the gateway listens and who may use it."""

    url: str
    access_key: str
    secret_key: str


def missing_programs() -> list[str]:
    """The programs that would have to be installed first."""
    return [name for name in PROGRAMS if _program(name) is None]


@contextmanager
def radosgw(folder: Path) -> Iterator[Gateway]:
    """A gateway that lives as long as the block; everything of it lies in `folder`.

    Raises:
        RuntimeError: If it does not come up; the message holds the end of its log.
    """
    keys = ("s1access", "s1secret")
    with _free_ports(3) as ports:
        config = _write_config(folder, *ports)
    with ExitStack() as stack:
        _start_monitor(stack, folder, config, ports)
        _start_osd(stack, folder, config)
        stack.enter_context(_running(folder, "radosgw", "-c", config, "-n", "client.rgw", "-f"))
        _run("radosgw-admin", "-c", config, "-n", "client.rgw", "user", "create", "--uid=t", "--display-name=t",
             f"--access-key={keys[0]}", f"--secret={keys[1]}")  # fmt: skip
        url = f"http://127.0.0.1:{ports[2]}"
        _await_http(url, folder)
        yield Gateway(url, *keys)


def _write_config(folder: Path, msgr2: int, msgr1: int, gateway: int) -> str:
    path = folder / "ceph.conf"
    path.write_text(
        f"""[global]
fsid = {uuid.uuid4()}
mon host = [v2:127.0.0.1:{msgr2},v1:127.0.0.1:{msgr1}]
auth cluster required = none
auth service required = none
auth client required = none
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon data avail warn = 1
mon data avail crit = 0
mon max pg per osd = 1000
osd crush chooseleaf type = 0
run dir = {folder}
pid file = {folder}/$name.pid
admin socket = {folder}/$name.asok
log file = {folder}/$name.log
mon data = {folder}/mon
osd data = {folder}/osd
keyring = {folder}/keyring
ms mon client mode = crc
ms client mode = crc
[osd]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{gateway} tcp_nodelay=1
rgw data = {folder}/rgw
ms mon client mode = crc
ms client mode = crc
""",
        encoding="utf-8",
    )
    for name in ("mon", "osd", "rgw"):
        (folder / name).mkdir()
    return str(path)


def _start_monitor(stack: ExitStack, folder: Path, config: str, ports: tuple[int, ...]) -> None:
    address = f"[v2:127.0.0.1:{ports[0]},v1:127.0.0.1:{ports[1]}]"
    fsid = next(
        line.split()[-1] for line in Path(config).read_text(encoding="utf-8").splitlines() if line.startswith("fsid")
    )
    monmap = str(folder / "monmap")
    _run("monmaptool", "--create", "--addv", "a", address, "--fsid", fsid, monmap)
    _run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap, "-c", config)
    stack.enter_context(_running(folder, "ceph-mon", "-i", "a", "-c", config, "-f"))


def _start_osd(stack: ExitStack, folder: Path, config: str) -> None:
    own_id = str(uuid.uuid4())
    _run("ceph", "-c", config, "--connect-timeout", "20", "osd", "new", own_id)
    _run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", own_id, "-c", config)  # without the same id it never comes up
    stack.enter_context(_running(folder, "ceph-osd", "-i", "0", "-c", config, "-f"))


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _run(name: str, *arguments: str) -> None:
    done = subprocess.run([_program(name) or name, *arguments], capture_output=True, text=True, timeout=_START_S)
    if done.returncode:
        raise RuntimeError(f"{name} {' '.join(arguments)} failed: {done.stderr[-500:]}")


@contextmanager
def _running(folder: Path, name: str, *arguments: str) -> Iterator[None]:
    with (folder / f"{name}.out").open("wb") as out:
        process = subprocess.Popen([_program(name) or name, *arguments], stdout=out, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def _free_ports(count: int) -> Iterator[tuple[int, ...]]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        yield tuple(one.getsockname()[1] for one in sockets)


def _await_http(url: str, folder: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    log = (folder / "radosgw.out").read_text(errors="replace")[-500:]
    raise RuntimeError(f"radosgw does not answer at {url} after {_START_S:.0f} s: {log}")
