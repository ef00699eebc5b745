from collections.abc import Callable

import pytest
import sqlalchemy as sa

from s1_assets.adapters.llm.ledger import SCHEMA_VERSION, Ledger
from s1_assets.domain.calls import call_key
from s1_assets.errors import StorageError
from s1_assets.records.models import Caller, Reply
from s1_assets_tests.adapters.llm.conftest import Opened
from s1_assets_tests.records import request

CALLER = Caller("raw_traces", "mine", "run-1")
REPLY = Reply(
    "truncated", "out_of_steps", "th\u0000ink\n∀", "ans", "raw", "length", "served", 3, 4, 5, "usage", price_usd=0.25
)


def test_a_reply_survives_with_every_field(opened: Opened) -> None:
    opened().record([(request("a"), REPLY)], CALLER)
    assert opened().find([call_key(request("a")), "0" * 40]) == {call_key(request("a")): REPLY}


def test_a_key_on_record_keeps_its_first_reply(opened: Opened) -> None:
    ledger = opened()
    ledger.record([(request("a"), REPLY)], CALLER)
    ledger.record([(request("a"), Reply("ok", answer="another")), (request("b"), Reply("ok"))], Caller("other"))
    assert ledger.find([call_key(request("a"))])[call_key(request("a"))] == REPLY
    assert ledger.count() == 2


def test_one_key_twice_in_a_group_is_one_row(opened: Opened) -> None:
    ledger = opened()
    ledger.record([(request("a"), REPLY), (request("a"), REPLY)], CALLER)
    assert ledger.count() == 1


def test_thousands_of_keys_are_looked_up_at_once(opened: Opened) -> None:
    ledger = opened()
    requests = [request(f"q{number}") for number in range(1_201)]
    ledger.record([(one, Reply("ok", answer=one.messages[0].content)) for one in requests[::2]], CALLER)
    found = ledger.find([call_key(one) for one in requests])
    assert {call_key(one) for one in requests[::2]} == set(found)
    assert found[call_key(requests[600])].answer == "q600"
    assert ledger.find([]) == {}


def test_nothing_to_record_is_no_fault(opened: Opened) -> None:
    ledger = opened()
    ledger.record([], CALLER)
    assert ledger.count() == 0


def test_an_entry_tells_who_asked_what_it_cost_and_when(opened: Opened) -> None:
    ledger = opened()
    ledger.record([(request("a"), REPLY)], CALLER)
    entry = ledger.entry(call_key(request("a")))
    assert entry is not None
    assert (entry.state, entry.model, entry.price_usd) == ("truncated", "solver:teacher-v1", 0.25)
    assert (entry.asset, entry.partition, entry.run_id) == ("raw_traces", "mine", "run-1")
    assert entry.answered_at is not None
    assert ledger.entry("0" * 40) is None


def test_spending_adds_up_by_asset_and_model_and_an_unknown_price_stays_unknown(opened: Opened) -> None:
    ledger = opened()
    ledger.record([(request("a"), REPLY), (request("b"), REPLY)], CALLER)
    others = [request("c", model="other"), request("d", model="other")]
    ledger.record(zip(others, [Reply("ok", price_usd=1.0), Reply("ok")], strict=True), CALLER)
    ledger.record([(request("e"), Reply("ok", price_usd=0.0))], Caller("a_first"))
    told = [(s.asset, s.model, s.calls, s.input_tokens, s.output_tokens, s.price_usd) for s in ledger.spending()]
    assert told == [
        ("a_first", "solver:teacher-v1", 1, 0, 0, 0.0),
        ("raw_traces", "solver:other", 2, 0, 0, None),
        ("raw_traces", "solver:teacher-v1", 2, 6, 18, 0.5),
    ]


def test_half_a_character_in_a_reply_does_not_lose_it(opened: Opened) -> None:
    ledger = opened()
    reply = Reply("ok", thinking="half \ud83d", answer="5")
    ledger.record([(request("a \udc00"), reply)], CALLER)
    assert ledger.find([call_key(request("a \udc00"))]) == {call_key(request("a \udc00")): reply}


def test_a_newer_schema_is_refused_and_left_alone(opened: Opened, ledger_url: str) -> None:
    opened().record([(request("a"), REPLY)], CALLER)
    _change(ledger_url, f"UPDATE ledger_schema SET version = {SCHEMA_VERSION + 1}")
    message = rf"schema {SCHEMA_VERSION + 1}, known here: {SCHEMA_VERSION}\); upgrade"
    with pytest.raises(StorageError, match=message) as told:
        Ledger(ledger_url)
    assert "not-for-messages" not in str(told.value)
    _change(ledger_url, f"UPDATE ledger_schema SET version = {SCHEMA_VERSION}")
    assert opened().count() == 1


def test_a_broken_table_is_a_storage_error(opened: Opened, ledger_url: str) -> None:
    ledger = opened()
    _change(ledger_url, "DROP TABLE calls")
    calls: list[Callable[[], object]] = [
        ledger.count, ledger.spending, lambda: ledger.find(["0" * 40]), lambda: ledger.entry("0" * 40),
        lambda: ledger.record([(request("a"), REPLY)], CALLER),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(StorageError, match="S1_LEDGER says where it is") as told:
            call()
        assert "not-for-messages" not in str(told.value)
        assert told.value.__cause__ is not None


def _change(url: str, statement: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()
