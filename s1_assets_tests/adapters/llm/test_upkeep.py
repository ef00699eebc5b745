"""Looking after a ledger, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from s1_assets.adapters.llm.ledger.presence import Presence
from s1_assets.adapters.llm.ledger.schema import calls, claims, engines, rates
from s1_assets.adapters.llm.ledger.upkeep import answered_at, checked, drop_leftovers, size_bytes, tallies
from s1_assets.domain.calls import call_key
from s1_assets.records.models import Reply
from s1_assets_tests.adapters.llm.conftest import CALLER, Opened, receipt
from s1_assets_tests.records import request

REPLY = Reply("ok", thinking="a", answer="b", input_tokens=3, thinking_tokens=4, answer_tokens=5, price_usd=0.25)


def test_calls_are_summed_by_asset_model_and_end_and_an_unknown_price_stays_one(opened: Opened) -> None:
    ledger = opened()
    unpriced = replace(REPLY, price_usd=None)
    failed = Reply("failed", "HTTP 400", price_usd=0.0)
    receipts = [receipt(request(text), reply) for text, reply in (("a", REPLY), ("b", unpriced), ("c", failed))]
    ledger.record(receipts, CALLER)
    told = {tally.state: tally for tally in tallies(ledger)}
    assert (told["ok"].calls, told["ok"].usd, told["ok"].unpriced, told["failed"].unpriced) == (2, 0.25, 1, 0)
    assert (told["ok"].input_tokens, told["ok"].thinking_tokens, told["ok"].answer_tokens) == (6, 8, 10)
    assert [fault for _, fault in checked(ledger)] == [None, None, None]
    assert (size_bytes(ledger) is None) == (ledger.database.dialect != "sqlite")
    moment = answered_at(ledger, [call_key(request("a")), "nosuch"])[call_key(request("a"))]
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)


def test_a_reply_that_was_changed_does_not_fit_its_columns(opened: Opened) -> None:
    ledger = opened()
    ledger.record([receipt(request(text), REPLY) for text in "ab"], CALLER)
    with ledger.database.writing() as connection:
        wanted = calls.c.key == call_key(request("a"))
        connection.execute(sa.update(calls).where(wanted).values(state="refused"))
        wanted = calls.c.key == call_key(request("b"))
        connection.execute(sa.update(calls).where(wanted).values(key="0" * 40))
    faults = dict(checked(ledger))
    assert faults["0" * 40] == "its request is not the one that the key was made of"
    assert faults[call_key(request("a"))] == "its state is 'refused', its reply says 'ok'"


def test_only_what_nobody_holds_or_uses_is_dropped(opened: Opened) -> None:
    ledger = opened()
    ledger.record([receipt(request("a"), REPLY), receipt(request("b"), Reply("failed", "lost"))], CALLER)
    here, gone = Presence(ledger.database), Presence(ledger.database)
    for presence in (here, gone):
        presence.enter()
    here.claim(["mine"])
    gone.claim(["theirs", "theirs too"])
    with ledger.database.writing() as connection:
        connection.execute(sa.update(engines).where(engines.c.id == gone.id).values(started="another process"))
        connection.execute(sa.insert(claims).values(key="nobody's", engine="never entered"))
        connection.execute(sa.insert(rates).values(gate="old", next_at=1.0))
        connection.execute(sa.insert(rates).values(gate="new", next_at=datetime.now(UTC).timestamp()))
    dropped = drop_leftovers(ledger)
    assert (dropped.failed, dropped.processes, dropped.claims, dropped.rates) == (0, 1, 3, 1)
    assert drop_leftovers(ledger, failed=True).failed == 1
    with ledger.database.reading() as connection:
        assert connection.execute(sa.select(claims.c.key)).scalars().all() == ["mine"]
        assert connection.execute(sa.select(rates.c.gate)).scalars().all() == ["new"]
    assert ledger.count() == 1
