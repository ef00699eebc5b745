"""A real PostgreSQL on loopback, about 3 s to start. Needs Debian's `postgresql`.

The server refuses to run as root; as root it is started as the user `postgres`, which the package makes.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("initdb", "postgres")
PASSWORD = "not-for-messages"

_START_S = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where the server listens; `postgres` is its superuser."""

    port: int

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def new_database(self, name: str) -> str:
        """Create an empty database; its URL."""
        import psycopg

        with psycopg.connect(self.url().replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)


def missing_programs() -> list[str]:
    """What would have to be installed first."""
    missing = [name for name in PROGRAMS if _program(name) is None]
    return missing or ([] if os.getuid() or _owner() else ["a user named postgres"])


@contextmanager
def postgres() -> Iterator[Server]:
    """A server that lives as long as the block.

    Raises:
        RuntimeError: If it does not come up; the message holds the end of its log.
    """
    # Not pytest's own folder: only its owner may enter that one, and the server is another user.
    with tempfile.TemporaryDirectory(prefix="s1pg", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        (home / "password").write_text(PASSWORD)
        _give_away(home)
        data = ("-D", str(home / "data"))
        _run("initdb", *data, "-U", "postgres", f"--pwfile={home / 'password'}", "--auth=scram-sha-256", "--no-sync",
             "--no-locale", "--encoding=UTF8")  # fmt: skip
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = ("-h", "127.0.0.1", "-p", str(port), "-k", str(home), "-F", "-c", "log_timezone=UTC")
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                _command("postgres", *data, *options), stdout=log, stderr=subprocess.STDOUT, cwd="/"
            )
        try:
            server = Server(port)
            _await(server, process, home / "log")
            yield server
        finally:
            process.send_signal(signal.SIGINT)  # a fast shutdown: SIGTERM would wait for every client to go
            process.wait(_START_S)


def _program(name: str) -> str | None:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return shutil.which(name, path=os.pathsep.join([*map(str, reversed(installed)), os.environ.get("PATH", "")]))


def _owner() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None


def _give_away(folder: Path) -> None:
    owner = _owner()
    if os.getuid() == 0 and owner is not None:
        for path in (folder, *folder.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)


def _command(name: str, *arguments: str) -> list[str]:
    command = [_program(name) or name, *arguments]
    # The server ends with the tests, even when these are killed.
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=INT"]
    return [*as_postgres, *command] if os.getuid() == 0 else command


def _run(name: str, *arguments: str) -> None:
    done = subprocess.run(_command(name, *arguments), capture_output=True, text=True, timeout=_START_S, cwd="/")
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr[-500:]}")


def _await(server: Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            psycopg.connect(server.url().replace("+psycopg", ""), connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL does not answer on port {server.port}: {log.read_text(errors='replace')[-500:]}")
