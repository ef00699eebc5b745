"""Who is writing: the name of a data folder tells its owner, so that the leftovers of the dead can be told apart.

A token is `HOST-DIGEST.PID.START.RANDOM`. The digest covers boot and process namespace, because two containers may
share a host name and a bucket while each sees only its own processes. START is the process's start time in clock ticks
where /proc tells it (0 elsewhere), because process numbers are used again.
"""

import hashlib
import os
import re
import socket
from contextlib import suppress
from pathlib import Path
from typing import Literal
from uuid import uuid4

TOKEN = re.compile(r"(?P<host>[a-z0-9-]+)\.(?P<pid>[0-9]+)\.(?P<start>[0-9]+)\.[0-9a-f]{12}")

Owner = Literal["living", "dead", "elsewhere"]


def new_token() -> str:
    """A name for one write of this process; no two are equal."""
    pid = os.getpid()
    return f"{_host()}.{pid}.{_start_of(pid) or 0}.{uuid4().hex[:12]}"


def owner_of(token: str) -> Owner:
    """Whether the process that made `token` still runs; `elsewhere` if that cannot be told from here.

    Raises:
        ValueError: If `token` is none.
    """
    match = TOKEN.fullmatch(token)
    if match is None:
        raise ValueError(f"{token!r} is no token of a writer")
    if match["host"] != _host():
        return "elsewhere"
    pid, start = int(match["pid"]), int(match["start"])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "dead"
    except PermissionError:
        pass  # somebody else's process has the number: living, unless its start says otherwise
    present = _start_of(pid)
    return "dead" if start and present is not None and present != start else "living"


def _host() -> str:
    name = socket.gethostname()
    facts = [name]
    with suppress(OSError):
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii"))
    with suppress(OSError):
        facts.append(str(Path("/proc/self/ns/pid").readlink()))
    digest = hashlib.blake2b("\n".join(facts).encode(), digest_size=4).hexdigest()
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    return f"{readable or 'host'}-{digest}"


def _start_of(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])  # field 22; the command before it may hold spaces
