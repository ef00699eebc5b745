"""What processes on one ledger divide among them: the rate and the slots of each gate, and the money of a budget.

A gate is an endpoint, a model and a group of keys. Times are seconds since 1970 by this machine's clock; processes on
several machines need clocks that agree to a fraction of a second.
"""

import time
from typing import Any

import sqlalchemy as sa

from s1_assets.adapters.llm.ledger.presence import Presence
from s1_assets.adapters.llm.ledger.schema import Database, rates, reservations, slots, spent
from s1_assets.adapters.llm.ledger.store import add_spent
from s1_assets.adapters.llm.rates import Balance, Learned, Permits, Rate


class Shares:
    """One process's access to what is divided."""

    def __init__(self, database: Database, presence: Presence) -> None:
        self._database, self._presence = database, presence

    def permit(self, gate: str, rate: Rate, want: int, tokens_each: float, ahead_s: float, day: str) -> Permits:
        """Reserve the next sending times of a gate, at most `want` and at most `ahead_s` into the future.

        Sending times are evenly spaced, so that no bucket of the provider's, however small, runs over.

        Args:
            tokens_each: Tokens that a request is expected to use.
            day: The provider's present day, by which requests per day are counted.
        """
        now = time.time()
        with self._database.writing() as connection:
            row = self._row(connection, gate)
            earliest = max(now, row.paused_until)
            start = max(earliest, row.next_at, row.tokens_next_at)
            of_requests = 1 / rate.per_second if rate.per_second else 0.0
            of_tokens = tokens_each / rate.tokens_per_second if rate.tokens_per_second else 0.0
            interval = max(of_requests, of_tokens)
            count = min(want, 1 + int((now + ahead_s - start) / interval)) if interval else want
            count = max(count, 0) if start <= now + ahead_s else 0
            sent_today = row.sent_today if row.day == day else 0
            if rate.per_day is not None:
                count = min(count, max(0, rate.per_day - sent_today))
            changed = {
                "next_at": max(row.next_at, earliest) + count * of_requests,
                "tokens_next_at": max(row.tokens_next_at, earliest) + count * of_tokens,
                "day": day,
                "sent_today": sent_today + count,
            }
            if count:
                connection.execute(sa.update(rates).where(rates.c.gate == gate).values(**changed))
            out_for_today = rate.per_day is not None and sent_today >= rate.per_day
        return Permits(start, count, interval, out_for_today)

    def settle_tokens(self, gate: str, rate: Rate, more: float) -> None:
        """Tokens that were used beyond (or, negative, below) what was expected when they were permitted."""
        if not rate.tokens_per_second or not more:
            return
        later = rates.c.tokens_next_at + more / rate.tokens_per_second
        with self._database.writing() as connection:
            connection.execute(sa.update(rates).where(rates.c.gate == gate).values(tokens_next_at=later))

    def pause(self, gate: str, until: float) -> None:
        """Nobody sends through the gate before that time."""
        with self._database.writing() as connection:
            self._row(connection, gate)
            shorter = (rates.c.gate == gate) & (rates.c.paused_until < until)
            connection.execute(sa.update(rates).where(shorter).values(paused_until=until))

    def teach(self, gate: str, per_second: float | None) -> None:
        """Tell the other processes what rate this one has found."""
        with self._database.writing() as connection:
            self._row(connection, gate)
            found = {"per_second": per_second, "learned_at": time.time()}
            connection.execute(sa.update(rates).where(rates.c.gate == gate).values(**found))

    def learned(self, gate: str) -> Learned:
        with self._database.reading() as connection:
            row = connection.execute(sa.select(rates).where(rates.c.gate == gate)).first()
        return Learned(None, 0.0, 0.0) if row is None else Learned(row.per_second, row.learned_at, row.paused_until)

    def slots(self, gate: str, limit: int, wanted: int, at_least: int) -> int:
        """How many requests this process may have under way through the gate from now on.

        Where more are wanted than there are, each process gets a fair part; one that has more than its part gives back
        what it does not need for the requests already under way (`at_least`), and the others get it when it is free.
        """
        with self._database.writing() as connection:
            self._row(connection, gate)  # on PostgreSQL its lock lets one process divide at a time
            gone = self._presence.gone(connection)
            rows = connection.execute(sa.select(slots).where(slots.c.gate == gate)).all()
            others = {row.engine: row for row in rows if row.engine != self._presence.id and row.engine not in gone}
            free = max(0, limit - sum(row.held for row in others.values()))
            part = fair_part(limit, wanted, [row.wanted for row in others.values()])
            part += min(wanted - part, 1, _left_over(limit, part, wanted, list(others.values())))
            held: int = min(max(part, at_least, min(wanted, 1)), free)  # else a part of less than one would stop all
            mine = {"gate": gate, "engine": self._presence.id, "held": held, "wanted": wanted}
            insert = self._database.insert(slots).values(**mine)
            connection.execute(
                insert.on_conflict_do_update(index_elements=["gate", "engine"], set_={"held": held, "wanted": wanted})
            )
        return held

    def reserve(self, budget: str, cap_usd: float, usd: float) -> Balance:
        """Set money of a budget aside for calls about to be made: all of `usd` or nothing."""
        with self._database.writing() as connection:
            self._row(connection, f"budget:{budget}"[:64])  # on PostgreSQL its lock lets one process reserve at a time
            total = connection.execute(sa.select(spent.c.usd).where(spent.c.budget == budget)).scalar() or 0.0
            gone = self._presence.gone(connection)
            rows = connection.execute(sa.select(reservations).where(reservations.c.budget == budget)).all()
            aside = sum(row.usd for row in rows if row.engine not in gone)
            granted = total + aside + usd <= cap_usd
            if granted:
                self._add_reserved(connection, budget, usd)
        return Balance(granted, total, aside)

    def give_back(self, budget: str, usd: float) -> None:
        """Money that was set aside and is not needed: the call was made and its price recorded, or was not made."""
        with self._database.writing() as connection:
            self._add_reserved(connection, budget, -usd)

    def charge(self, budget: str, usd: float) -> None:
        """Turn money that was set aside into money spent, though no reply tells of it."""
        with self._database.writing() as connection:
            add_spent(self._database, connection, budget, usd)
            self._add_reserved(connection, budget, -usd)

    def spent(self, budget: str) -> float:
        """US dollars recorded against a budget."""
        with self._database.reading() as connection:
            return float(connection.execute(sa.select(spent.c.usd).where(spent.c.budget == budget)).scalar() or 0.0)

    def _add_reserved(self, connection: sa.Connection, budget: str, usd: float) -> None:
        insert = self._database.insert(reservations).values(budget=budget, engine=self._presence.id, usd=max(usd, 0.0))
        left = reservations.c.usd + usd
        changed = {"usd": sa.case((left > 0, left), else_=0.0)}  # it may have been taken from us as from the dead
        connection.execute(insert.on_conflict_do_update(index_elements=["budget", "engine"], set_=changed))

    def _row(self, connection: sa.Connection, gate: str) -> sa.Row[tuple[object, ...]]:
        """The gate's row, made if it is not there, and nobody else's until the transaction ends."""
        query = sa.select(rates).where(rates.c.gate == gate).with_for_update()
        row = connection.execute(query).first()
        if row is None:
            insert = self._database.insert(rates).values(gate=gate).on_conflict_do_nothing(index_elements=["gate"])
            connection.execute(insert)
            row = connection.execute(query).one()
        return row


def _left_over(limit: int, part: int, wanted: int, others: list[Any]) -> int:
    """Slots that equal parts leave to nobody: whoever asks first has one more."""
    wants = [row.wanted for row in others]
    theirs = [
        max(row.held, fair_part(limit, row.wanted, [*wants[:index], *wants[index + 1 :], wanted]))
        for index, row in enumerate(others)
    ]
    return max(0, limit - part - int(sum(theirs)))


def fair_part(limit: int, wanted: int, others_wanted: list[int]) -> int:
    """Of `limit` slots the part of one process: what small ones do not need goes to those that want more.

    >>> fair_part(10, 8, [8])
    5
    >>> fair_part(10, 8, [3])
    7
    >>> fair_part(10, 2, [8, 8])
    2
    """
    left, waiting = limit, sorted([(want, True) for want in others_wanted] + [(wanted, False)])
    for position, (want, others) in enumerate(waiting):  # of equals ours comes first: what is left over is nobody's
        part = min(want, left // (len(waiting) - position))
        if not others:
            return part
        left -= part
    return 0
