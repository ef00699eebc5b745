"""The ledger of paid answers: every call to a model is kept under the key of its content, and paid once.

One SQLAlchemy Core schema for SQLite (WAL, `synchronous=FULL`: one fsync per group commit) and PostgreSQL. Shared by
all assets, partitions, runs and processes. No API key is ever stored.
"""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from s1_assets.domain.calls import call_key, canonical_request
from s1_assets.errors import StorageError
from s1_assets.records.models import Caller, ModelRequest, Reply

SCHEMA_VERSION = 1
LOCK_WAIT_S = 60
"""How long a writer waits for another process's commit before it says that the ledger is locked."""
SCHEMA_LOCK = 7_331_001
"""Number of the PostgreSQL advisory lock under which tables are created; any number that is only ours."""
KEYS_PER_QUERY = 500
"""Below the 999 bound variables that the oldest supported SQLite allows."""

_metadata = sa.MetaData()
_schema = sa.Table("ledger_schema", _metadata, sa.Column("version", sa.Integer, primary_key=True))
_calls = sa.Table(
    "calls",
    _metadata,
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
    sa.Index("calls_by_asset", "asset", "partition"),
)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A call as the ledger remembers it, for people."""

    key: str
    state: str
    model: str
    reply: Reply
    price_usd: float | None
    asset: str
    partition: str
    run_id: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Spending:
    """Calls of one asset to one model, summed."""

    asset: str
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    price_usd: float | None
    """None if the price of any call is unknown."""


class Ledger:
    """Answers by the key of their request."""

    def __init__(self, url: str) -> None:
        """Open, and create on first use.

        Args:
            url: `sqlite:///path`, relative paths from the working directory, or `postgresql+psycopg://...`.

        Raises:
            StorageError: If the database cannot be opened; the message names the URL without its password.
        """
        self._url, self._engine = _open(url)
        try:
            with self._translated():
                _prepare_folder(self._url)
                self._prepare_schema()
        except StorageError:
            self.close()
            raise

    def find(self, keys: Sequence[str]) -> dict[str, Reply]:
        """The replies on record among `keys`."""
        found: dict[str, Reply] = {}
        with self._translated(), self._engine.connect() as connection:
            for start in range(0, len(keys), KEYS_PER_QUERY):
                wanted = keys[start : start + KEYS_PER_QUERY]
                query = sa.select(_calls.c.key, _calls.c.reply).where(
                    _calls.c.key.in_(wanted), _calls.c.reply.is_not(None)
                )
                found.update((key, _unpack_reply(packed)) for key, packed in connection.execute(query))
        return found

    def record(self, answered: Iterable[tuple[ModelRequest, Reply]], caller: Caller) -> dict[str, Reply]:
        """Commit replies as one group; when it returns they are on disk. A failed call is not an answer and not kept.

        Returns:
            By key, the replies that another run had recorded first: they stand, and ours was paid a second time.
        """
        rows = [_row(request, reply, caller) for request, reply in answered if reply.status != "failed"]
        if not rows:
            return {}
        with self._translated(), self._engine.begin() as connection:
            connection.execute(_insert_unless_there(self._engine.dialect.name), rows)
            by_others = sa.select(_calls.c.key, _calls.c.reply).where(
                _calls.c.key.in_([row["key"] for row in rows]), _calls.c.run_id != caller.run_id
            )
            return {key: _unpack_reply(packed) for key, packed in connection.execute(by_others) if packed is not None}

    def entry(self, key: str) -> LedgerEntry | None:
        """The call of that key as a person would want it told."""
        with self._translated(), self._engine.connect() as connection:
            row = connection.execute(sa.select(_calls).where(_calls.c.key == key, _calls.c.reply.is_not(None))).first()
        if row is None:
            return None
        model = f"{row.provider}:{row.model}" + (f"@{row.base_url}" if row.base_url else "")
        reply = _unpack_reply(row.reply)
        return LedgerEntry(
            row.key, row.state, model, reply, row.price_usd, row.asset, row.partition, row.run_id, row.answered_at
        )

    def count(self) -> int:
        """Calls on record."""
        with self._translated(), self._engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(_calls)).scalar_one())

    def spending(self) -> list[Spending]:
        """What was spent, by the asset that asked first and by model."""
        unpriced = sa.func.sum(sa.case((_calls.c.price_usd.is_(None), 1), else_=0))
        query = (
            sa.select(
                _calls.c.asset,
                _calls.c.provider,
                _calls.c.model,
                sa.func.count(),
                sa.func.sum(_calls.c.input_tokens),
                sa.func.sum(_calls.c.thinking_tokens + _calls.c.answer_tokens),
                sa.func.sum(_calls.c.price_usd),
                unpriced,
            )
            .group_by(_calls.c.asset, _calls.c.provider, _calls.c.model)
            .order_by(_calls.c.asset, _calls.c.provider, _calls.c.model)
        )
        with self._translated(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [
            Spending(
                asset, f"{provider}:{model}", calls, int(tokens_in), int(tokens_out), None if unknown else float(price)
            )
            for asset, provider, model, calls, tokens_in, tokens_out, price, unknown in rows
        ]

    def close(self) -> None:
        self._engine.dispose()

    def _prepare_schema(self) -> None:
        """Create what is missing, one process at a time, and refuse a schema newer than ours."""
        with self._engine.connect() as connection, connection.begin():
            _lock_schema(connection)
            _metadata.create_all(connection)
            version = connection.execute(sa.select(_schema.c.version)).scalar()
            if version is None:
                connection.execute(_insert_version(self._engine.dialect.name))
            elif version > SCHEMA_VERSION:
                raise StorageError(
                    f"the ledger {self._url!r} was written by a newer version (schema {version}, known here: "
                    f"{SCHEMA_VERSION}); upgrade s1_assets or point S1_LEDGER elsewhere"
                )

    @contextmanager
    def _translated(self) -> Any:
        """Database faults as `StorageError`, cause kept, password hidden by the URL's repr."""
        try:
            yield
        except (sa.exc.DBAPIError, OSError) as error:
            detail = str(getattr(error, "orig", None) or error)
            raise StorageError(
                f"the ledger {self._url!r} cannot be used: {detail}. S1_LEDGER says where it is"
            ) from error


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
    engine = sa.create_engine(url, connect_args={"timeout": LOCK_WAIT_S})

    @sa.event.listens_for(engine, "connect")
    def _set_pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine


def _prepare_folder(url: sa.URL) -> None:
    """The folder of an SQLite file, and the file itself readable by its owner only: it holds questions and answers."""
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)


def _lock_schema(connection: sa.Connection) -> None:
    """Until the transaction ends no other process creates tables."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SCHEMA_LOCK})


def _insert_unless_there(dialect: str) -> Any:
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(_calls).on_conflict_do_nothing(index_elements=["key"])
    return sa.insert(_calls).prefix_with("OR IGNORE")


def _insert_version(dialect: str) -> Any:
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(_schema).values(version=SCHEMA_VERSION).on_conflict_do_nothing()
    return sa.insert(_schema).prefix_with("OR IGNORE").values(version=SCHEMA_VERSION)


def _row(request: ModelRequest, reply: Reply, caller: Caller) -> dict[str, Any]:
    return {
        "key": call_key(request),
        "state": reply.status,
        "provider": request.model.provider,
        "model": request.model.model,
        "base_url": request.model.base_url,
        "request": _pack(canonical_request(request)),
        "reply": _pack(json.dumps(asdict(reply), ensure_ascii=False)),
        "input_tokens": reply.input_tokens,
        "thinking_tokens": reply.thinking_tokens,
        "answer_tokens": reply.answer_tokens,
        "price_usd": reply.price_usd,
        "asset": caller.asset,
        "partition": caller.partition,
        "run_id": caller.run_id,
        "answered_at": datetime.now(UTC),
    }


def _pack(text: str) -> bytes:
    """Compressed, half characters (lone surrogates) too: a reply that holds one is paid like any other."""
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 1)


def _unpack_reply(packed: bytes) -> Reply:
    values: Mapping[str, Any] = json.loads(zlib.decompress(packed).decode("utf-8", "surrogatepass"))
    return Reply(**values)
