"""Who is at work on the ledger, and which calls each has claimed, so that two processes that ask the same pay once.

A process that is killed leaves its claims behind. On its own machine it is known to be gone at once, from another
machine when it has not been seen for `LEASE_S`; its claims are then taken over.
"""

import os
import socket
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from s1_assets.adapters.llm.ledger.schema import KEYS_PER_QUERY, Database, claims, engines, reservations, slots

LEASE_S = 30.0
"""A process of another machine that was not seen for so long is gone."""
SEEN_EVERY_S = 5.0


class Presence:
    """This process at work on one ledger, from `enter` to `leave`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.id = uuid.uuid4().hex
        self._host, self._pid = _host(), os.getpid()
        self._started = started_at(self._pid)

    def enter(self) -> None:
        """Make this process known."""
        with self._database.writing() as connection:
            self._sign_in(connection)

    def be_seen(self) -> None:
        """Renew the lease; to be called every `SEEN_EVERY_S`. Forgets processes that are gone."""
        with self._database.writing() as connection:
            self._sign_in(connection)  # anew where others took us for gone: a laptop that slept
            gone = self.gone(connection)
            if gone:
                self._database.one_at_a_time(connection)
            for engine in gone:
                _forget(connection, engine)

    def leave(self) -> None:
        """Give back what this process holds."""
        with self._database.writing() as connection:
            _forget(connection, self.id)

    def _sign_in(self, connection: sa.Connection) -> None:
        now = time.time()
        row = {"id": self.id, "host": self._host, "pid": self._pid, "started": self._started, "seen_at": now}
        insert = self._database.insert(engines).values(**row)
        connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_={"seen_at": now}))

    def claim(self, keys: Sequence[str]) -> set[str]:
        """Claim calls that have no reply yet; those that another living process has claimed are left out."""
        mine: set[str] = set()
        ordered = sorted(keys)  # in one order for all: else two processes could wait for each other
        with self._database.writing() as connection:
            gone = self.gone(connection)
            if gone:
                self._database.one_at_a_time(connection)
            for start in range(0, len(keys), KEYS_PER_QUERY):
                wanted = ordered[start : start + KEYS_PER_QUERY]
                insert = self._database.insert(claims).on_conflict_do_nothing(index_elements=["key"])
                connection.execute(insert, [{"key": key, "engine": self.id} for key in wanted])
                if gone:
                    orphaned = claims.c.key.in_(wanted) & claims.c.engine.in_(gone)
                    connection.execute(sa.update(claims).where(orphaned).values(engine=self.id))
                held = sa.select(claims.c.key).where(claims.c.key.in_(wanted), claims.c.engine == self.id)
                mine.update(connection.execute(held).scalars())
        return mine

    def release(self, keys: Sequence[str]) -> None:
        """Lift claims of calls that were not made after all."""
        with self._database.writing() as connection:
            for start in range(0, len(keys), KEYS_PER_QUERY):
                wanted = keys[start : start + KEYS_PER_QUERY]
                connection.execute(sa.delete(claims).where(claims.c.key.in_(wanted), claims.c.engine == self.id))

    def gone(self, connection: sa.Connection) -> list[str]:
        """Ids of processes that are known and no longer at work."""
        return [row.id for row in connection.execute(sa.select(engines)) if row.id != self.id and self._is_gone(row)]

    def _is_gone(self, row: sa.Row[tuple[object, ...]]) -> bool:
        if row.host == self._host:
            return bool(started_at(row.pid) != row.started)
        return bool(row.seen_at < time.time() - LEASE_S)


def _host() -> str:
    """Where process numbers mean what they mean here: containers may share a host's name, and not its numbers."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return f"{socket.gethostname()} {space}".strip()


def started_at(pid: int) -> str:
    """What tells a process from any other that ever had its number here; empty if there is none.

    Where there is no /proc (macOS) only the number tells, so a claim may wait for a namesake to end.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]  # a zombie is gone, though its parent has not looked yet
    except (OSError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    return "running"


def _forget(connection: sa.Connection, engine: str) -> None:
    for table in (claims, slots, reservations):
        connection.execute(sa.delete(table).where(table.c.engine == engine))
    connection.execute(sa.delete(engines).where(engines.c.id == engine))
