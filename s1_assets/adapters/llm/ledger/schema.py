"""The ledger's tables, the same in SQLite and PostgreSQL, and how an older ledger is brought up to date."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from s1_assets.errors import StorageError

SCHEMA_VERSION = 2
LOCK_WAIT_S = 60
"""How long a writer waits for another process's commit before it says that the ledger is locked."""
SCHEMA_LOCK = 7_331_001
"""Number of the PostgreSQL advisory lock under which tables are created; any number that is only ours."""
INHERITANCE_LOCK = 7_331_002
"""The same for taking over what processes that are gone have left."""
KEYS_PER_QUERY = 500
"""Below the 999 bound variables that the oldest supported SQLite allows."""

Prepared = Callable[[sa.Connection, Sequence[tuple[Any, ...]]], int]

metadata = sa.MetaData()
versions = sa.Table("ledger_schema", metadata, sa.Column("version", sa.Integer, primary_key=True))
calls = sa.Table(
    "calls",
    metadata,
    sa.Column("key", sa.String(40), primary_key=True),
    # ok | truncated | blocked | refused | substituted | failed, and submitted: sent in a batch, not answered yet
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("provider", sa.String(32), nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("base_url", sa.Text),
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("reply", sa.LargeBinary),
    sa.Column("input_tokens", sa.BigInteger, nullable=False, default=0),
    sa.Column("thinking_tokens", sa.BigInteger, nullable=False, default=0),
    sa.Column("answer_tokens", sa.BigInteger, nullable=False, default=0),
    sa.Column("price_usd", sa.Float),
    sa.Column("asset", sa.String(64), nullable=False),
    sa.Column("partition", sa.String(128), nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("answered_at", sa.DateTime(timezone=True)),
    sa.Column("batch_id", sa.Text),
    sa.Column("item_id", sa.Text),
    # from version 2
    sa.Column("cached_tokens", sa.BigInteger),
    sa.Column("finish_reason", sa.Text),
    sa.Column("served_model", sa.Text),
    sa.Column("thinking_kind", sa.String(8)),
    sa.Column("attempts", sa.Integer),  # tries, the one that answered included
    sa.Column("maybe_billed", sa.Integer),  # tries given up on, whose work the vendor may have done and charged
    sa.Column("seconds", sa.Float),  # of the try that answered
    sa.Column("key_fingerprint", sa.String(16)),
    sa.Column("budget", sa.String(64)),  # what it counts against: an order of `s1 run`, else the Dagster run
    sa.Column("origin", sa.Text),  # of an imported answer: where it was read
    sa.Index("calls_by_asset", "asset", "partition"),
)
ADDED_IN_2 = (
    "cached_tokens",
    "finish_reason",
    "served_model",
    "thinking_kind",
    "attempts",
    "maybe_billed",
    "seconds",
    "key_fingerprint",
    "budget",
    "origin",
)
engines = sa.Table(
    "engines",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("started", sa.Text, nullable=False),  # tells a process from a later one of the same number
    sa.Column("seen_at", sa.Float, nullable=False),
)
claims = sa.Table(
    "claims",
    metadata,
    sa.Column("key", sa.String(40), primary_key=True),
    sa.Column("engine", sa.String(32), nullable=False, index=True),
)
rates = sa.Table(
    "rates",
    metadata,
    sa.Column("gate", sa.String(64), primary_key=True),  # an endpoint, model and group of keys
    sa.Column("next_at", sa.Float, nullable=False, default=0.0),  # when the next request may be sent
    sa.Column("tokens_next_at", sa.Float, nullable=False, default=0.0),
    sa.Column("paused_until", sa.Float, nullable=False, default=0.0),
    sa.Column("per_second", sa.Float),  # as learned; a rate that was told is not stored
    sa.Column("learned_at", sa.Float, nullable=False, default=0.0),
    sa.Column("day", sa.String(10), nullable=False, default=""),
    sa.Column("sent_today", sa.Integer, nullable=False, default=0),
)
slots = sa.Table(
    "slots",
    metadata,
    sa.Column("gate", sa.String(64), primary_key=True),
    sa.Column("engine", sa.String(32), primary_key=True),
    sa.Column("held", sa.Integer, nullable=False),
    sa.Column("wanted", sa.Integer, nullable=False),
)
reservations = sa.Table(
    "reservations",
    metadata,
    sa.Column("budget", sa.String(64), primary_key=True),
    sa.Column("engine", sa.String(32), primary_key=True),
    sa.Column("usd", sa.Float, nullable=False),
)
spent = sa.Table(
    "spent",
    metadata,
    sa.Column("budget", sa.String(64), primary_key=True),
    sa.Column("usd", sa.Float, nullable=False),
)


class Database:
    """The ledger's database: opened, created on first use, brought up to date; faults told as `StorageError`."""

    def __init__(self, url: str) -> None:
        """Open it.

        Args:
            url: `sqlite:///path`, relative paths from the working directory, or `postgresql+psycopg://...`.

        Raises:
            StorageError: If the database cannot be opened; the message names the URL without its password.
        """
        self.url, self.engine = _open(url)
        self.dialect = self.engine.dialect.name
        try:
            with self.translated():
                _prepare_folder(self.url)
                self._prepare_schema()
        except StorageError:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self.translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction that no other writer comes between: what it reads still stands when it commits."""
        with self.translated(), self.engine.connect() as connection, connection.begin():
            if self.dialect == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Database faults as `StorageError`, cause kept, password hidden by the URL's repr."""
        try:
            yield
        except (sa.exc.DBAPIError, OSError) as error:
            detail = str(getattr(error, "orig", None) or error)
            raise StorageError(
                f"the ledger {self.url!r} cannot be used: {detail}. S1_LEDGER says where it is"
            ) from error

    def one_at_a_time(self, connection: sa.Connection) -> None:
        """Until the transaction ends no other process does what comes next; SQLite has one writer anyway."""
        if self.dialect != "sqlite":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": INHERITANCE_LOCK})

    def insert(self, table: sa.Table) -> Any:
        """An insert that knows `on_conflict_...`, which both databases write alike."""
        if self.dialect == "postgresql":
            from sqlalchemy.dialects import postgresql

            return postgresql.insert(table)
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)

    def prepared(self, statement: Any, columns: Sequence[str]) -> "Prepared":
        """A statement for many rows at a time, compiled once: `execute` would look at it anew for every group.

        Called with a connection and rows in the order of `columns`, it returns how many rows were changed.
        """
        compiled = statement.compile(dialect=self.engine.dialect, column_keys=list(columns))
        text, positions = str(compiled), compiled.positiontup
        order = None if positions is None else [columns.index(name) for name in positions]

        def execute(connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> int:
            if order is None:
                parameters: Any = [dict(zip(columns, row, strict=True)) for row in rows]
            else:
                parameters = [tuple(row[index] for index in order) for row in rows]
            return int(connection.exec_driver_sql(text, parameters).rowcount)

        return execute

    def moment(self, when: datetime) -> Any:
        """A time in UTC as a prepared statement takes it: SQLite has no type for it, and SQLAlchemy reads this text."""
        return when.strftime("%Y-%m-%d %H:%M:%S.%f") if self.dialect == "sqlite" else when

    def close(self) -> None:
        self.engine.dispose()

    def _prepare_schema(self) -> None:
        """Create what is missing, one process at a time, and refuse a schema newer than ours."""
        with self.writing() as connection:
            if self.dialect != "sqlite":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SCHEMA_LOCK})
            versions.create(connection, checkfirst=True)
            version = connection.execute(sa.select(versions.c.version)).scalar()
            if version is not None and version > SCHEMA_VERSION:
                raise StorageError(
                    f"the ledger {self.url!r} was written by a newer version (schema {version}, known here: "
                    f"{SCHEMA_VERSION}); upgrade s1_assets or point S1_LEDGER elsewhere"
                )
            for step in range(SCHEMA_VERSION if version is None else version, SCHEMA_VERSION):
                MIGRATIONS[step](connection)
            metadata.create_all(connection)
            if version is None:
                connection.execute(sa.insert(versions).values(version=SCHEMA_VERSION))
            elif version < SCHEMA_VERSION:
                connection.execute(sa.update(versions).values(version=SCHEMA_VERSION))


def _to_2(connection: sa.Connection) -> None:
    """Columns for what version 2 tells of a call; new tables are created with the rest."""
    for name in ADDED_IN_2:
        kind = calls.c[name].type.compile(connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE calls ADD COLUMN {name} {kind}")


MIGRATIONS: Mapping[int, Callable[[sa.Connection], None]] = {1: _to_2}
"""By version, the step to the next one."""


def _open(text: str) -> tuple[sa.URL, sa.Engine]:
    """The address and an engine for it; nothing is contacted yet."""
    try:
        url = sa.make_url(text)
        return url, _engine(url)
    except ImportError as error:
        raise StorageError(
            f"S1_LEDGER needs a driver that is not here: pip install 's1_assets[postgres]' ({error})"
        ) from error
    except (sa.exc.ArgumentError, ValueError):
        # No cause: what a URL fell apart into may be a piece of its password.
        raise StorageError(
            "S1_LEDGER is not the address of a database; accepted are sqlite:///path and "
            "postgresql+psycopg://user:password@host:port/database, with %-codes for / : @ in a password"
        ) from None


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True)
    engine = sa.create_engine(url, connect_args={"timeout": LOCK_WAIT_S, "isolation_level": None})

    @sa.event.listens_for(engine, "connect")
    def _set_pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        _write_ahead(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine


def _write_ahead(cursor: Any) -> None:
    """Switch the file to WAL unless it is. SQLite does not wait for a lock here, so that several who open a new file at
    once would fail.
    """
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _prepare_folder(url: sa.URL) -> None:
    """The folder of an SQLite file, and the file itself readable by its owner only: it holds questions and answers."""
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
