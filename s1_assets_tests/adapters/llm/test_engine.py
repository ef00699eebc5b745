"""Remote models through the engine, against our fake of the vendors: what is paid, how fast, and what ends a run."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import pytest

from s1_assets.adapters.llm.access import Access
from s1_assets.adapters.llm.client import LedgeredModel
from s1_assets.adapters.llm.counts import Counts
from s1_assets.adapters.llm.directory import Directory
from s1_assets.adapters.llm.engine import Engine, Stopped
from s1_assets.adapters.llm.gates import Gate
from s1_assets.adapters.llm.keys import read_keys
from s1_assets.adapters.llm.ledger import Ledger, LedgerEntry
from s1_assets.adapters.llm.ledger.presence import Presence
from s1_assets.adapters.llm.ledger.shares import Shares
from s1_assets.adapters.llm.provider import CallLimits, Fault, Key, RemoteProvider, Try
from s1_assets.adapters.llm.purse import Purse
from s1_assets.adapters.llm.rates import Balance
from s1_assets.adapters.llm.retries import Call, Retries
from s1_assets.errors import BudgetSpent, ModelUnreachable, ModelUnusable, SettingsError
from s1_assets.records.models import ModelName, ModelRequest, Reply, Sampling
from s1_assets_tests.adapters.llm.conftest import (
    CALLER,
    access,
    ask,
    asker,
    openai_at,
    prompt,
    prompts,
    receipt,
    secret,
    terms,
)
from s1_assets_tests.adapters.llm.paying_process import asking, told
from s1_assets_tests.adapters.llm.wire_server import closed_port
from s1_assets_tests.fakes.llm_server import Answer, Asked, Limit, LlmServer, Rules, always, digest_answer, llm_server
from s1_assets_tests.records import request

pytestmark = pytest.mark.timeout(40)

FINE = Answer("two and three", "5")


class WatchedDirectory(Directory):
    """Remembers the gates that it handed out."""

    def __init__(self, granted: Access) -> None:
        super().__init__(granted)
        self.handed: list[Gate] = []

    def gates(self, model: ModelName) -> list[Gate]:
        self.handed = super().gates(model)
        return self.handed


def answers(replies: list[Reply]) -> list[str]:
    return [reply.answer for reply in replies]


def expected(requests: Sequence[ModelRequest]) -> list[str]:
    return [digest_answer(one.messages[-1].content).text for one in requests]


def paid(server: LlmServer) -> Counter[str]:
    """How often each prompt was paid."""
    return Counter(call.prompt for call in server.paid())


def once_each(requests: Sequence[ModelRequest]) -> Counter[str]:
    return Counter(one.messages[-1].content for one in requests)


def entry_of(ledger: Ledger, one: ModelRequest) -> LedgerEntry:
    entry = ledger.entry(receipt(one, Reply("ok")).key)
    assert entry is not None
    return entry


def fingerprint(number: int) -> str:
    return read_keys(("KEY",), {"KEY": secret(number)}).keys[0].fingerprint


def first_time(fault: str, share: float) -> Rules:
    """Rules by which a share of the prompts meets a fault when it comes for the first time."""

    def answer(asked: Asked) -> Answer:
        unlucky = asked.seen == 0 and Random(asked.prompt).random() < share
        return Answer(fault=fault) if unlucky else digest_answer(asked.prompt)

    return Rules(answer=answer)


def for_prompt(text: str, fault: str) -> Rules:
    """Rules by which one prompt always meets a fault."""
    return Rules(answer=lambda asked: Answer(fault=fault) if asked.prompt == text else FINE)


# Every row once


def test_all_requests_are_answered_in_order_and_each_is_paid_once(ledger: Ledger) -> None:
    with llm_server() as server:
        asked, model = prompts(700, openai_at(server.openai_url)), asker(ledger)
        assert answers(ask(model, asked)) == expected(asked)
        assert paid(server) == once_each(asked)
        counts = model.counts
        assert (counts.came, counts.asked, counts.from_ledger, counts.done) == (700, 700, 0, 700)
        assert (counts.failed, counts.retried, counts.paid_again, counts.maybe_billed) == (0, 0, 0, 0)
        again = asker(ledger)
        assert answers(ask(again, asked)) == expected(asked)
        assert (again.counts.asked, again.counts.from_ledger) == (0, 700)
        assert len(server.calls) == 700


def test_equal_requests_are_asked_once_and_answered_each_time(ledger: Ledger) -> None:
    with llm_server() as server:
        some, model = prompts(5, openai_at(server.openai_url)), asker(ledger)
        assert answers(ask(model, some * 4)) == expected(some) * 4
        assert paid(server) == once_each(some)
        assert model.counts.done == model.counts.came == 20


def test_a_request_that_comes_again_while_it_is_under_way_is_not_asked_twice(ledger: Ledger) -> None:
    with llm_server(Rules(latency_s=0.2)) as server:
        many = prompts(500, openai_at(server.openai_url))
        ask(asker(ledger), many + many[:100])
        assert paid(server) == once_each(many)


def test_samples_of_one_question_are_asked_apart(ledger: Ledger) -> None:
    with llm_server() as server:
        model = openai_at(server.openai_url)
        ask(asker(ledger), [prompt("a", model, sample_index=number) for number in range(3)])
        assert paid(server) == {"a": 3}


def test_no_requests_are_no_fault(ledger: Ledger) -> None:
    with llm_server() as server:
        assert list(asker(ledger).answer_all(list, [openai_at(server.openai_url)])) == []
        assert server.calls == []


def test_several_models_and_a_local_one_answer_in_one_go(ledger: Ledger) -> None:
    with llm_server() as server:
        one, other = openai_at(server.openai_url), ModelName("openai", "other", server.openai_url)
        asked = [prompt("a", one), request("What is 2 + 3?", "student-brief-v1"), prompt("a", other), prompt("b", one)]
        replies = ask(asker(ledger), asked)
        assert [reply.served_model for reply in replies] == ["fake-model", "student-brief-v1", "other", "fake-model"]
        assert paid(server) == {"a": 2, "b": 1}


def test_the_ledger_tells_how_each_answer_was_obtained(ledger: Ledger) -> None:
    with llm_server() as server:
        one = prompt("a", openai_at(server.openai_url))
        ask(asker(ledger, terms=terms(price=lambda model, reply: 0.25)), [one])
    entry = entry_of(ledger, one)
    assert (entry.state, entry.attempts, entry.maybe_billed, entry.price_usd) == ("ok", 1, 0, 0.25)
    assert (entry.key_fingerprint, entry.run_id) == (fingerprint(1), CALLER.run_id)
    assert entry.seconds is not None and 0 < entry.seconds < 5


def test_every_reply_asked_anew_is_heard_once_and_it_is_on_record_by_then(ledger: Ledger) -> None:
    heard: list[int] = []
    with llm_server() as server:
        asked = prompts(60, openai_at(server.openai_url))
        ask(asker(ledger), asked[:20])
        ask(asker(ledger, on_reply=lambda reply: heard.append(ledger.count())), asked)
    assert len(heard) == 40
    assert all(on_record >= 20 + number for number, on_record in enumerate(heard, start=1))


def test_nothing_counts_as_under_way_once_all_is_done(ledger: Ledger) -> None:
    with llm_server(Rules(latency_s=0.6)) as server:
        model = asker(ledger, access(in_flight=1))
        ask(model, prompts(2, openai_at(server.openai_url)))
    assert model.counts.in_flight == 0


# Streams


def test_a_stream_gives_each_request_with_its_own_reply_from_the_ledger_or_anew(ledger: Ledger) -> None:
    with llm_server() as server:
        asked, model = prompts(60, openai_at(server.openai_url)), asker(ledger)
        ask(asker(ledger), asked[::3])
        pairs = list(model.stream(lambda: asked, [asked[0].model]))
    assert once_each([one for one, _ in pairs]) == once_each(asked)
    assert answers([reply for _, reply in pairs]) == expected([one for one, _ in pairs])
    assert (model.counts.from_ledger, model.counts.asked) == (20, 40)


def test_a_stream_gives_a_request_as_often_as_it_was_made(ledger: Ledger) -> None:
    with llm_server() as server:
        (one,) = prompts(1, openai_at(server.openai_url))
        pairs = list(asker(ledger).stream(lambda: [one, one], [one.model]))
    assert [pair[0] for pair in pairs] == [one, one]


def test_a_stream_takes_local_and_remote_models_together(ledger: Ledger) -> None:
    with llm_server() as server:
        asked = [request("What is 2 + 3?", "student-brief-v1"), prompt("a", openai_at(server.openai_url))]
        pairs = list(asker(ledger).stream(lambda: asked, [one.model for one in asked]))
    assert {one.model.provider: reply.status for one, reply in pairs} == {"solver": "ok", "openai": "ok"}


def test_a_stream_that_nobody_takes_from_pulls_no_more_requests(ledger: Ledger) -> None:
    pulled, model = 0, openai_at(closed_port())
    every = prompts(15_000, model)
    ledger.record([receipt(one, Reply("ok")) for one in every], CALLER)

    def pulling() -> Iterator[ModelRequest]:
        nonlocal pulled
        for one in every:
            pulled += 1
            yield one

    stream = asker(ledger).stream(pulling, [model])
    next(stream)
    time.sleep(0.7)
    assert 500 <= pulled <= 10_000
    assert sum(1 for _ in stream) == len(every) - 1


def test_a_stream_that_is_left_early_stops_asking(ledger: Ledger) -> None:
    with llm_server(Rules(latency_s=0.05)) as server:
        asked = prompts(400, openai_at(server.openai_url))
        stream = asker(ledger, access(in_flight=8)).stream(lambda: asked, [asked[0].model])
        next(stream)
        stream.close()  # type: ignore[attr-defined]  # a generator, as its callers may know
        sent = len(server.calls)
        assert sent < 100
        assert ledger.count() == sent
        time.sleep(0.3)
        assert len(server.calls) == sent


# Rates


def rate_of(server: LlmServer) -> float:
    """Requests a second, from the first one paid to the last."""
    at = [call.at for call in server.paid()]
    return (len(at) - 1) / (at[-1] - at[0])


def test_a_told_limit_is_used_up_and_never_passed(ledger: Ledger) -> None:
    rules = Rules(latency_s=0.1, limits={secret(1): Limit(1_200)})
    with llm_server(rules) as server:
        ask(asker(ledger, access(requests_per_minute=1_200)), prompts(44, openai_at(server.openai_url)))
        assert server.statuses() == {200: 44}
        assert 0.95 * 20 <= rate_of(server) <= 1.02 * 20


def test_told_limits_of_several_keys_add_up(ledger: Ledger) -> None:
    rules = Rules(default_limit=Limit(600))
    with llm_server(rules) as server:
        asked = prompts(48, openai_at(server.openai_url))
        ask(asker(ledger, access(keys=4, requests_per_minute=600)), asked)
        assert server.statuses() == {200: 48}
        assert 0.9 * 40 <= rate_of(server) <= 1.1 * 40
        assert {call.key for call in server.calls} == {secret(number) for number in range(1, 5)}


def test_a_limit_is_learned_from_headers(ledger: Ledger) -> None:
    rules = Rules(latency_s=0.05, limits={secret(1): Limit(1_200)}, limit_headers=True)
    with llm_server(rules) as server:
        asked, model = prompts(50, openai_at(server.openai_url)), asker(ledger)
        assert len(ask(model, asked)) == 50
        assert paid(server) == once_each(asked)
        assert server.statuses()[429] <= 3
        later = [call.at for call in server.paid()][20:]
        assert len(later) / (later[-1] - later[0]) >= 0.8 * 20


def test_a_limit_that_nobody_tells_is_found_and_every_row_completes(ledger: Ledger) -> None:
    rules = Rules(latency_s=0.02, limits={secret(1): Limit(3_000)}, retry_after=False)
    with llm_server(rules) as server:
        asked, model = prompts(120, openai_at(server.openai_url)), asker(ledger)
        assert answers(ask(model, asked)) == expected(asked)
        assert paid(server) == once_each(asked)
        assert 0 < server.statuses()[429] == model.counts.limited <= 120
        assert model.counts.failed == 0


def test_a_vendors_wait_is_kept_to(ledger: Ledger) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(fault="status:429") if asked.seen == 0 and asked.prompt == "question 7" else FINE

    with llm_server(Rules(answer=answer)) as server:
        ask(asker(ledger, access(in_flight=1)), prompts(12, openai_at(server.openai_url)))
        calls = list(server.calls)
    refused = next(number for number, call in enumerate(calls) if call.status == 429)
    assert calls[refused + 1].at - calls[refused].at >= 0.99
    assert calls[refused + 1].prompt == "question 7"


def test_keys_that_share_a_limit_are_found_out_and_go_on_as_one(ledger: Ledger) -> None:
    one_bucket = Limit(1_200)
    rules = Rules(limits={secret(number): one_bucket for number in range(1, 5)}, limit_headers=True)
    with llm_server(rules) as server:
        asked, directory = prompts(70, openai_at(server.openai_url)), WatchedDirectory(access(keys=4))
        assert answers(ask(asker(ledger, directory=directory), asked)) == expected(asked)
        assert paid(server) == once_each(asked)
        assert server.statuses()[429] <= 64
    held = [len(gate.keys) for gate in directory.handed if not gate.closed]
    assert sum(held) == 4
    assert len(held) <= 2  # the last one may not have been refused again so soon


def test_requests_of_the_day_are_not_exceeded_and_the_rest_waits_for_tomorrow(ledger: Ledger) -> None:
    with llm_server() as server:
        asked = prompts(20, openai_at(server.openai_url))
        for _ in range(2):
            with pytest.raises(ModelUnusable, match="5 requests of the day are sent"):
                ask(asker(ledger, access(requests_per_day=5)), asked)
        assert len(server.calls) == ledger.count() == 5


def test_no_more_requests_are_under_way_than_was_told(ledger: Ledger) -> None:
    with llm_server(Rules(latency_s=0.02)) as server:
        ask(asker(ledger, access(keys=2, in_flight=3)), prompts(60, openai_at(server.openai_url)))
        assert server.peak_in_flight == 6


# Keys


@pytest.mark.parametrize("how", ["dead", "exhausted"])
def test_a_key_that_fails_in_mid_run_costs_no_row_and_is_named_by_its_fingerprint(ledger: Ledger, how: str) -> None:
    rules = Rules(latency_s=0.01)

    def answer(asked: Asked) -> Answer:
        if int(asked.prompt.split()[1]) >= 60:
            if how == "dead":
                rules.dead_keys[secret(1)] = 401
            else:
                rules.exhausted_keys.add(secret(1))
        return digest_answer(asked.prompt)

    rules.answer = answer
    with llm_server(rules) as server:
        asked, model = prompts(300, openai_at(server.openai_url)), asker(ledger, access(keys=3))
        assert answers(ask(model, asked)) == expected(asked)
        assert paid(server) == once_each(asked)
        assert all(call.key for call in server.calls)
        assert len(server.calls) - 300 <= 256  # each call under way with that key at most once
    assert list(model.counts.parked) == [fingerprint(1)]
    assert secret(1) not in repr(model.counts)


def test_a_key_that_dies_while_money_is_set_aside_leads_to_no_call_without_a_key(ledger: Ledger) -> None:
    rules = Rules(dead_keys={secret(1): 401})
    with llm_server(rules) as server:
        asked, purse = prompts(300, openai_at(server.openai_url)), Purse("order-1", 1e9, "cap", lambda one: 1.0)
        assert len(ask(asker(ledger, access(keys=2), purse=purse), asked)) == 300
        assert {call.key for call in server.calls} == {secret(1), secret(2)}


def test_a_run_without_a_living_key_stops_and_goes_on_once_there_is_one(ledger: Ledger) -> None:
    rules = Rules(latency_s=0.01)

    def answer(asked: Asked) -> Answer:
        if int(asked.prompt.split()[1]) >= 40:
            rules.dead_keys.update({secret(1): 401, secret(2): 403})
        return digest_answer(asked.prompt)

    rules.answer = answer
    with llm_server(rules) as server:
        asked = prompts(200, openai_at(server.openai_url))
        with pytest.raises(ModelUnusable, match="no key is left") as stopped:
            ask(asker(ledger, access(keys=2)), asked)
        assert fingerprint(1) in str(stopped.value) and fingerprint(2) in str(stopped.value)
        assert secret(1) not in str(stopped.value) and secret(2) not in str(stopped.value)
        assert ledger.count() == len(server.paid())
        rules.answer, rules.dead_keys = None, {}
        assert answers(ask(asker(ledger, access(keys=2)), asked)) == expected(asked)
        assert paid(server) == once_each(asked)


def test_without_a_key_nothing_is_asked(ledger: Ledger) -> None:
    model = asker(ledger, access(keys=0))
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        model.answer_all(list, [ModelName("openai", "gpt")])


# Servers


def test_a_model_that_does_not_exist_stops_the_run_after_few_requests(ledger: Ledger) -> None:
    with llm_server(always(Answer(fault="status:404"))) as server:
        with pytest.raises(ModelUnusable, match="does not exist"):
            ask(asker(ledger), prompts(500, openai_at(server.openai_url)))
        assert len(server.calls) <= 32
        assert ledger.count() == 0


def test_a_server_that_is_not_there_stops_the_run_after_few_tries(ledger: Ledger) -> None:
    model, began = asker(ledger), time.monotonic()
    with pytest.raises(ModelUnreachable, match=r"no answer in \d+ tries.*no connection"):
        ask(model, prompts(500, openai_at(f"{closed_port()}/v1")))
    assert time.monotonic() - began < 2
    assert model.counts.retried <= 16


@pytest.mark.parametrize("fault", ["status:500", "status:503", "disconnect", "not_json", "cut", "ends_early"])
def test_faults_that_pass_cost_no_row(ledger: Ledger, fault: str) -> None:
    with llm_server(first_time(fault, 0.05)) as server:
        asked, model = prompts(200, openai_at(server.openai_url)), asker(ledger)
        assert answers(ask(model, asked)) == expected(asked)
        unlucky = [text for text, count in Counter(call.prompt for call in server.calls).items() if count == 2]
        assert len(server.calls) == 200 + len(unlucky)
    assert model.counts.retried == len(unlucky) > 0
    assert entry_of(ledger, prompt(unlucky[0], asked[0].model)).attempts == 2
    maybe_billed = 0 if fault.startswith("status") else len(unlucky)
    assert model.counts.maybe_billed == maybe_billed


def test_calls_that_hang_are_given_up_and_asked_again_and_told_as_maybe_billed(ledger: Ledger) -> None:
    with llm_server(first_time("hang", 0.05)) as server:
        asked, model = prompts(200, openai_at(server.openai_url)), asker(ledger, terms=terms(total_s=0.5))
        assert answers(ask(model, asked)) == expected(asked)
        hung = server.statuses()[0]
    assert model.counts.maybe_billed == model.counts.retried == hung > 0
    assert sum(entry.maybe_billed or 0 for entry in ledger.entries()) == hung


def test_a_row_that_never_succeeds_fails_and_the_others_complete(ledger: Ledger) -> None:
    with llm_server(for_prompt("question 3", "status:500")) as server:
        asked = prompts(40, openai_at(server.openai_url))
        replies = ask(asker(ledger, terms=terms(retries=Retries(tries=3, shortest_s=0.05, longest_s=0.1))), asked)
        tries = Counter(call.prompt for call in server.calls)["question 3"]
    assert [number for number, reply in enumerate(replies) if reply.status != "ok"] == [3]
    assert (replies[3].status, tries) == ("failed", 3)
    assert "500" in replies[3].reason


@pytest.mark.timeout(6)
def test_a_row_that_never_succeeds_does_not_hold_up_the_run_when_it_comes_last(ledger: Ledger) -> None:
    with llm_server(for_prompt("question 9", "status:500")) as server:
        asked = prompts(10, openai_at(server.openai_url))
        few = terms(retries=Retries(tries=3, shortest_s=0.05, longest_s=0.1))
        replies = ask(asker(ledger, access(in_flight=1), terms=few), asked)
    assert [reply.status for reply in replies] == ["ok"] * 9 + ["failed"]


@pytest.mark.timeout(8)
def test_an_outage_that_passed_does_not_keep_such_a_row_from_ending(ledger: Ledger) -> None:
    came_at: list[float] = []

    def answer(asked: Asked) -> Answer:
        came_at.append(time.monotonic())
        out = 0.3 < came_at[-1] - came_at[0] < 0.9
        return Answer(fault="status:503") if out or asked.prompt == "question 13" else FINE

    with llm_server(Rules(answer=answer)) as server:
        few = terms(retries=Retries(tries=3, shortest_s=0.02, longest_s=0.05))
        paced = access(requests_per_minute=1_200, in_flight=2)
        replies = ask(asker(ledger, paced, terms=few), prompts(14, openai_at(server.openai_url)))
    assert [reply.status for reply in replies] == ["ok"] * 13 + ["failed"]


@pytest.mark.timeout(8)
def test_a_row_that_failed_in_two_ways_does_not_keep_such_a_row_from_ending(ledger: Ledger) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.prompt == "question 0":
            return Answer(fault="status:503" if asked.seen < 3 else "no_candidates")
        return Answer(fault="status:500") if asked.prompt == "question 9" else FINE

    with llm_server(Rules(answer=answer)) as server:
        few = terms(retries=Retries(tries=6, no_answer_tries=3, shortest_s=0.02, longest_s=0.05))
        model, paced = openai_at(server.openai_url), access(in_flight=1, requests_per_minute=600)
        replies = ask(asker(ledger, paced, terms=few), prompts(10, model))
    assert [reply.status for reply in replies] == ["failed", *["ok"] * 8, "failed"]


class Scripted:
    """A provider without a wire: refuses some prompts at once when they first come, and takes its time for the rest."""

    name = "openai"
    key_names: tuple[str, ...] = ()

    def __init__(self, slow_s: float) -> None:
        self._slow_s, self._seen = slow_s, Counter[str]()

    def fault_of(self, model: ModelName) -> str | None:
        return None

    def endpoint(self, model: ModelName) -> str:
        return "http://scripted"

    def in_flight_at(self, model: ModelName) -> int:
        return 64

    async def ask(
        self, session: aiohttp.ClientSession, request: ModelRequest, key: Key | None, limits: CallLimits
    ) -> Try:
        text = request.messages[-1].content
        self._seen[text] += 1
        if int(text.split()[1]) % 3 == 0 and self._seen[text] == 1:
            return Try(Fault("transient", "HTTP 503: overloaded"))
        await asyncio.sleep(self._slow_s)
        return Try(Reply("ok", answer=text))


class DirectoryTo(Directory):
    """Knows one remote provider."""

    def __init__(self, provider: RemoteProvider) -> None:
        super().__init__(Access())
        self._only = provider

    def provider(self, model: ModelName) -> RemoteProvider:
        return self._only


def test_a_server_that_thinks_on_some_requests_and_refuses_others_at_once_is_up(ledger: Ledger) -> None:
    asked = prompts(30, openai_at("http://scripted"))
    replies = ask(asker(ledger, directory=DirectoryTo(Scripted(slow_s=0.6))), asked)
    assert [reply.status for reply in replies] == ["ok"] * 30


def seeds(server: LlmServer) -> list[object]:
    return [call.body["seed"] for call in server.calls]


@pytest.mark.parametrize("fault", ["status:503", "status:429"])
def test_a_try_after_a_fault_of_the_server_sends_the_very_same_request(ledger: Ledger, fault: str) -> None:
    rules = Rules(answer=lambda asked: FINE if asked.seen else Answer(fault=fault), retry_after=False)
    with llm_server(rules) as server:
        ask(asker(ledger), [prompt("a", openai_at(server.openai_url), sampling=Sampling(seed=7))])
        assert seeds(server) == [7, 7]


def test_a_try_after_no_answer_is_made_with_another_seed_and_kept_under_the_same_key(ledger: Ledger) -> None:
    rules = Rules(answer=lambda asked: FINE if asked.seen else Answer(fault="no_candidates"))
    with llm_server(rules) as server:
        one = prompt("a", openai_at(server.openai_url), sampling=Sampling(seed=7))
        (reply,) = ask(asker(ledger), [one])
        first, second = seeds(server)
    assert first == 7 != second
    assert (reply.status, entry_of(ledger, one).reply) == ("ok", reply)


def test_refusals_for_being_too_fast_do_not_use_up_the_tries_of_a_call(ledger: Ledger) -> None:
    faults = ["status:429", "status:503"]

    def answer(asked: Asked) -> Answer:
        unlucky = asked.prompt == "question 30" and asked.seen < len(faults)
        return Answer(fault=faults[asked.seen]) if unlucky else FINE

    with llm_server(Rules(answer=answer, retry_after=False)) as server:
        two_tries = terms(retries=Retries(tries=2, shortest_s=0.05, longest_s=0.1))
        asked = prompts(40, openai_at(server.openai_url))
        replies = ask(asker(ledger, access(in_flight=4), terms=two_tries), asked)
    assert [reply.status for reply in replies] == ["ok"] * 40


# What replies become

Ending = tuple[str, str, int]
ENDINGS: dict[Answer, Ending] = {
    FINE: ("ok", "", 1),
    Answer(fault="block_reason"): ("blocked", "content_filter", 1),
    Answer("thinking on and on", fault="empty_max_tokens"): ("truncated", "max_tokens", 1),
    Answer("thinking", "5", model="another-model"): ("substituted", "asked for fake-model, another-model answered", 1),
    Answer(fault="no_candidates"): ("failed", "an empty answer", 3),
    Answer(fault="status:400"): ("failed", "HTTP 400: This model's maximum context length", 1),
    Answer("thinking", "5", fault="not_json"): ("failed", "an answer that is no JSON object", 6),
    Answer("thinking", "5", fault="cut"): ("failed", "was cut", 6),
    Answer(fault="disconnect"): ("failed", "was cut", 6),
}


def test_each_fault_ends_as_the_row_that_it_is(ledger: Ledger) -> None:
    number_of = {f"fault {number}": answer for number, answer in enumerate(ENDINGS)}
    with llm_server(Rules(answer=lambda asked: number_of.get(asked.prompt, FINE))) as server:
        model = openai_at(server.openai_url)
        tries = terms(retries=Retries(shortest_s=0.02, longest_s=0.05))
        replies = ask(asker(ledger, terms=tries), [prompt(text, model) for text in number_of] + prompts(30, model))
        sent = Counter(call.prompt for call in server.calls)
    ends = [(reply.status, reply.reason, sent[text]) for text, reply in zip(number_of, replies, strict=False)]
    for (status, reason, tried), (expected_status, words, expected_tries) in zip(ends, ENDINGS.values(), strict=True):
        assert (status, tried) == (expected_status, expected_tries), reason
        assert words in reason


def test_a_long_answer_that_is_cut_is_kept_as_truncated(ledger: Ledger) -> None:
    long = Answer("thinking " * 50, "and so on " * 50, fault="cut")
    with llm_server(always(long)) as server:
        one = prompt("a", openai_at(server.openai_url), sampling=Sampling(max_output_tokens=20_000))
        (reply,) = ask(asker(ledger), [one])
        assert len(server.calls) == 1
    assert (reply.status, reply.reason) == ("truncated", "connection_cut")
    assert reply.thinking


def test_failed_rows_are_asked_again_only_when_that_is_wished(ledger: Ledger) -> None:
    with llm_server(for_prompt("question 3", "status:400")) as server:
        asked = prompts(20, openai_at(server.openai_url))
        first, without, wished = asker(ledger), asker(ledger), asker(ledger, terms=terms(retry_failed=True))
        assert ask(first, asked)[3].status == "failed"
        assert ask(without, asked)[3].status == "failed"
        assert (without.counts.asked, without.counts.from_ledger, len(server.calls)) == (0, 20, 20)
        server.rules.answer = None
        assert ask(wished, asked)[3].answer == expected(asked)[3]
        assert (wished.counts.asked, wished.counts.from_ledger, len(server.calls)) == (1, 19, 21)
        assert (first.counts.failed, wished.counts.failed, wished.counts.paid_again) == (1, 0, 0)


# Money

PRICE, WORST = 0.006, 0.01


def purse(cap_usd: float) -> Purse:
    return Purse(CALLER.budget, cap_usd, "S1_BUDGET_USD", lambda one: WORST)


def spender(ledger: Ledger, cap_usd: float, **how: Any) -> LedgeredModel:
    return asker(ledger, purse=purse(cap_usd), terms=terms(price=lambda model, reply: PRICE), **how)


def spent(ledger: Ledger) -> float:
    return Shares(ledger.database, Presence(ledger.database)).spent(CALLER.budget)


def test_a_budget_stops_a_run_below_its_cap_and_a_higher_one_goes_on(ledger: Ledger) -> None:
    with llm_server(Rules(latency_s=0.01)) as server:
        asked = prompts(120, openai_at(server.openai_url))
        with pytest.raises(BudgetSpent, match=r"of 0\.50 USD \(S1_BUDGET_USD\)"):
            ask(spender(ledger, 0.5), asked)
        first = len(server.paid())
        assert ledger.count() == first
        assert spent(ledger) == pytest.approx(first * PRICE)
        assert 0.5 - 2 * WORST <= spent(ledger) <= 0.5
        model = spender(ledger, 5.0)
        assert answers(ask(model, asked)) == expected(asked)
        assert paid(server) == once_each(asked)
    assert model.counts.usd == pytest.approx((120 - first) * PRICE)
    assert spent(ledger) == pytest.approx(120 * PRICE)


def test_a_call_that_could_pass_the_cap_is_not_made(ledger: Ledger) -> None:
    with llm_server() as server:
        with pytest.raises(BudgetSpent):
            ask(spender(ledger, 0.009), prompts(3, openai_at(server.openai_url)))
        assert server.calls == []


def test_failed_calls_cost_nothing_and_give_back_what_was_set_aside(ledger: Ledger) -> None:
    with llm_server(Rules(answer=lambda asked: Answer(fault="status:400"))) as server:
        asked = prompts(60, openai_at(server.openai_url))
        assert {reply.status for reply in ask(spender(ledger, 0.1), asked)} == {"failed"}
    assert spent(ledger) == 0.0


@pytest.mark.timeout(6)
def test_a_budget_ends_a_run_also_while_calls_wait_to_be_tried_again(ledger: Ledger) -> None:
    # 0.25 is exact in binary: four calls fill the cap, and one of them has to be tried again
    def answer(asked: Asked) -> Answer:
        return Answer(fault="status:503") if asked.prompt == "question 0" and not asked.seen else FINE

    with llm_server(Rules(latency_s=0.1, answer=answer)) as server:
        tight = Purse(CALLER.budget, 1.0, "S1_BUDGET_USD", lambda one: 0.25)
        model = asker(ledger, purse=tight, terms=terms(price=lambda model, reply: 0.25))
        with pytest.raises(BudgetSpent):
            ask(model, prompts(20, openai_at(server.openai_url)))
        assert len(server.paid()) == 4


@pytest.mark.timeout(6)
@pytest.mark.parametrize("price", [0.1, 0.3, 0.7])
def test_a_budget_ends_a_run_also_where_cents_do_not_add_up_in_binary(ledger: Ledger, price: float) -> None:
    with llm_server() as server:
        exact = Purse(CALLER.budget, 10 * price, "S1_BUDGET_USD", lambda one: price)
        with pytest.raises(BudgetSpent):
            ask(asker(ledger, purse=exact, terms=terms(price=lambda model, reply: price)),
                prompts(20, openai_at(server.openai_url)))  # fmt: skip
        assert 9 <= len(server.paid()) <= 10


def test_rounding_in_what_is_set_aside_is_not_taken_for_money_that_may_come_back() -> None:
    class Rounded:
        """The budget's last cent, where sums of what was set aside and given back are not quite zero."""

        def reserve(self, budget: str, cap_usd: float, usd: float) -> Balance:
            return Balance(granted=False, spent=0.3, set_aside=1e-16)

    async def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
        return work(*arguments)

    async def hold() -> None:
        last = Purse("order-1", 0.4, "S1_BUDGET_USD", lambda one: 0.1)
        last.attach(Rounded(), in_thread)  # type: ignore[arg-type]  # no more of it is asked
        one = receipt(request("a"), Reply("ok"))
        async with asyncio.timeout(1):
            await last.hold(Call(one.key, one.text, one.request))

    with pytest.raises(BudgetSpent):
        asyncio.run(hold())


# Stops


@pytest.mark.parametrize("round_", range(3))
def test_ctrl_c_keeps_what_was_under_way(ledger: Ledger, round_: int) -> None:
    def interrupt(counts: Counts) -> None:
        if counts.asked >= 16:
            raise KeyboardInterrupt

    with llm_server(Rules(latency_s=0.15)) as server:
        asked = prompts(400, openai_at(server.openai_url))
        with pytest.raises(KeyboardInterrupt):
            ask(asker(ledger, access(in_flight=16), on_progress=interrupt), asked)
        sent = len(server.calls)
        assert 16 <= sent < 400
        assert ledger.count() == sent
        assert answers(ask(asker(ledger), asked[:50])) == expected(asked[:50])
        assert set(paid(server).values()) == {1}


def test_ctrl_c_keeps_what_came_while_the_database_was_busy(ledger: Ledger) -> None:
    began = time.monotonic()

    def interrupt(counts: Counts) -> None:
        if time.monotonic() > began + 0.5:
            raise KeyboardInterrupt

    with llm_server(Rules(latency_s=0.1)) as server:
        asked = prompts(1_500, openai_at(server.openai_url))
        ledger.record([receipt(one, Reply("ok")) for one in asked[500:]], CALLER)

        def slowly() -> Iterator[ModelRequest]:
            yield from asked  # most is on record, so that more is read while the first are asked
            time.sleep(1.0)  # a table that is far away

        with pytest.raises(KeyboardInterrupt):
            asker(ledger, on_progress=interrupt).answer_all(slowly, [asked[0].model])
        assert 0 < len(server.calls) == ledger.count() - 1_000


def test_an_engine_may_be_stopped_before_it_began_and_after_it_ended(ledger: Ledger) -> None:
    with llm_server() as server:
        asked = prompts(40, openai_at(server.openai_url))
        early, late = (Engine(ledger, Directory(access()), CALLER, terms()) for _ in range(2))
        early.stop()
        with pytest.raises(Stopped):
            asyncio.run(early.run(asked))
        assert server.calls == []
        asyncio.run(late.run(asked))
        late.stop()
        assert ledger.count() == 40


def test_what_a_listener_raises_stops_the_run_and_what_came_is_kept(ledger: Ledger) -> None:
    def refuse(reply: Reply) -> None:
        raise SettingsError("the model does not think", ["it should"])

    with llm_server(Rules(latency_s=0.05)) as server:
        with pytest.raises(SettingsError, match="does not think"):
            ask(asker(ledger, access(in_flight=8), on_reply=refuse), prompts(100, openai_at(server.openai_url)))
        assert 0 < len(server.calls) <= 16
        assert ledger.count() == len(server.calls)


def test_a_fault_in_the_requests_stops_the_run_and_what_came_is_kept(ledger: Ledger) -> None:
    with llm_server(Rules(latency_s=0.05)) as server:
        model = openai_at(server.openai_url)

        def broken() -> Iterator[ModelRequest]:
            yield from prompts(600, model)
            raise ValueError("a broken table")

        with pytest.raises(ValueError, match="a broken table"):
            asker(ledger).answer_all(broken, [model])
        assert ledger.count() == len(server.calls)


# Several processes


def test_processes_that_ask_the_same_pay_once_for_each(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with llm_server(Rules(latency_s=0.02)) as server:
        both = [asking(url, 200, "remote", server.openai_url, 8) for _ in range(2)]
        counts = [told(process) for process in both]
        assert paid(server) == once_each(prompts(200, openai_at(server.openai_url)))
    assert sum(asked for asked, _ in counts) == 200
    assert [asked + found for asked, found in counts] == [200, 200]


IN_FLIGHT = 8


@contextmanager
def killed_after(server: LlmServer, url: str, calls: int, wait_s: float) -> Iterator[None]:
    """A process that asks, killed some time after its first `calls` calls."""
    process, before = asking(url, 300, "remote", server.openai_url, IN_FLIGHT), len(server.calls)
    try:
        deadline = time.monotonic() + 30
        while len(server.calls) < before + calls:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(wait_s)
    finally:
        process.kill()
        process.communicate()
    yield


def survive(tmp_path: Path, moments: int, random: Random) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledger = Ledger(url)
    with llm_server(Rules(latency_s=0.02)) as server:
        asked = prompts(300, openai_at(server.openai_url))
        for _ in range(moments):
            with killed_after(server, url, random.randint(1, 250 // moments), random.uniform(0, 0.02)):
                pass
        twice_at_most, came = moments * IN_FLIGHT, len(server.calls)
        assert came - ledger.count() <= twice_at_most
        began = time.monotonic()
        assert answers(ask(asker(ledger, access(in_flight=IN_FLIGHT)), asked)) == expected(asked)
        assert came == len(server.calls) or server.calls[came].at - began < 2
        assert sum(paid(server).values()) - 300 <= twice_at_most
        assert paid(server).keys() == once_each(asked).keys()
    ledger.close()


def test_a_killed_process_costs_what_was_under_way_and_the_next_one_goes_on_at_once(tmp_path: Path) -> None:
    survive(tmp_path, 1, Random(time.time()))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_fifty_kills_cost_what_was_under_way_each_time(tmp_path: Path) -> None:
    for round_ in range(10):
        (folder := tmp_path / str(round_)).mkdir()
        survive(folder, 5, Random(round_))


def test_a_request_that_is_forbidden_is_a_row_and_costs_no_key(ledger: Ledger) -> None:
    with llm_server(Rules(latency_s=0.01)) as server:
        asked = prompts(40, openai_at(server.openai_url))
        bad = asked[20].messages[-1].content
        server.rules.answer = lambda one: Answer(fault="status:403") if one.prompt == bad else digest_answer(one.prompt)
        model = asker(ledger, access(keys=2))
        replies = ask(model, asked)
    assert [number for number, reply in enumerate(replies) if reply.status == "failed"] == [20]
    assert model.counts.parked == {}
