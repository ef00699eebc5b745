import json
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from s1_assets.adapters.llm.ledger import Ledger
from s1_assets.adapters.llm.ledger.presence import Presence
from s1_assets.adapters.llm.ledger.schema import SCHEMA_VERSION, metadata
from s1_assets.adapters.llm.ledger.shares import Shares
from s1_assets.domain.calls import call_key
from s1_assets.errors import StorageError
from s1_assets.records.models import Caller, ModelRequest, Reply
from s1_assets_tests.adapters.llm.conftest import CALLER, Opened, receipt
from s1_assets_tests.records import request

REPLY = Reply(
    "truncated", "out_of_steps", "th\u0000ink\n∀", "ans", "raw", "length", "served", 3, 2, 4, 5, "usage", price_usd=0.25
)
FAILED = Reply("failed", "HTTP 400: too long")

OLD_KEY = "15df687bd358aa1b005f0722c99e295c305f16ec"
"""Of `request("a")` as version 1 made it; with its tables, an example of what it wrote."""
BLOB, TIME = {"sqlite": "BLOB", "postgresql": "BYTEA"}, {"sqlite": "DATETIME", "postgresql": "TIMESTAMP WITH TIME ZONE"}
OLD_TABLES = (
    "CREATE TABLE ledger_schema (version INTEGER NOT NULL, PRIMARY KEY (version))",
    """CREATE TABLE calls (
        key VARCHAR(40) NOT NULL, state VARCHAR(16) NOT NULL, provider VARCHAR(32) NOT NULL, model TEXT NOT NULL,
        base_url TEXT, request {blob} NOT NULL, reply {blob}, input_tokens BIGINT NOT NULL,
        thinking_tokens BIGINT NOT NULL, answer_tokens BIGINT NOT NULL, price_usd FLOAT, asset VARCHAR(64) NOT NULL,
        partition VARCHAR(128) NOT NULL, run_id VARCHAR(64) NOT NULL, answered_at {time}, batch_id TEXT, item_id TEXT,
        PRIMARY KEY (key))""",
    "CREATE INDEX calls_by_asset ON calls (asset, partition)",
    "INSERT INTO ledger_schema VALUES (1)",
)
OLD_REQUEST = {
    "base_url": None, "messages": [["user", "a"]], "model": "teacher-v1", "provider": "solver", "sample_index": 0,
    "sampling": {"max_output_tokens": None, "seed": None, "temperature": None, "top_k": None, "top_p": None},
    "thinking": {},
}  # fmt: skip
OLD_REPLY = {
    "status": "truncated", "reason": "out_of_steps", "thinking": "th\u0000ink\n∀", "answer": "half \ud83d",
    "thinking_kind": "raw", "finish_reason": "length", "served_model": "served", "input_tokens": 3,
    "thinking_tokens": 4, "answer_tokens": 5, "token_counter": "usage", "price_usd": 0.25,
}  # fmt: skip
OLD_ROW = {
    "key": OLD_KEY, "state": "truncated", "provider": "solver", "model": "teacher-v1", "input_tokens": 3,
    "thinking_tokens": 4, "answer_tokens": 5, "price_usd": 0.25, "asset": "raw_traces", "partition": "mine",
    "run_id": "run-0", "answered_at": "2026-01-02 03:04:05.000006",
}  # fmt: skip


def keys(*requests: ModelRequest) -> list[str]:
    return [call_key(one) for one in requests]


def test_a_reply_survives_with_every_field(opened: Opened) -> None:
    opened().record([receipt(request("a"), REPLY)], CALLER)
    assert opened().find([call_key(request("a")), "0" * 40]) == {call_key(request("a")): REPLY}


def test_a_long_reply_survives_too_and_takes_less_room_than_its_text(opened: Opened, ledger_url: str) -> None:
    long = replace(REPLY, thinking="so be it, then, " * 10_000)
    opened().record([receipt(request("a"), long)], CALLER)
    assert opened().find(keys(request("a"))) == {call_key(request("a")): long}
    (stored,) = _rows(ledger_url, "SELECT reply FROM calls")
    assert len(stored[0]) < len(long.thinking) / 10


def test_an_answer_on_record_is_never_replaced(opened: Opened) -> None:
    ledger = opened()
    ledger.record([receipt(request("a"), REPLY)], CALLER)
    ledger.record(
        [receipt(request("a"), Reply("ok", answer="another")), receipt(request("b"), Reply("ok"))], Caller("other")
    )
    ledger.record([receipt(request("a"), FAILED)], CALLER)
    assert ledger.find(keys(request("a"))) == {call_key(request("a")): REPLY}
    assert ledger.count() == 2


def test_what_another_run_had_recorded_first_is_told_as_paid_twice(opened: Opened) -> None:
    ledger, other = opened(), replace(CALLER, run_id="run-2")
    assert ledger.record([receipt(request("a"), REPLY)], CALLER) == set()
    assert ledger.record([receipt(request(text), REPLY) for text in "ab"], other) == set(keys(request("a")))
    assert ledger.record([receipt(request("a"), REPLY)], CALLER) == set()


def test_one_key_twice_in_a_group_is_one_row(opened: Opened) -> None:
    ledger = opened()
    assert ledger.record([receipt(request("a"), REPLY), receipt(request("a"), REPLY)], CALLER) == set()
    assert ledger.count() == 1


def test_a_failed_call_is_kept_until_it_is_asked_again(opened: Opened) -> None:
    ledger, key = opened(), call_key(request("a"))
    ledger.record([receipt(request("a"), FAILED), receipt(request("b"), REPLY)], CALLER)
    both = keys(request("a"), request("b"))
    assert ledger.known(both) == ledger.find(both).keys() == set(both)
    assert ledger.known(both, retry_failed=True) == ledger.find(both, retry_failed=True).keys() == {both[1]}
    assert ledger.record([receipt(request("a"), REPLY)], replace(CALLER, run_id="run-2")) == set()
    assert ledger.find([key], retry_failed=True) == {key: REPLY}
    entry = ledger.entry(key)
    assert entry is not None and (entry.state, entry.run_id) == ("truncated", "run-2")


def test_failed_calls_can_be_forgotten(opened: Opened) -> None:
    ledger = opened()
    ledger.record([receipt(request("a"), FAILED), receipt(request("b"), REPLY)], CALLER)
    assert (ledger.forget_failed(), ledger.forget_failed()) == (1, 0)
    assert ledger.known(keys(request("a"), request("b"))) == set(keys(request("b")))


def test_thousands_of_keys_are_looked_up_at_once(opened: Opened) -> None:
    ledger = opened()
    requests = [request(f"q{number}") for number in range(1_201)]
    ledger.record([receipt(one, Reply("ok", answer=one.messages[0].content)) for one in requests[::2]], CALLER)
    found = ledger.find(keys(*requests))
    assert set(keys(*requests[::2])) == set(found) == ledger.known(keys(*requests))
    assert found[call_key(requests[600])].answer == "q600"
    assert ledger.find([]) == {}
    assert [entry.key for entry in ledger.entries()] == sorted(found)


def test_nothing_to_record_is_no_fault(opened: Opened) -> None:
    ledger = opened()
    assert ledger.record([], CALLER) == set()
    assert ledger.count() == 0


def test_an_entry_tells_who_asked_what_it_cost_when_and_how_it_was_obtained(opened: Opened) -> None:
    ledger = opened()
    how = {"attempts": 3, "maybe_billed": 2, "seconds": 1.2345, "key_fingerprint": "abcd1234", "origin": "rows.jsonl"}
    ledger.record([receipt(request("a"), REPLY, **how)], CALLER)
    entry = ledger.entry(call_key(request("a")))
    assert entry is not None
    assert (entry.state, entry.model, entry.price_usd, entry.reply) == ("truncated", "solver:teacher-v1", 0.25, REPLY)
    assert (entry.asset, entry.partition, entry.run_id) == ("raw_traces", "mine", "run-1")
    assert (entry.attempts, entry.maybe_billed) == (3, 2)
    assert entry.seconds == pytest.approx(1.2345, abs=0.001)
    assert (entry.key_fingerprint, entry.origin) == ("abcd1234", "rows.jsonl")
    assert entry.answered_at is not None
    assert entry.request["messages"] == [["user", "a"]]
    assert ledger.entry("0" * 40) is None


def test_entries_can_be_narrowed_to_a_provider_and_a_model(opened: Opened) -> None:
    ledger = opened()
    ledger.record([receipt(one, REPLY) for one in (request("a"), request("b", model="other"))], CALLER)
    assert [entry.model for entry in ledger.entries("solver", "other")] == ["solver:other"]
    assert list(ledger.entries("openai")) == []
    assert len(list(ledger.entries("solver"))) == 2


def test_spending_adds_up_by_asset_and_model_and_an_unknown_price_stays_unknown(opened: Opened) -> None:
    ledger = opened()
    ledger.record([receipt(request("a"), REPLY), receipt(request("b"), REPLY)], CALLER)
    others = [receipt(request("c", model="other"), Reply("ok", price_usd=1.0))]
    others += [receipt(request("d", model="other"), replace(FAILED, price_usd=None))]
    ledger.record(others, CALLER)
    ledger.record([receipt(request("e"), Reply("ok", price_usd=0.0))], Caller("a_first", budget="order-2"))
    told = [
        (s.asset, s.model, s.calls, s.failed, s.input_tokens, s.output_tokens, s.price_usd) for s in ledger.spending()
    ]
    assert told == [
        ("a_first", "solver:teacher-v1", 1, 0, 0, 0, 0.0),
        ("raw_traces", "solver:other", 2, 1, 0, 0, None),
        ("raw_traces", "solver:teacher-v1", 2, 0, 6, 18, 0.5),
    ]
    assert [spent.asset for spent in ledger.spending("order-2")] == ["a_first"]


def test_every_dollar_counts_against_its_budget_also_one_paid_twice(opened: Opened) -> None:
    ledger = opened()
    shares = Shares(ledger.database, Presence(ledger.database))
    for _ in range(2):
        ledger.record([receipt(request("a"), REPLY), receipt(request("b"), REPLY)], CALLER)
    ledger.record([receipt(request("c"), FAILED)], CALLER)
    assert (shares.spent("order-1"), shares.spent("order-2")) == (1.0, 0.0)


def test_a_recorded_call_is_no_longer_claimed(opened: Opened) -> None:
    ledger, (key,) = opened(), keys(request("a"))
    one, other = Presence(ledger.database), Presence(ledger.database)
    for process in (one, other):
        process.enter()
    assert one.claim([key]) == {key}
    assert other.claim([key]) == set()
    ledger.record([receipt(request("a"), REPLY)], CALLER)
    assert other.claim([key]) == {key}


def test_half_a_character_in_a_reply_does_not_lose_it(opened: Opened) -> None:
    ledger = opened()
    reply = Reply("ok", thinking="half \ud83d", answer="5")
    ledger.record([receipt(request("a \udc00"), reply)], CALLER)
    assert ledger.find(keys(request("a \udc00"))) == {call_key(request("a \udc00")): reply}


def test_a_newer_schema_is_refused_and_left_alone(opened: Opened, ledger_url: str) -> None:
    opened().record([receipt(request("a"), REPLY)], CALLER)
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
        lambda: ledger.record([receipt(request("a"), REPLY)], CALLER), lambda: list(ledger.entries()),
        ledger.forget_failed,
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(StorageError, match="S1_LEDGER says where it is") as told:
            call()
        assert "not-for-messages" not in str(told.value)
        assert told.value.__cause__ is not None


# From version 1


def packed(content: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass"), 1)


@pytest.fixture
def old_url(ledger_url: str, tmp_path: Path) -> str:
    """A ledger of version 1 with one call in it."""
    if ledger_url.startswith("sqlite"):
        (tmp_path / "deep" / "er").mkdir(parents=True)
    row = {**OLD_ROW, "request": packed(OLD_REQUEST), "reply": packed(OLD_REPLY)}
    engine = sa.create_engine(ledger_url)
    kinds = {"blob": BLOB[engine.dialect.name], "time": TIME[engine.dialect.name]}
    with engine.begin() as connection:
        for statement in OLD_TABLES:
            connection.execute(sa.text(statement.format(**kinds)))
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        connection.execute(sa.text(f"INSERT INTO calls ({names}) VALUES ({values})"), row)
    engine.dispose()
    return ledger_url


def test_answers_of_version_1_are_found_and_told_as_before(old_url: str, opened: Opened) -> None:
    ledger = opened()
    assert ledger.find([OLD_KEY]) == {OLD_KEY: Reply(**OLD_REPLY)}  # type: ignore[arg-type]  # as version 1 wrote it
    entry = ledger.entry(OLD_KEY)
    assert entry is not None and entry.answered_at is not None
    assert (entry.run_id, entry.price_usd, entry.request) == ("run-0", 0.25, OLD_REQUEST)
    assert entry.answered_at.isoformat().startswith("2026-01-02T03:04:05.000006")
    assert (entry.attempts, entry.maybe_billed, entry.seconds, entry.key_fingerprint) == (None,) * 4
    assert [(spent.calls, spent.price_usd) for spent in ledger.spending()] == [(1, 0.25)]


def test_a_request_has_the_key_that_version_1_gave_it(old_url: str, opened: Opened) -> None:
    one = receipt(request("a"), Reply("ok"))
    assert one.key == OLD_KEY
    assert json.loads(one.text) == OLD_REQUEST


def test_an_old_ledger_takes_new_calls_and_stands_as_the_present_version(old_url: str, opened: Opened) -> None:
    ledger = opened()
    ledger.record([receipt(request(text), Reply("ok", price_usd=1.0), attempts=2) for text in "ab"], CALLER)
    assert ledger.find([OLD_KEY])[OLD_KEY].status == "truncated"
    assert ledger.count() == 2
    presence = Presence(ledger.database)
    presence.enter()
    assert presence.claim([OLD_KEY]) == {OLD_KEY}
    assert Shares(ledger.database, presence).spent("order-1") == 2.0
    engine = sa.create_engine(old_url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT version FROM ledger_schema")).scalars().all() == [SCHEMA_VERSION]
    engine.dispose()


def test_a_brought_up_ledger_has_the_tables_of_a_new_one(old_url: str, opened: Opened) -> None:
    inspected = sa.inspect(opened().database.engine)
    for table in metadata.sorted_tables:
        assert {column["name"] for column in inspected.get_columns(table.name)} == set(table.columns.keys())


def test_several_processes_that_open_an_old_ledger_at_once_bring_it_up_once(old_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        ledgers = list(threads.map(Ledger, [old_url] * 4))
    assert [ledger.count() for ledger in ledgers] == [1] * 4
    for ledger in ledgers:
        ledger.close()


def _change(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def _rows(url: str, query: str) -> list[Any]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = list(connection.execute(sa.text(query)))
    engine.dispose()
    return rows
