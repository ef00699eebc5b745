"""Answers by the key of their request: every call to a model is kept, and paid once.

Shared by all assets, partitions, runs and processes. No API key is ever stored.
"""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from s1_assets.adapters.llm.ledger.schema import KEYS_PER_QUERY, Database, calls, claims, spent
from s1_assets.records.models import Caller, ModelRequest, Reply

SHORT = 1_000
"""Bytes below which compressing costs more than it saves."""
_encode = json.JSONEncoder(ensure_ascii=False).encode
_REPLY_FIELDS = tuple(field.name for field in fields(Reply))


@dataclass(frozen=True, slots=True)
class Receipt:
    """A reply on its way into the ledger, and how it was obtained."""

    key: str
    text: str
    """The request in the words of `domain.calls`, of which the key is made."""
    request: ModelRequest
    reply: Reply
    attempts: int = 1
    maybe_billed: int = 0
    """Tries that we gave up on, whose work the vendor may have done and charged."""
    seconds: float = 0.0
    """Of the try that answered."""
    key_fingerprint: str | None = None
    origin: str | None = None
    """Of an imported answer: where it was read."""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A call as the ledger remembers it, for people."""

    key: str
    state: str
    model: str
    request: Mapping[str, Any]
    reply: Reply
    price_usd: float | None
    attempts: int | None
    maybe_billed: int | None
    seconds: float | None
    asset: str
    partition: str
    run_id: str
    answered_at: datetime | None
    key_fingerprint: str | None
    origin: str | None


@dataclass(frozen=True, slots=True)
class Spending:
    """Calls of one asset to one model, summed."""

    asset: str
    model: str
    calls: int
    failed: int
    input_tokens: int
    thinking_tokens: int
    answer_tokens: int
    price_usd: float | None
    """None if the price of any call is unknown."""

    @property
    def output_tokens(self) -> int:
        return self.thinking_tokens + self.answer_tokens


class Ledger:
    """Answers by the key of their request."""

    def __init__(self, url: str) -> None:
        """Open, and create on first use.

        Args:
            url: `sqlite:///path`, relative paths from the working directory, or `postgresql+psycopg://...`.

        Raises:
            StorageError: If the database cannot be opened; the message names the URL without its password.
        """
        self.database = Database(url)
        insert = self.database.insert(calls)
        replaced = {name: insert.excluded[name] for name in _COLUMNS if name != "key"}
        self._upsert = self.database.prepared(
            insert.on_conflict_do_update(
                index_elements=["key"], set_=replaced, where=calls.c.state == sa.literal_column("'failed'")
            ),
            _COLUMNS,
        )
        self._lift = self.database.prepared(sa.delete(claims).where(claims.c.key == sa.bindparam("key")), ["key"])

    def find(self, keys: Sequence[str], retry_failed: bool = False) -> dict[str, Reply]:
        """The replies on record among `keys`; with `retry_failed`, calls that failed count as never made."""
        found: dict[str, Reply] = {}
        with self.database.reading() as connection:
            for start in range(0, len(keys), KEYS_PER_QUERY):
                query = _answered(keys[start : start + KEYS_PER_QUERY], retry_failed, calls.c.key, calls.c.reply)
                found.update((key, unpack_reply(packed)) for key, packed in connection.execute(query))
        return found

    def known(self, keys: Sequence[str], retry_failed: bool = False) -> set[str]:
        """Which of `keys` have a reply on record; cheaper than `find`."""
        found: set[str] = set()
        with self.database.reading() as connection:
            for start in range(0, len(keys), KEYS_PER_QUERY):
                query = _answered(keys[start : start + KEYS_PER_QUERY], retry_failed, calls.c.key)
                found.update(connection.execute(query).scalars())
        return found

    def record(self, receipts: Sequence[Receipt], caller: Caller) -> set[str]:
        """Commit replies as one group; when it returns they are on disk, and their claims are lifted.

        A call that failed stands as such until it is asked again; an answer on record is never replaced.

        Returns:
            Keys of answers that another run had recorded first: those stand, and ours was paid a second time.
        """
        if not receipts:
            return set()
        receipts = sorted(receipts, key=lambda receipt: receipt.key)  # in one order for all processes: no deadlocks
        now = self.database.moment(datetime.now(UTC))
        rows = [_row(receipt, caller, now) for receipt in receipts]
        keys = [receipt.key for receipt in receipts]
        costs = sum(receipt.reply.price_usd or 0.0 for receipt in receipts)
        with self.database.writing() as connection:
            recorded = self._upsert(connection, rows)
            self._lift(connection, [(key,) for key in keys])
            if costs:
                add_spent(self.database, connection, caller.budget, costs)
            if recorded == len(rows):
                return set()
            by_others = sa.select(calls.c.key).where(calls.c.key.in_(keys), calls.c.run_id != caller.run_id)
            return set(connection.execute(by_others).scalars())

    def entry(self, key: str) -> LedgerEntry | None:
        """The call of that key as a person would want it told."""
        with self.database.reading() as connection:
            row = connection.execute(sa.select(calls).where(calls.c.key == key, calls.c.reply.is_not(None))).first()
        return None if row is None else _entry(row)

    def entries(self, provider: str | None = None, model: str | None = None) -> Iterator[LedgerEntry]:
        """All calls on record in the order of their keys, in bounded memory."""
        after = ""
        while True:
            query = sa.select(calls).where(calls.c.key > after, calls.c.reply.is_not(None))
            query = query if provider is None else query.where(calls.c.provider == provider)
            query = query if model is None else query.where(calls.c.model == model)
            with self.database.reading() as connection:
                rows = connection.execute(query.order_by(calls.c.key).limit(KEYS_PER_QUERY)).all()
            if not rows:
                return
            yield from map(_entry, rows)
            after = rows[-1].key

    def count(self) -> int:
        """Calls on record."""
        with self.database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(calls)).scalar_one())

    def spending(self, budget: str | None = None) -> list[Spending]:
        """What was spent, by the asset that asked first and by model; of one budget or ever."""
        unpriced = sa.func.sum(sa.case((calls.c.price_usd.is_(None), 1), else_=0))
        failed = sa.func.sum(sa.case((calls.c.state == "failed", 1), else_=0))
        tokens = [sa.func.sum(calls.c[f"{kind}_tokens"]) for kind in ("input", "thinking", "answer")]
        by = (calls.c.asset, calls.c.provider, calls.c.model)
        query = sa.select(*by, sa.func.count(), failed, *tokens, sa.func.sum(calls.c.price_usd), unpriced)
        query = query if budget is None else query.where(calls.c.budget == budget)
        with self.database.reading() as connection:
            rows = connection.execute(query.group_by(*by).order_by(*by)).all()
        return [
            Spending(
                asset,
                f"{provider}:{model}",
                count,
                int(lost),
                int(tokens_in),
                int(thinking),
                int(answer),
                None if unknown else float(price),
            )
            for asset, provider, model, count, lost, tokens_in, thinking, answer, price, unknown in rows
        ]

    def forget_failed(self) -> int:
        """Drop calls that failed, so that the next run asks them again; how many they were."""
        with self.database.writing() as connection:
            return int(connection.execute(sa.delete(calls).where(calls.c.state == "failed")).rowcount)

    def close(self) -> None:
        self.database.close()


def add_spent(database: Database, connection: sa.Connection, budget: str, usd: float) -> None:
    """Add to what was spent of a budget, in the caller's transaction."""
    insert = database.insert(spent).values(budget=budget, usd=usd)
    connection.execute(insert.on_conflict_do_update(index_elements=["budget"], set_={"usd": spent.c.usd + usd}))


def _answered(keys: Sequence[str], retry_failed: bool, *columns: Any) -> Any:
    query = sa.select(*columns).where(calls.c.key.in_(keys), calls.c.reply.is_not(None))
    return query.where(calls.c.state != "failed") if retry_failed else query


_COLUMNS = (
    "key", "state", "provider", "model", "base_url", "request", "reply", "finish_reason", "served_model",
    "thinking_kind", "input_tokens", "cached_tokens", "thinking_tokens", "answer_tokens", "price_usd", "attempts",
    "maybe_billed", "seconds", "key_fingerprint", "budget", "origin", "asset", "partition", "run_id", "answered_at",
)  # fmt: skip
"""Of a recorded call, in the order of `_row`."""


def _row(receipt: Receipt, caller: Caller, now: Any) -> tuple[Any, ...]:
    request, reply = receipt.request, receipt.reply
    model = request.model
    return (
        receipt.key, reply.status, model.provider, model.model, model.base_url, pack(receipt.text),
        pack(_encode({name: getattr(reply, name) for name in _REPLY_FIELDS})), reply.finish_reason, reply.served_model,
        reply.thinking_kind, reply.input_tokens, reply.cached_tokens, reply.thinking_tokens, reply.answer_tokens,
        reply.price_usd, receipt.attempts, receipt.maybe_billed, round(receipt.seconds, 3), receipt.key_fingerprint,
        caller.budget, receipt.origin, caller.asset, caller.partition, caller.run_id, now,
    )  # fmt: skip


def _entry(row: Any) -> LedgerEntry:
    return LedgerEntry(
        key=row.key,
        state=row.state,
        model=f"{row.provider}:{row.model}" + (f"@{row.base_url}" if row.base_url else ""),
        request=json.loads(unpack(row.request)),
        reply=unpack_reply(row.reply),
        price_usd=row.price_usd,
        attempts=row.attempts,
        maybe_billed=row.maybe_billed,
        seconds=row.seconds,
        asset=row.asset,
        partition=row.partition,
        run_id=row.run_id,
        answered_at=row.answered_at,
        key_fingerprint=row.key_fingerprint,
        origin=row.origin,
    )


def pack(text: str) -> bytes:
    """A JSON object, compressed where that gains anything.

    Half characters (lone surrogates) are kept: a reply that holds one is paid like any other.
    """
    plain = text.encode("utf-8", "surrogatepass")
    return plain if len(plain) < SHORT else zlib.compress(plain, 1)


def unpack(packed: bytes) -> str:
    plain = packed if packed.startswith(b"{") else zlib.decompress(packed)
    return plain.decode("utf-8", "surrogatepass")


def unpack_reply(packed: bytes) -> Reply:
    values: Mapping[str, Any] = json.loads(unpack(packed))
    return Reply(**values)
