"""Provider `openai` against servers of our own: what is sent, and what becomes of each answer, stream and error."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from s1_assets.adapters.llm.openai_wire import STREAMED_FROM
from s1_assets.adapters.llm.provider import CallLimits, Fault, Key, Told, Try
from s1_assets.adapters.llm.providers.openai_compatible import IN_FLIGHT, NEAR_IN_FLIGHT, VENDOR, OpenAICompatible
from s1_assets.adapters.llm.reply_text import BY_LENGTH, USAGE
from s1_assets.domain.tokens import APPROXIMATE
from s1_assets.records.models import Message, ModelName, ModelRequest, Reply, Sampling
from s1_assets_tests.adapters.llm.wire_server import KEY, LIMITS, Handler, saying, served, streaming
from s1_assets_tests.fakes.llm_server import Answer, Limit, Rules, always, llm_server

NAME = "Qwen/QwQ-32B"
DEFAULT = Sampling()
LONG = Sampling(max_output_tokens=STREAMED_FROM + 1)


def request(
    base_url: str | None,
    sampling: Sampling = DEFAULT,
    thinking: Mapping[str, object] | None = None,
    sample_index: int = 0,
    model: str = NAME,
) -> ModelRequest:
    messages = (Message("system", "Be brief."), Message("user", "2 + 2?"))
    return ModelRequest(ModelName("openai", model, base_url), messages, sampling, thinking or {}, sample_index)


def tried(handler: Handler, key: Key | None = KEY, limits: CallLimits = LIMITS, **asked: Any) -> Try:
    async def work(url: str, session: aiohttp.ClientSession) -> Try:
        return await OpenAICompatible().ask(session, request(f"{url}/v1", **asked), key, limits)

    return served(handler, work)


def of_fake(rules: Rules, sampling: Sampling = DEFAULT, limits: CallLimits = LIMITS, calls: int = 1) -> Try:
    """The last of some calls to the fake of the vendors' wire."""

    async def run(url: str) -> Try:
        async with aiohttp.ClientSession() as session:
            tries = [await OpenAICompatible().ask(session, request(url, sampling), KEY, limits) for _ in range(calls)]
            return tries[-1]

    with llm_server(rules) as server:
        return asyncio.run(run(server.openai_url))


def reply(outcome: Reply | Fault) -> Reply:
    assert isinstance(outcome, Reply), outcome
    return outcome


def fault(outcome: Reply | Fault) -> Fault:
    assert isinstance(outcome, Fault), outcome
    return outcome


def message(content: Any, finish: str | None = "stop", usage: Any = None, model: str = NAME, **more: Any) -> Any:
    """An ordinary answer."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **more}}
    return {"model": model, "choices": [choice], "usage": usage}


def piece(finish: str | None = None, model: str = NAME, **delta: Any) -> Any:
    """A piece of a streamed answer."""
    return {"model": model, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def sent(key: Key | None = KEY, **asked: Any) -> tuple[dict[str, Any], Mapping[str, str], str]:
    """Body, headers and path of what a request is on the wire."""
    seen: list[tuple[dict[str, Any], Mapping[str, str], str]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((await request.json(), request.headers.copy(), request.path))
        return web.json_response(message("4"))

    tried(handler, key, **asked)
    return seen[0]


# What is sent


def test_what_was_set_is_sent_and_nothing_else() -> None:
    body, headers, path = sent()
    assert path == "/v1/chat/completions"
    assert body == {
        "model": NAME,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}],
    }
    assert headers["Authorization"] == f"Bearer {KEY.secret}"
    assert headers["Content-Type"] == "application/json"
    body, headers, _ = sent(None, sampling=Sampling(100, 0.6, 0.95, 20, 3), sample_index=2)
    assert {name: body[name] for name in ("max_tokens", "temperature", "top_p", "top_k", "seed")} == {
        "max_tokens": 100,
        "temperature": 0.6,
        "top_p": 0.95,
        "top_k": 20,
        "seed": 5,
    }
    assert "Authorization" not in headers


def test_thinking_is_asked_for_by_level_and_by_fields_of_the_servers_own() -> None:
    body, _, _ = sent(thinking={"level": "low", "budget": 100})
    assert body["reasoning_effort"] == "low"
    body, _, _ = sent(thinking={"budget": 100, "extra": {"chat_template_kwargs": {"enable_thinking": False}}})
    assert (body.get("reasoning_effort"), body["chat_template_kwargs"]) == (None, {"enable_thinking": False})
    assert "budget" not in body
    assert fault(tried(saying(message("4")), thinking={"levle": "low"}).outcome).kind == "unusable"


def test_a_long_answer_is_asked_for_as_a_stream() -> None:
    body, _, _ = sent(sampling=LONG)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    body, _, _ = sent(sampling=Sampling(max_output_tokens=STREAMED_FROM))
    assert "stream" not in body


def test_the_vendors_own_api_takes_its_own_name_for_the_limit() -> None:
    seen: list[dict[str, Any]] = []

    class Here(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
            here = ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)
            return [here]

        async def close(self) -> None:
            pass

    async def handler(request: web.Request) -> web.Response:
        seen.append(await request.json())
        return web.json_response(message("4"))

    async def work(url: str, _: aiohttp.ClientSession) -> Try:
        vendor = url.replace("127.0.0.1", "api.openai.com")
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Here())) as session:
            asked = request(f"{vendor}/v1", Sampling(max_output_tokens=100))
            return await OpenAICompatible().ask(session, asked, KEY, LIMITS)

    assert reply(served(handler, work).outcome).status == "ok"
    assert (seen[0]["max_completion_tokens"], "max_tokens" in seen[0]) == (100, False)
    assert OpenAICompatible().endpoint(ModelName("openai", "gpt-x")) == VENDOR


def test_a_server_of_our_own_takes_more_at_once() -> None:
    provider = OpenAICompatible()
    near = ("http://127.0.0.1:8000/v1", "http://localhost/v1", "http://10.0.0.7:8000", "http://vllm:8000/v1")
    for base_url in (*near, "http://[::1]:8000/v1", "http://gpu.internal/v1"):
        assert provider.in_flight_at(ModelName("openai", "m", base_url)) == NEAR_IN_FLIGHT
    for far in (None, "https://example.com/v1", "https://8.8.8.8/v1"):
        assert provider.in_flight_at(ModelName("openai", "m", far)) == IN_FLIGHT == 64


def test_a_base_url_that_is_no_address_is_told_before_anything_is_asked() -> None:
    provider = OpenAICompatible()
    assert provider.fault_of(ModelName("openai", "gpt-x")) is None
    assert provider.fault_of(ModelName("openai", "m", "http://127.0.0.1:8000/v1")) is None
    for wrong in ("127.0.0.1:8000/v1", "file:///v1", "http://", "http://[::1/v1", "http://h:x/v1"):
        assert "is no server's address" in (provider.fault_of(ModelName("openai", "m", wrong)) or "")


# Answers


def test_thinking_and_answer_come_apart_however_the_server_writes_them() -> None:
    ways = (
        message("4", reasoning_content="two and two"),
        message("4", reasoning="two and two"),
        message("<think>two and two</think>\n4"),
        message("two and two</think>4"),
        message([{"type": "text", "text": "<think>two and two</think>4"}]),
    )
    for way in ways:
        got = reply(tried(saying(way)).outcome)
        assert (got.status, got.thinking, got.answer, got.thinking_kind) == ("ok", "two and two", "4", "raw")
    plain = reply(tried(saying(message("4"))).outcome)
    assert (plain.thinking, plain.thinking_kind, plain.answer, plain.served_model) == ("", "none", "4", NAME)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("thinking_in", ["reasoning_content", "reasoning", "think"])
def test_streamed_or_not_the_reply_is_the_same(streamed: bool, thinking_in: Any) -> None:
    rules = always(Answer("Two and two, é", "It is 4.", cached_tokens=1))
    rules.thinking_in = thinking_in
    got = reply(of_fake(rules, LONG if streamed else DEFAULT).outcome)
    assert (got.status, got.thinking, got.answer, got.finish_reason) == ("ok", "Two and two, é", "It is 4.", "stop")
    assert (got.input_tokens, got.cached_tokens, got.thinking_tokens, got.answer_tokens) == (2, 1, 4, 2)
    assert got.token_counter == USAGE


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (message("half of it", "length"), "truncated", "max_tokens"),
        (message("<think>on and on", "length"), "truncated", "max_tokens"),
        (message("", "length"), "truncated", "max_tokens"),
        (message("", "content_filter"), "blocked", "content_filter"),
        (message(None, refusal="I will\nnot"), "refused", "I will not"),
        (message("half", "abort"), "truncated", "connection_cut"),
        (message("4", None), "ok", ""),
    ],
)
def test_every_way_to_have_no_whole_answer_is_a_status_of_its_own(answer: Any, status: str, reason: str) -> None:
    got = reply(tried(saying(answer)).outcome)
    assert (got.status, got.reason) == (status, reason)


@pytest.mark.parametrize("answer", [message(""), message(None), message("<think>hm"), message("<think>hm</think>")])
def test_an_empty_answer_may_be_another_with_another_seed(answer: Any) -> None:
    got = fault(tried(saying(answer)).outcome)
    assert (got.kind, got.maybe_billed) == ("no_answer", True)
    assert "stop" in got.reason


def test_no_choices_are_no_answer() -> None:
    for sampling in (DEFAULT, LONG):
        assert fault(of_fake(always(Answer(fault="no_candidates")), sampling).outcome).kind == "no_answer"


def test_another_model_than_the_one_asked_is_told_and_its_text_kept() -> None:
    for answer in (message("4", model="other"), message("4", "length", model="other")):
        got = reply(tried(saying(answer)).outcome)
        assert (got.status, got.answer, got.served_model) == ("substituted", "4", "other")
        assert got.reason == f"asked for {NAME}, other answered"
    dated = reply(tried(saying(message("4", model="gpt-x-2026-01-01")), model="gpt-x").outcome)
    assert dated.status == "ok"


def usage(prompt: int = 10, completion: int = 100, total: int = 110, reasoning: int | None = None) -> Any:
    details = {} if reasoning is None else {"completion_tokens_details": {"reasoning_tokens": reasoning}}
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total, **details}


@pytest.mark.parametrize(
    ("counts", "thinking", "expected"),
    [
        (usage(reasoning=60), "x" * 30, (10, 60, 40, USAGE)),
        (usage(reasoning=60), "", (10, 60, 40, USAGE)),
        (usage(total=170, reasoning=60), "x" * 30, (10, 60, 100, USAGE)),
        (usage(total=170), "", (10, 60, 100, USAGE)),
        (usage(), "x" * 30, (10, 75, 25, BY_LENGTH)),
        (usage(), "", (10, 0, 100, USAGE)),
        ({"prompt_tokens": "10", "completion_tokens": True}, "", (7, 0, 2, APPROXIMATE)),
        ({"prompt_tokens_details": [3]}, "", (7, 0, 2, APPROXIMATE)),
        (None, "x" * 30, (7, 5, 2, APPROXIMATE)),
    ],
)
def test_tokens_are_the_servers_where_it_tells_them(counts: Any, thinking: str, expected: tuple[Any, ...]) -> None:
    got = reply(tried(saying(message("x" * 10, usage=counts, reasoning=thinking))).outcome)
    assert (got.input_tokens, got.thinking_tokens, got.answer_tokens, got.token_counter) == expected


def test_half_characters_do_not_reach_a_table() -> None:
    body = '{"model":"\\ud83d","choices":[{"message":{"content":"half \\ud83d"},"finish_reason":"\\ud83d"}]}'
    got = reply(tried(saying(body)).outcome)
    assert (got.answer, got.served_model, got.finish_reason) == ("half ?", "?", "?")
    repr(got).encode()


# Broken answers


@pytest.mark.parametrize(
    "body",
    [
        "{cut in the mid", "", ["a list"], {"error": "busy"}, {}, {"choices": ["x"]}, {"choices": [{}]},
        {"choices": None}, {"choices": 3}, {"choices": {"a": 1}}, "null", "[" * 100_000,
    ],
)  # fmt: skip
def test_an_answer_without_a_message_is_transient_and_may_be_billed(body: Any) -> None:
    got = fault(tried(saying(body)).outcome)
    assert (got.kind, got.maybe_billed) == ("transient", True)


def test_an_error_that_says_200_is_what_its_code_says() -> None:
    got = fault(tried(saying({"error": {"code": 429, "message": "slow down"}})).outcome)
    assert (got.kind, got.reason) == ("limited", "HTTP 429: slow down")
    assert fault(tried(saying({"error": {"code": "402", "message": "pay"}})).outcome).kind == "key_exhausted"
    assert fault(tried(saying({"error": {"code": "4" * 5_000}})).outcome).kind == "transient"


@pytest.mark.parametrize("kind", ["disconnect", "cut", "not_json", "ends_early", "error_in_stream", "status:503"])
def test_what_breaks_before_an_answer_is_whole_is_transient(kind: str) -> None:
    assert fault(of_fake(always(Answer("why", "4", fault=kind))).outcome).kind == "transient"


@pytest.mark.parametrize("kind", ["cut", "ends_early", "error_in_stream"])
def test_a_stream_that_breaks_keeps_what_came(kind: str) -> None:
    got = reply(of_fake(always(Answer("thinking " * 50, "4", fault=kind)), LONG).outcome)
    assert (got.status, got.reason, got.answer, got.thinking_kind) == ("truncated", "connection_cut", "", "raw")
    assert got.thinking.startswith("thinking thinking")
    assert (got.token_counter, got.input_tokens > 0, got.thinking_tokens > 0) == (APPROXIMATE, True, True)


def test_a_stream_that_goes_silent_or_on_for_ever_keeps_what_came() -> None:
    stalling = always(Answer("thinking " * 50, "4", fault="stall"))
    got = reply(of_fake(stalling, LONG, CallLimits(total_s=5, silence_s=0.2)).outcome)
    assert (got.status, got.reason) == ("truncated", "connection_cut")
    got = reply(of_fake(stalling, LONG, CallLimits(total_s=0.3, silence_s=5)).outcome)
    assert (got.status, got.reason) == ("truncated", "time_limit")


def test_a_stream_that_breaks_before_any_text_is_transient() -> None:
    for handler in (
        streaming(piece(role="assistant", content=""), ending="cut"),
        streaming(piece(role="assistant")),
        streaming(),
        streaming("data: [DONE]\n\n"),
        streaming("data: {half\n\n"),
        streaming("data: 3\n\n"),
        streaming({"error": {"message": "overloaded"}}),
    ):
        got = fault(tried(handler, sampling=LONG).outcome)
        assert (got.kind, got.maybe_billed) == ("transient", True)


def test_an_error_within_a_stream_is_what_its_code_says() -> None:
    got = fault(tried(streaming({"error": {"code": 400, "message": "too long"}}), sampling=LONG).outcome)
    assert (got.kind, got.reason) == ("failed", "HTTP 400: too long")


def test_a_connection_cut_after_the_last_word_loses_nothing() -> None:
    handler = streaming(piece(content="4"), piece("stop"), ending="cut")
    assert reply(tried(handler, sampling=LONG).outcome).status == "ok"


def test_a_server_that_answers_whole_where_a_stream_was_asked_is_understood() -> None:
    assert reply(tried(saying(message("4")), sampling=LONG).outcome).answer == "4"


# Refusals


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (400, {"message": "too long", "code": "context_length_exceeded", "param": "messages"}, "failed"),
        (400, {"message": f"The model `{NAME}` does not exist"}, "unusable"),
        (400, {"message": "no", "code": "model_not_found"}, "unusable"),
        (400, {"message": "no", "param": "model"}, "unusable"),
        (401, {"message": "no"}, "key_dead"),
        (402, {"message": "pay"}, "key_exhausted"),
        (403, {"message": "no"}, "key_dead"),
        (404, {"message": "no"}, "unusable"),
        (408, {"message": "no"}, "transient"),
        (413, {"message": "no"}, "failed"),
        (422, {"message": "no"}, "failed"),
        (429, {"message": "slow down"}, "limited"),
        (429, {"message": "Request too large for m on tokens per min (TPM)"}, "failed"),
        (429, {"message": "pay", "code": "insufficient_quota"}, "key_exhausted"),
        (429, {"message": "pay", "type": "insufficient_quota"}, "key_exhausted"),
        (503, {"message": "busy"}, "transient"),
    ],
)
def test_each_refusal_is_a_fault_of_its_kind(status: int, error: Any, kind: str) -> None:
    for sampling in (DEFAULT, LONG):
        got = fault(tried(saying({"error": error}, status), sampling=sampling).outcome)
        assert (got.kind, got.maybe_billed) == (kind, False)
        assert got.reason == f"HTTP {status}: {error['message']}"


def test_a_prompt_that_a_filter_stops_is_blocked() -> None:
    got = reply(tried(saying({"error": {"code": "content_filter", "message": "policy"}}, 400)).outcome)
    assert (got.status, got.reason) == ("blocked", "policy")


def test_a_wait_and_the_limits_are_told() -> None:
    headers = {"retry-after": "7", "x-ratelimit-limit-requests": "60", "x-ratelimit-limit-tokens": "9000"}
    got = tried(saying({"error": "slow down"}, 429, headers))
    assert (fault(got.outcome).wait_s, got.told) == (7, Told(60, 9_000))
    assert tried(saying(message("4"), headers=headers)).told == Told(60, 9_000)
    assert tried(saying(message("4"))).told is None


def test_a_limit_of_the_fake_is_met_and_told() -> None:
    rules = Rules(default_limit=Limit(60, burst=1, tokens_per_minute=9_000), limit_headers=True)
    got = of_fake(rules, calls=2)
    assert fault(got.outcome).kind == "limited"
    assert 0 < (fault(got.outcome).wait_s or 0) <= 1
    assert got.told == Told(60, 9_000)


def test_no_reason_holds_the_key() -> None:
    echo = {"error": {"message": f"no such key: {KEY.secret}"}}
    for handler in (
        saying(echo, 401),
        saying(echo),
        streaming(echo),
        saying(f"<p>{KEY.secret}", 500),
        saying(f"<p>{KEY.secret}"),
    ):
        got = tried(handler, sampling=LONG)
        assert KEY.secret not in repr(got)
        assert "[key]" in fault(got.outcome).reason
