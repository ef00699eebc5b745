"""Looking at a ledger without changing it: who is at work, and what was spent."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from s1_assets.adapters.llm.ledger.presence import Presence
from s1_assets.adapters.llm.ledger.schema import calls, engines, slots
from s1_assets.adapters.llm.ledger.store import Ledger


def spent_since(ledger: Ledger, since: datetime | None) -> float | None:
    """US dollars of calls answered since a moment, or ever; None where a price is unknown."""
    unknown = sa.func.sum(sa.case((calls.c.price_usd.is_(None), 1), else_=0))
    query = sa.select(sa.func.sum(calls.c.price_usd), unknown)
    if since is not None:
        query = query.where(calls.c.answered_at >= since)
    with ledger.database.reading() as connection:
        usd, unpriced = connection.execute(query).one()
    return None if unpriced else float(usd or 0.0)


def at_work(ledger: Ledger) -> list[dict[str, Any]]:
    """Processes that ask remote models now, with the gates they ask through and their slots."""
    query = sa.select(
        engines.c.id, engines.c.host, engines.c.pid, slots.c.gate, slots.c.held, slots.c.wanted
    ).join_from(engines, slots, engines.c.id == slots.c.engine)
    with ledger.database.reading() as connection:
        gone = Presence(ledger.database).gone(connection)
        rows = connection.execute(query.order_by(slots.c.gate, engines.c.pid)).all()
    return [
        {"host": row.host, "pid": row.pid, "gate": row.gate, "held": row.held, "wanted": row.wanted}
        for row in rows
        if row.id not in gone
    ]
