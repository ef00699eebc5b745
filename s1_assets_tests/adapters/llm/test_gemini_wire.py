"""Providers `gemini` and `vertex` against servers of our own: what is sent, and what becomes of each answer."""

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from s1_assets.adapters.llm.gemini_wire import STREAMED_FROM
from s1_assets.adapters.llm.provider import CallLimits, Fault, Key, RemoteProvider, Told, Try
from s1_assets.adapters.llm.providers.gemini import VENDOR, Gemini
from s1_assets.adapters.llm.providers.vertex import DefaultCredentials, Vertex
from s1_assets.adapters.llm.reply_text import USAGE
from s1_assets.domain.tokens import APPROXIMATE
from s1_assets.records.models import Message, ModelName, ModelRequest, Reply, Sampling
from s1_assets_tests.adapters.llm.wire_server import KEY, LIMITS, Handler, saying, served, streaming
from s1_assets_tests.fakes.llm_server import Answer, Limit, Rules, always, llm_server

NAME = "gemini-2.5-flash"
DEFAULT = Sampling()
LONG = Sampling(max_output_tokens=STREAMED_FROM + 1)
THINKS: Mapping[str, object] = {"budget": 1024}


async def token() -> str | Fault:
    return "not-a-real-token"


def vertex(project: str | None = "a-project", location: str | None = "global") -> Vertex:
    return Vertex(project, location, token)


def request(
    base_url: str | None,
    sampling: Sampling = DEFAULT,
    thinking: Mapping[str, object] = THINKS,
    sample_index: int = 0,
    model: str = NAME,
) -> ModelRequest:
    messages = (
        Message("system", "Be brief."),
        Message("user", "2 + 2?"),
        Message("assistant", "4"),
        Message("user", "Sure?"),
    )
    return ModelRequest(ModelName("gemini", model, base_url), messages, sampling, thinking, sample_index)


def tried(
    handler: Handler,
    provider: RemoteProvider | None = None,
    key: Key | None = KEY,
    limits: CallLimits = LIMITS,
    **asked: Any,
) -> Try:
    async def work(url: str, session: aiohttp.ClientSession) -> Try:
        return await (provider or Gemini()).ask(session, request(url, **asked), key, limits)

    return served(handler, work)


def of_fake(
    rules: Rules,
    sampling: Sampling = DEFAULT,
    limits: CallLimits = LIMITS,
    provider: RemoteProvider | None = None,
    calls: int = 1,
) -> Try:
    """The last of some calls to the fake of the vendors' wire."""

    async def run(url: str) -> Try:
        async with aiohttp.ClientSession() as session:
            asked = request(url, sampling)
            return [await (provider or Gemini()).ask(session, asked, KEY, limits) for _ in range(calls)][-1]

    with llm_server(rules) as server:
        return asyncio.run(run(server.gemini_url))


def reply(outcome: Reply | Fault) -> Reply:
    assert isinstance(outcome, Reply), outcome
    return outcome


def fault(outcome: Reply | Fault) -> Fault:
    assert isinstance(outcome, Fault), outcome
    return outcome


def candidate(text: str | None, finish: str | None = "STOP", thought: str = "", **more: Any) -> Any:
    parts = [{"text": thought, "thought": True}] * bool(thought) + [{"text": text}] * (text is not None)
    content = {"role": "model", **({"parts": parts} if parts else {})}
    return {"modelVersion": NAME, "candidates": [{"content": content, "finishReason": finish, **more}]}


def sent(provider: RemoteProvider | None = None, **asked: Any) -> tuple[dict[str, Any], Mapping[str, str], str]:
    """Body, headers and path of what a request is on the wire."""
    seen: list[tuple[dict[str, Any], Mapping[str, str], str]] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((await request.json(), request.headers.copy(), request.path_qs))
        return web.json_response(candidate("4"))

    tried(handler, provider, **asked)
    return seen[0]


# What is sent


def test_what_was_set_is_sent_in_googles_words() -> None:
    body, headers, path = sent(sampling=Sampling(100, 0.6, 0.95, 20, 3), sample_index=2)
    assert path == f"/v1beta/models/{NAME}:generateContent"
    assert headers["x-goog-api-key"] == KEY.secret
    assert body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "2 + 2?"}]},
            {"role": "model", "parts": [{"text": "4"}]},
            {"role": "user", "parts": [{"text": "Sure?"}]},
        ],
        "generationConfig": {
            "maxOutputTokens": 100,
            "temperature": 0.6,
            "topP": 0.95,
            "topK": 20,
            "seed": 5,
            "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 1024},
        },
    }


def test_a_long_answer_is_asked_for_as_a_stream() -> None:
    assert sent(sampling=LONG)[2] == f"/v1beta/models/{NAME}:streamGenerateContent?alt=sse"


def test_thinking_is_asked_for_by_level_or_by_budget() -> None:
    def config(thinking: Mapping[str, object]) -> Any:
        return sent(thinking=thinking)[0].get("generationConfig", {}).get("thinkingConfig")

    assert config({"level": "high"}) == {"includeThoughts": True, "thinkingLevel": "HIGH"}
    assert config({"budget": 0}) == {"thinkingBudget": 0}
    assert config({}) is None
    assert fault(tried(saying({}), thinking={"level": "high", "budget": 3}).outcome).kind == "unusable"
    extra = {"extra": {"safetySettings": [], "generationConfig": {"candidateCount": 1}}}
    body, _, _ = sent(thinking=extra, sampling=Sampling(temperature=0.5))
    assert body["safetySettings"] == []
    assert body["generationConfig"] == {"temperature": 0.5, "candidateCount": 1}


def test_a_model_without_a_base_url_is_asked_for_at_google() -> None:
    assert Gemini().endpoint(ModelName("gemini", NAME)) == VENDOR
    assert Gemini().fault_of(ModelName("gemini", NAME)) is None
    assert "no server's address" in (Gemini().fault_of(ModelName("gemini", NAME, "nowhere")) or "")
    assert sent(model="models/gemini-x")[2] == "/v1beta/models/gemini-x:generateContent"
    assert sent(model="a/../b?c")[2] == "/v1beta/models/a%2F..%2Fb%3Fc:generateContent"


# Answers


@pytest.mark.parametrize("sampling", [DEFAULT, LONG])
def test_streamed_or_not_the_reply_is_the_same(sampling: Sampling) -> None:
    answer = Answer("Two and two, é", "It is 4.", cached_tokens=1, thinking_tokens=900)
    got = reply(of_fake(always(answer), sampling).outcome)
    assert (got.status, got.thinking, got.answer, got.thinking_kind) == ("ok", "Two and two, é", "It is 4.", "summary")
    assert (got.input_tokens, got.cached_tokens, got.thinking_tokens, got.answer_tokens) == (2, 1, 900, 2)
    assert (got.token_counter, got.finish_reason, got.served_model) == (USAGE, "STOP", NAME)


def test_thinking_that_is_counted_but_not_shown_is_no_summary() -> None:
    counts = {"promptTokenCount": 5, "thoughtsTokenCount": 900, "candidatesTokenCount": 2}
    got = reply(tried(saying({**candidate("4"), "usageMetadata": counts})).outcome)
    assert (got.thinking_kind, got.thinking, got.thinking_tokens, got.answer_tokens) == ("none", "", 900, 2)


def test_tokens_are_ours_where_none_are_told() -> None:
    got = reply(tried(saying(candidate("4", thought="two and two"))).outcome)
    assert (got.token_counter, got.input_tokens, got.thinking_tokens, got.answer_tokens) == (APPROXIMATE, 10, 3, 1)


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (candidate("4", None), "ok", ""),
        (candidate("half", "MAX_TOKENS"), "truncated", "max_tokens"),
        (candidate(None, "MAX_TOKENS", thought="hm"), "truncated", "max_tokens_no_answer"),
        (candidate(None, "MAX_TOKENS"), "truncated", "max_tokens_no_answer"),
        (candidate(None, "SAFETY"), "blocked", "SAFETY"),
        (candidate("half", "PROHIBITED_CONTENT"), "blocked", "PROHIBITED_CONTENT"),
        (candidate(None, "BLOCKLIST"), "blocked", "BLOCKLIST"),
        (candidate(None, "SPII"), "blocked", "SPII"),
        ({"promptFeedback": {"blockReason": "OTHER"}}, "blocked", "OTHER"),
        (candidate("half", "A_NEW_WORD"), "truncated", "A_NEW_WORD"),
    ],
)
def test_every_way_to_finish_is_a_status_of_its_own(answer: Any, status: str, reason: str) -> None:
    got = reply(tried(saying(answer)).outcome)
    assert (got.status, got.reason) == (status, reason)


@pytest.mark.parametrize(
    "answer",
    [
        candidate(None, "RECITATION"), candidate("half of a book", "RECITATION"), candidate(None, "OTHER"),
        candidate(None, "MALFORMED_RESPONSE"), candidate(None, "A_NEW_WORD"), candidate(None), candidate(""),
        {"candidates": []}, {}, {"promptFeedback": {}},
    ],
)  # fmt: skip
def test_what_the_model_did_not_answer_it_may_with_another_seed(answer: Any) -> None:
    got = fault(tried(saying(answer)).outcome)
    assert (got.kind, got.maybe_billed) == ("no_answer", True)
    for told in answer.get("candidates") or []:
        assert told["finishReason"] in got.reason


def test_the_vendors_words_on_a_missing_answer_are_kept() -> None:
    got = fault(tried(saying(candidate(None, "OTHER", finishMessage="a new\nword"))).outcome)
    assert got.reason == "no answer, finished by OTHER (a new word)"


@pytest.mark.parametrize("sampling", [DEFAULT, LONG])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("no_candidates", "no_answer"), ("block_reason:PROHIBITED_CONTENT", "blocked"),
        ("empty_max_tokens", "truncated"), ("status:500", "transient"), ("status:404", "unusable"),
        ("status:400", "failed"), ("disconnect", "transient"), ("not_json", "transient"),
    ],
)  # fmt: skip
def test_the_fakes_faults_are_told_apart(sampling: Sampling, kind: str, expected: str) -> None:
    outcome = of_fake(always(Answer("why", "4", fault=kind)), sampling).outcome
    assert (outcome.kind if isinstance(outcome, Fault) else outcome.status) == expected


def test_another_model_than_the_one_asked_is_told_and_its_text_kept() -> None:
    got = reply(tried(saying({**candidate("4"), "modelVersion": "gemini-3.8-flash"})).outcome)
    assert (got.status, got.answer, got.served_model) == ("substituted", "4", "gemini-3.8-flash")
    assert got.reason == f"asked for {NAME}, gemini-3.8-flash answered"
    assert reply(tried(saying({**candidate("4"), "modelVersion": f"{NAME}-001"})).outcome).status == "ok"


@pytest.mark.parametrize("kind", ["cut", "ends_early", "error_in_stream"])
def test_a_stream_that_breaks_keeps_what_came(kind: str) -> None:
    got = reply(of_fake(always(Answer("thinking " * 50, "4 " * 50, fault=kind)), LONG).outcome)
    assert (got.status, got.reason, got.thinking_kind) == ("truncated", "connection_cut", "summary")
    assert got.thinking.startswith("thinking thinking")
    assert (got.token_counter, got.thinking_tokens > 0) == (APPROXIMATE, True)


def test_a_stream_that_goes_silent_or_on_for_ever_keeps_what_came() -> None:
    stalling = always(Answer("thinking " * 50, "4", fault="stall"))
    got = reply(of_fake(stalling, LONG, CallLimits(total_s=5, silence_s=0.2)).outcome)
    assert (got.status, got.reason) == ("truncated", "connection_cut")
    got = reply(of_fake(stalling, LONG, CallLimits(total_s=0.3, silence_s=5)).outcome)
    assert (got.status, got.reason) == ("truncated", "time_limit")


@pytest.mark.parametrize(
    "handler",
    [
        saying("{cut"), saying(""), saying([1]), saying({"candidates": [3]}), saying({"candidates": 3}),
        saying({"candidates": [{"content": []}]} | {"promptFeedback": "no"}),
        saying({"candidates": [{"content": {"parts": [3]}}]}), saying({"error": {"message": "no"}}),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_read_is_transient(handler: Handler) -> None:
    assert fault(tried(handler).outcome).kind == "transient"


@pytest.mark.parametrize(
    "handler",
    [
        streaming(), streaming("data: {half\n\n"), streaming({"modelVersion": NAME}, ending="cut"),
        streaming({"error": {"code": 503, "status": "UNAVAILABLE", "message": "busy"}}),
    ],
)  # fmt: skip
def test_a_stream_that_breaks_before_any_text_is_transient(handler: Handler) -> None:
    assert fault(tried(handler, sampling=LONG).outcome).kind == "transient"


def test_a_connection_cut_after_the_last_word_loses_nothing() -> None:
    handler = streaming(candidate("4", None), candidate("2"), ending="cut")
    got = reply(tried(handler, sampling=LONG).outcome)
    assert (got.status, got.answer) == ("ok", "42")


# Refusals


def refusal(status: int, name: str, *details: Any) -> Handler:
    error = {"code": status, "message": "no", "status": name, "details": list(details)}
    return saying({"error": error}, status)


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (refusal(400, "INVALID_ARGUMENT"), "failed"),
        (refusal(400, "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"}), "key_dead"),
        (refusal(400, "FAILED_PRECONDITION"), "key_dead"),
        (refusal(401, "UNAUTHENTICATED"), "key_dead"),
        (refusal(403, "PERMISSION_DENIED"), "key_dead"),
        (refusal(404, "NOT_FOUND"), "unusable"),
        (refusal(429, "RESOURCE_EXHAUSTED"), "limited"),
        (refusal(500, "INTERNAL"), "transient"),
        (refusal(503, "UNAVAILABLE"), "transient"),
        (refusal(504, "DEADLINE_EXCEEDED"), "transient"),
    ],
)
def test_each_refusal_is_a_fault_of_its_kind(handler: Handler, kind: str) -> None:
    for sampling in (DEFAULT, LONG):
        assert fault(tried(handler, sampling=sampling).outcome).kind == kind


def test_the_fakes_keys_die_and_are_spent() -> None:
    for status in (400, 401, 403):
        assert fault(of_fake(Rules(dead_keys={KEY.secret: status})).outcome).kind == "key_dead"
    spent = fault(of_fake(Rules(exhausted_keys={KEY.secret})).outcome)
    assert (spent.kind, spent.wait_s) == ("key_exhausted", None)


def test_a_limit_per_minute_is_met_with_its_wait_and_its_number() -> None:
    got = of_fake(Rules(default_limit=Limit(60, burst=1)), calls=2)
    assert fault(got.outcome).kind == "limited"
    assert 0 < (fault(got.outcome).wait_s or 0) <= 1
    assert got.told == Told(60, None)


def test_no_reason_holds_the_key() -> None:
    echo = {"error": {"code": 403, "message": f"Consumer 'api_key:{KEY.secret}' has been suspended."}}
    for handler in (saying(echo, 403), saying(echo), streaming(echo)):
        got = tried(handler, sampling=LONG)
        assert KEY.secret not in repr(got)
        assert "[key]" in fault(got.outcome).reason


# Vertex AI


def test_vertex_speaks_the_same_in_a_project_of_its_own() -> None:
    body, headers, path = sent(vertex(location="us-central1"))
    place = "projects/a-project/locations/us-central1/publishers/google/models"
    assert path == f"/v1/{place}/{NAME}:generateContent"
    assert headers["Authorization"] == "Bearer not-a-real-token"
    assert "x-goog-api-key" not in headers
    assert body == sent()[0]
    for sampling in (DEFAULT, LONG):
        got = reply(of_fake(always(Answer("why", "4")), sampling, provider=vertex()).outcome)
        assert (got.status, got.thinking, got.answer) == ("ok", "why", "4")


def test_vertex_is_asked_for_where_its_location_says() -> None:
    model = ModelName("vertex", NAME)
    assert vertex(location="global").endpoint(model) == "https://aiplatform.googleapis.com"
    assert vertex(location="us-central1").endpoint(model) == "https://us-central1-aiplatform.googleapis.com"


def test_what_vertex_lacks_is_told_before_anything_is_asked() -> None:
    model = ModelName("vertex", NAME)
    assert vertex().fault_of(model) is None
    assert "GOOGLE_CLOUD_PROJECT is not set" in (vertex(project=None).fault_of(model) or "")
    assert "GOOGLE_CLOUD_LOCATION is not set" in (vertex(location="").fault_of(model) or "")
    assert "GOOGLE_CLOUD_LOCATION is 'evil.example/'" in (vertex(location="evil.example/").fault_of(model) or "")
    assert fault(tried(saying({}), vertex(project=None)).outcome).kind == "unusable"


def test_a_token_that_is_not_given_is_a_fault_without_a_call() -> None:
    async def none() -> str | Fault:
        return Fault("unusable", "no Google credentials")

    got = tried(saying(candidate("4")), Vertex("a-project", "global", none))
    assert fault(got.outcome).reason == "no Google credentials"


def test_missing_credentials_are_told_and_not_raised(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    got = asyncio.run(DefaultCredentials()())
    assert isinstance(got, Fault)
    assert got.kind == "unusable"
    assert got.reason.startswith("no Google credentials: ")
