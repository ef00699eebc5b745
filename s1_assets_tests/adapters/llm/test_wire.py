"""The HTTP edge: each way a call can go wrong is one fault, and what servers tell of waits and limits is read."""

import asyncio
import json
import socket
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from s1_assets.adapters.llm.asked_thinking import AskedThinking, asked_thinking
from s1_assets.adapters.llm.complaints import (
    Complaint,
    complaint_in,
    delay_told,
    is_spent,
    limits_told,
    status_fault,
    wait_told,
)
from s1_assets.adapters.llm.provider import CallLimits, Fault, Told
from s1_assets.adapters.llm.reply_text import WORDS, is_same_model, share_by_length, split_thinking, text_of
from s1_assets.adapters.llm.wire import DONE, Answered, Cut, Events, post, read_object, stream, to_bytes
from s1_assets_tests.adapters.llm.wire_server import LIMITS, Handler, closed_port, cutting, saying, served, streaming

QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"


def sent(handler: Handler, limits: CallLimits = LIMITS, scheme: str = "http", body: bytes = b"{}") -> Answered | Fault:
    async def work(url: str, session: aiohttp.ClientSession) -> Answered | Fault:
        return await post(session, url.replace("http", scheme, 1), {}, body, limits)

    return served(handler, work)


def streamed(handler: Handler, limits: CallLimits = LIMITS) -> tuple[Answered | Fault | Cut, list[bytes]]:
    taken: list[bytes] = []

    def take(payload: bytes) -> Fault | None:
        taken.append(payload)
        return Fault("transient", "enough") if payload == b"bad" else None

    async def work(url: str, session: aiohttp.ClientSession) -> Answered | Fault | Cut:
        return await stream(session, url, {}, b"{}", limits, take)

    return served(handler, work), taken


def alone(url: str, connector: aiohttp.TCPConnector | None = None) -> Answered | Fault:
    """A call with no server of ours."""

    async def run() -> Answered | Fault:
        async with aiohttp.ClientSession(connector=connector) as session:
            return await post(session, url, {}, b"{}", LIMITS)

    return asyncio.run(run())


def fault(outcome: Any) -> Fault:
    assert isinstance(outcome, Fault), outcome
    return outcome


def cut(outcome: Any) -> Cut:
    assert isinstance(outcome, Cut), outcome
    return outcome


# One POST


def test_an_answer_comes_whole_whatever_its_status() -> None:
    answered = sent(saying({"a": 1}, 418, {"X-Any": "1"}))
    assert isinstance(answered, Answered)
    assert (answered.status, json.loads(answered.body), answered.headers["x-any"]) == (418, {"a": 1}, "1")


def test_a_body_of_megabytes_is_sent_whole() -> None:
    async def handler(request: web.Request) -> web.Response:
        size = 0
        async for piece in request.content.iter_any():
            size += len(piece)
        return web.json_response({"size": size})

    answered = sent(handler, body=b" " * 3_000_000)
    assert isinstance(answered, Answered)
    assert json.loads(answered.body) == {"size": 3_000_000}


def test_a_port_where_nothing_listens_is_transient_and_was_never_billed() -> None:
    url = closed_port()
    told = fault(alone(url))
    assert (told.kind, told.maybe_billed) == ("transient", False)
    assert url.removeprefix("http://") in told.reason


def test_a_name_that_nobody_knows_is_transient_and_told() -> None:
    class NoName(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
            raise OSError(None, "Name or service not known")

        async def close(self) -> None:
            pass

    async def run() -> Answered | Fault:
        connector = aiohttp.TCPConnector(resolver=NoName())
        async with aiohttp.ClientSession(connector=connector) as session:
            return await post(session, "http://nobody.example/v1", {}, b"{}", LIMITS)

    told = fault(asyncio.run(run()))
    assert (told.kind, told.maybe_billed) == ("transient", False)
    assert "nobody.example" in told.reason


def test_a_server_that_does_not_speak_tls_is_transient_and_named() -> None:
    told = fault(sent(saying({}), scheme="https"))
    assert (told.kind, told.maybe_billed) == ("transient", False)
    assert "127.0.0.1" in told.reason


def test_an_address_that_is_none_cannot_be_used() -> None:
    for url in ("ftp://127.0.0.1/v1", "http://", "not an address", "http://[::1/v1", "http://h:x/v1"):
        assert fault(alone(url)).kind == "unusable"


def test_a_key_with_a_line_break_is_told_without_it() -> None:
    async def work(url: str, session: aiohttp.ClientSession) -> Answered | Fault:
        return await post(session, url, {"Authorization": "Bearer se\ncret"}, b"{}", LIMITS)

    told = fault(served(saying({}), work))
    assert told.kind == "unusable"
    assert "cret" not in told.reason


def test_an_answer_that_takes_too_long_may_be_billed() -> None:
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(3)
        return web.Response()

    told = fault(sent(slow, CallLimits(total_s=0.1)))
    assert (told.kind, told.maybe_billed) == ("transient", True)
    assert "within 0.1 s" in told.reason


@pytest.mark.parametrize("handler", [cutting(), streaming("data: half", ending="cut")])
def test_a_cut_connection_may_be_billed(handler: Handler) -> None:
    told = fault(sent(handler))
    assert (told.kind, told.maybe_billed) == ("transient", True)


# Streams


def test_a_stream_hands_on_each_payload_up_to_its_end() -> None:
    outcome, taken = streamed(
        streaming(": hello\n\n", "data: 1\n\nda", "ta:2\r\n\r\n", "data: [DONE]\n\n", "data: 3\n\n")
    )
    assert isinstance(outcome, Answered)
    assert (outcome.body, taken) == (DONE, [b"1", b"2"])


def test_a_stream_without_its_last_blank_line_loses_nothing() -> None:
    outcome, taken = streamed(streaming("event: x\ndata: 1\ndata: 2"))
    assert isinstance(outcome, Answered)
    assert (outcome.body, taken) == (b"", [b"1\n2"])


def test_a_server_that_does_not_stream_gives_its_body() -> None:
    outcome, taken = streamed(saying({"a": 1}))
    assert isinstance(outcome, Answered)
    assert (json.loads(outcome.body), taken) == ({"a": 1}, [])


def test_a_refused_stream_gives_status_and_body() -> None:
    outcome, _ = streamed(saying({"error": "no"}, 429))
    assert isinstance(outcome, Answered)
    assert outcome.status == 429


def test_a_stream_that_is_cut_keeps_what_came() -> None:
    outcome, taken = streamed(streaming("data: 1\n\n", ending="cut"))
    assert (cut(outcome).by, cut(outcome).fault.kind, cut(outcome).fault.maybe_billed) == (
        "connection_cut",
        "transient",
        True,
    )
    assert taken == [b"1"]


def test_silence_within_a_stream_is_a_cut() -> None:
    outcome, taken = streamed(streaming("data: 1\n\n", ending="silence"), replace(LIMITS, silence_s=0.1))
    assert (cut(outcome).by, taken) == ("connection_cut", [b"1"])
    assert "fell silent for 0.1 s" in cut(outcome).fault.reason


def test_a_stream_that_never_ends_runs_into_the_time_limit() -> None:
    pieces = ["data: 1\n\n"] * 50
    outcome, taken = streamed(streaming(*pieces, between_s=0.02), CallLimits(total_s=0.15, silence_s=2.0))
    assert cut(outcome).by == "time_limit"
    assert 0 < len(taken) < 50


def test_a_model_may_think_in_silence_before_the_first_piece() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.3)
        return await streaming("data: 1\n\n", "data: [DONE]\n\n")(request)

    outcome, taken = streamed(handler, replace(LIMITS, silence_s=0.1))
    assert isinstance(outcome, Answered)
    assert taken == [b"1"]


def test_what_is_taken_may_end_the_stream() -> None:
    outcome, taken = streamed(streaming("data: bad\n\n", "data: 2\n\n"))
    assert (cut(outcome).fault.reason, taken) == ("enough", [b"bad"])


def test_events_are_the_same_in_pieces_of_any_size() -> None:
    text = b": c\n\ndata: one\n\ndata: two\ndata: lines\n\nid: 1\r\ndata: three\r\n\r\n"
    for size in range(1, len(text) + 1):
        events = Events()
        found = [each for at in range(0, len(text), size) for each in events.feed(text[at : at + size])]
        assert [*found, *events.end()] == [b"one", b"two\nlines", b"three"]


# What servers tell


def test_waits_are_read_in_every_form() -> None:
    assert wait_told({"retry-after": "7"}) == 7
    assert wait_told({"retry-after": "0.5"}) == 0.5
    assert wait_told({"retry-after-ms": "250", "retry-after": "7"}) == 0.25
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert wait_told({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": date}) == 30
    assert wait_told({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert 55 < (wait_told({"retry-after": formatdate(usegmt=True, timeval=_now() + 60)}) or 0) <= 60
    for nonsense in ("", "soon", "-1", "nan", "inf", "1e999", "99 Foo 2026"):
        assert wait_told({"retry-after": nonsense}) is None


def _now() -> float:
    import time

    return time.time()


def test_googles_delay_is_read() -> None:
    assert delay_told(google({"retryDelay": "34.074824224s"})) == 34.074824224
    assert delay_told(google({"retryDelay": "soon"}, {"retryDelay": 3})) is None


def google(*details: dict[str, Any]) -> Complaint:
    return complaint_in(json.dumps({"error": {"code": 429, "message": "slow down", "details": details}}).encode())


def quota(name: str, value: str = "20") -> dict[str, Any]:
    return {"@type": QUOTA, "violations": [{"quotaId": name, "quotaValue": value}]}


def test_limits_per_minute_are_read_from_headers_and_quotas() -> None:
    assert limits_told({}) is None
    assert limits_told({"x-ratelimit-limit-requests": "500"}) == Told(500, None)
    headers = {"x-ratelimit-limit-requests": "500", "x-ratelimit-limit-tokens": "30000"}
    assert limits_told(headers) == Told(500, 30_000)
    requests = quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "15")
    tokens = quota("GenerateContentInputTokensPerModelPerMinute-FreeTier", "250000")
    assert limits_told({}, google(requests, tokens)) == Told(15, 250_000)
    assert limits_told({}, google(quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"))) is None


def test_a_quota_of_the_day_is_spent_and_one_of_the_minute_is_not() -> None:
    assert is_spent(google(quota("GenerateRequestsPerMinutePerProjectPerModel"))) is False
    assert is_spent(google(quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"))) is True
    assert is_spent(google(quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier", "0"))) is True
    assert is_spent(google({"violations": "none"}, {"violations": ["none"]})) is False


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "slow\n down"}}, "slow down"),
        ({"error": "slow down"}, "slow down"),
        ({"object": "error", "message": "slow down"}, "slow down"),
        ({"detail": "slow down"}, "slow down"),
        ([{"error": {"message": "slow down"}}], "slow down"),
        ({"error": {"code": 7}}, '{"error": {"code": 7}}'),
        ([], "[]"),
    ],
)
def test_a_servers_own_words_are_found(body: Any, words: str) -> None:
    assert complaint_in(json.dumps(body).encode()).words == words


def test_words_are_short_and_hold_no_key() -> None:
    assert complaint_in(b"").words == "(no words)"
    assert complaint_in(b"<html>\xff" * 10_000).words.startswith("<html>")
    assert len(complaint_in(b"x" * 10_000).words) == WORDS
    assert complaint_in(b"the key my-secret is wrong", "my-secret").words == "the key [key] is wrong"
    assert len(complaint_in(b"[" * 200_000).words) == WORDS


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, "unusable"), (400, "failed"), (401, "key_dead"), (402, "key_exhausted"), (403, "key_dead"),
        (404, "unusable"), (405, "unusable"), (410, "unusable"), (408, "transient"), (409, "transient"),
        (413, "failed"), (422, "failed"), (425, "transient"), (429, "limited"), (500, "transient"), (529, "transient"),
    ],
)  # fmt: skip
def test_each_status_is_a_fault_of_its_kind(status: int, kind: str) -> None:
    told = status_fault(Answered(status, {"retry-after": "3", "location": "http://x"}, b""), Complaint("because"))
    assert told.kind == kind
    assert str(status) in told.reason
    assert told.wait_s == (3 if kind in ("limited", "transient") else None)


def test_a_gateway_that_gave_up_may_be_billed() -> None:
    assert [status_fault(Answered(code, {}, b""), Complaint("")).maybe_billed for code in (502, 504)] == [False, True]


@pytest.mark.parametrize("body", [b"", b"{cut", b"[1]", b"\xff", b"[" * 200_000, b"1" * 5_000])
def test_what_is_no_json_object_is_transient_and_may_be_billed(body: bytes) -> None:
    told = fault(read_object(body))
    assert (told.kind, told.maybe_billed) == ("transient", True)


# Texts, names, thinking


def test_half_characters_are_sent_and_kept_as_question_marks() -> None:
    assert to_bytes({"a": "é\ud83d"}) == '{"a":"é?"}'.encode()
    assert text_of("é\ud83d") == "é?"
    assert text_of([{"type": "text", "text": "a"}, {"text": "b"}, 3, {"type": "image"}]) == "ab"
    assert text_of(None) == ""


def test_thinking_comes_apart_with_or_without_its_opening_tag() -> None:
    assert split_thinking("\n<think>why</think>\n4") == ("why", "4")
    assert split_thinking("why</think>4") == ("why", "4")
    assert split_thinking("<think>why") == ("why", "")
    assert split_thinking(" 4 ") == ("", "4")
    assert (share_by_length(100, "aaa", "a"), share_by_length(7, "", "")) == (75, 0)


@pytest.mark.parametrize(
    ("asked", "model", "same"),
    [
        ("gpt-x", "gpt-x", True), ("gpt-x", "", True), ("gpt-x", "gpt-x-2026-01-01", True),
        ("gpt-x-20260101", "gpt-x", True), ("gemini-2.0-flash", "models/gemini-2.0-flash-001", True),
        ("Qwen/QwQ-32B", "/srv/models/qwq-32b", True), ("llama3", "llama3:latest", True),
        ("gemini-flash-latest", "gemini-9-flash", True), ("gpt-x", "gpt-x-mini", False), ("gpt-x", "gpt-y", False),
        ("gemini-2.5-pro", "gemini-3.8-flash", False), ("gemini-2.5-flash", "gemini-2.5-flash-lite", False),
    ],
)  # fmt: skip
def test_a_dated_version_is_the_same_model_and_another_is_not(asked: str, model: str, same: bool) -> None:
    assert is_same_model(asked, model) is same


def test_thinking_settings_are_read_and_misspelt_ones_told() -> None:
    assert asked_thinking({}) == AskedThinking()
    settings = {"level": "low", "extra": {"a": 1}}
    assert asked_thinking(settings) == AskedThinking("low", None, {"a": 1})
    wrongs: list[dict[str, object]] = [
        {"levl": "low"},
        {"level": 3},
        {"budget": "many"},
        {"budget": True},
        {"extra": []},
    ]
    for wrong in wrongs:
        assert fault(asked_thinking(wrong)).kind == "unusable"
