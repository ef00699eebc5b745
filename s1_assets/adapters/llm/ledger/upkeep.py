"""Looking after a ledger: what it holds, whether every row is sound, and what processes that are gone left behind.

An answer is never dropped here.
"""

import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from s1_assets.adapters.llm.ledger.presence import Presence
from s1_assets.adapters.llm.ledger.schema import KEYS_PER_QUERY, calls, claims, engines, rates, reservations, slots
from s1_assets.adapters.llm.ledger.store import Ledger, unpack, unpack_reply
from s1_assets.domain.calls import text_key

OLD_S = 7 * 86_400
"""A gate that nobody used for so long has nothing left to tell: what was learned of it is stale long before."""
_REPEATED = ("input_tokens", "thinking_tokens", "answer_tokens", "price_usd")
"""Columns that repeat what the reply says, so that it can be summed."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Calls of one asset to one model that ended alike, summed."""

    asset: str
    model: str
    state: str
    calls: int
    input_tokens: int
    cached_tokens: int
    thinking_tokens: int
    answer_tokens: int
    usd: float
    """Of the calls whose price is known."""
    unpriced: int
    """Calls whose price is unknown."""
    maybe_billed: int
    """Tries given up on, whose work the vendor may have done and charged."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was dropped, by kind."""

    failed: int
    processes: int
    claims: int
    slots: int
    reservations: int
    rates: int


def tallies(ledger: Ledger) -> list[Tally]:
    """Every call on record, by asset, model and how it ended."""
    by = (calls.c.asset, calls.c.provider, calls.c.model, calls.c.state)
    sums = [
        sa.func.coalesce(sa.func.sum(calls.c[name]), 0)
        for name in ("input_tokens", "cached_tokens", "thinking_tokens", "answer_tokens", "price_usd", "maybe_billed")
    ]
    unpriced = sa.func.sum(sa.case((calls.c.price_usd.is_(None), 1), else_=0))
    query = sa.select(*by, sa.func.count(), unpriced, *sums).group_by(*by).order_by(*by)
    with ledger.database.reading() as connection:
        rows = connection.execute(query).all()
    return [
        Tally(
            asset, f"{provider}:{model}", state, count,
            int(came), int(cached), int(thought), int(answered), float(usd), int(unknown), int(billed),
        )
        for asset, provider, model, state, count, unknown, came, cached, thought, answered, usd, billed in rows
    ]  # fmt: skip


def size_bytes(ledger: Ledger) -> int | None:
    """What the database takes on disk, what is not merged yet included; None where it is no file."""
    name = ledger.database.url.database
    if ledger.database.dialect != "sqlite" or not name or name == ":memory:":
        return None
    files = (Path(name + ending) for ending in ("", "-wal"))
    return sum(file.stat().st_size for file in files if file.is_file())


def checked(ledger: Ledger) -> Iterator[tuple[str, str | None]]:
    """The key of every row with what is wrong with it, or None; in bounded memory."""
    after = ""
    # Cast, so that a text which somebody put in place of the bytes is read too, and told.
    packed = [sa.cast(calls.c[name], sa.LargeBinary).label(name) for name in ("request", "reply")]
    columns = [*packed, *(calls.c[name] for name in ("key", "state", *_REPEATED))]
    while True:
        query = sa.select(*columns).where(calls.c.key > after).order_by(calls.c.key).limit(KEYS_PER_QUERY)
        with ledger.database.reading() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return
        yield from ((row.key, _fault_of(row)) for row in rows)
        after = rows[-1].key


def answered_at(ledger: Ledger, keys: Sequence[str]) -> dict[str, datetime]:
    """When the calls of these keys were recorded, in UTC."""
    found: dict[str, datetime] = {}
    with ledger.database.reading() as connection:
        for start in range(0, len(keys), KEYS_PER_QUERY):
            wanted = calls.c.key.in_(keys[start : start + KEYS_PER_QUERY])
            for key, moment in connection.execute(sa.select(calls.c.key, calls.c.answered_at).where(wanted)):
                if moment is not None:
                    found[key] = in_utc(moment)
    return found


def in_utc(moment: datetime) -> datetime:
    """A time as the database gave it; SQLite's have no zone and are UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def drop_leftovers(ledger: Ledger, failed: bool = False) -> Dropped:
    """Drop what processes that are gone held, and gates that nobody used for `OLD_S`.

    Args:
        failed: Drop calls that failed too, so that they are asked again.
    """
    lost = ledger.forget_failed() if failed else 0
    presence, before = Presence(ledger.database), time.time() - OLD_S
    with ledger.database.writing() as connection:
        gone = presence.gone(connection)
        _delete(connection, engines, engines.c.id.in_(gone))
        at_work = sa.select(engines.c.id)
        unused = [rates.c[name] < before for name in ("next_at", "tokens_next_at", "paused_until", "learned_at")]
        return Dropped(
            failed=lost,
            processes=len(gone),
            claims=_delete(connection, claims, claims.c.engine.not_in(at_work)),
            slots=_delete(connection, slots, slots.c.engine.not_in(at_work)),
            reservations=_delete(connection, reservations, reservations.c.engine.not_in(at_work)),
            rates=_delete(connection, rates, sa.and_(*unused, rates.c.gate.not_in(sa.select(slots.c.gate)))),
        )


def _delete(connection: sa.Connection, table: sa.Table, condition: Any) -> int:
    return int(connection.execute(sa.delete(table).where(condition)).rowcount)


def _fault_of(row: Any) -> str | None:
    """What is wrong with a row; None where its key, its request and its reply belong together."""
    try:
        key = text_key(unpack(row.request))
    except (zlib.error, ValueError) as error:
        return f"its request cannot be unpacked: {error}"
    if key != row.key:
        return "its request is not the one that the key was made of"
    if row.reply is None:
        return None
    try:
        reply = unpack_reply(row.reply)
    except (zlib.error, ValueError, TypeError) as error:
        return f"its reply cannot be unpacked: {error}"
    if reply.status != row.state:
        return f"its state is {row.state!r}, its reply says {reply.status!r}"
    for name in _REPEATED:
        if getattr(reply, name) != getattr(row, name):
            return f"its {name} is {getattr(row, name)!r}, its reply says {getattr(reply, name)!r}"
    return None
