"""The Gemini and Vertex sides of the fake satisfy Google's own client."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

from s1_assets_tests.fakes.llm_server import Answer, Limit, LlmServer, Rules, always, digest_answer, llm_server

SIX = Answer("two and two is four, änd two more", "The sum is 6 €", cached_tokens=2, thinking_tokens=40)
SHOWN = {"thinking_config": {"include_thoughts": True, "thinking_budget": 1024}}


@contextmanager
def gemini(server: LlmServer, key: str = "k1", **options: Any) -> Iterator[Any]:
    client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=server.gemini_url, **options))
    try:
        yield client
    finally:
        client.close()


def generated(rules: Rules, key: str = "k1", config: object = None) -> Any:
    """What Gemini's client makes of one answer under these rules."""
    with llm_server(rules) as server, gemini(server, key) as client:
        return client.models.generate_content(model="gemini-2.5-flash", contents="2+2+2?", config=config)


def refused(rules: Rules, key: str = "k1", config: object = None) -> Any:
    """The error that Gemini's client raises under these rules, and its details by type."""
    with pytest.raises(errors.APIError) as caught:
        generated(rules, key, config)
    error: Any = caught.value
    details = error.details["error"].get("details", [])
    return error, {detail["@type"].rpartition(".")[2]: detail for detail in details}


def test_gemini_tells_thoughts_and_answer_apart() -> None:
    with llm_server(always(SIX)) as server, gemini(server) as client:
        reply = client.models.generate_content(model="gemini-2.5-flash", contents="2+2+2?", config=SHOWN)
    thought, said = reply.candidates[0].content.parts
    assert (thought.thought, thought.text, said.thought, reply.text) == (True, SIX.thinking, None, SIX.text)
    usage = reply.usage_metadata
    assert (usage.prompt_token_count, usage.thoughts_token_count, usage.candidates_token_count) == (2, 40, 4)
    assert (usage.total_token_count, usage.cached_content_token_count) == (46, 2)
    assert (reply.model_version, reply.candidates[0].finish_reason) == ("gemini-2.5-flash", "STOP")
    (call,) = server.calls
    assert (call.key, call.model, call.prompt, call.status) == ("k1", "gemini-2.5-flash", "2+2+2?", 200)
    assert call.path == "/v1/models/gemini-2.5-flash:generateContent"


def test_gemini_shows_thoughts_only_when_asked() -> None:
    reply = generated(always(SIX))
    assert [part.text for part in reply.candidates[0].content.parts] == [SIX.text]
    assert reply.usage_metadata.thoughts_token_count == 40


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")  # google-genai's own
def test_gemini_streams_in_both_colours_and_api_versions() -> None:
    question = {"model": "gemini-3-pro", "contents": "2+2+2?", "config": SHOWN}

    async def streamed(client: Any) -> list[Any]:
        async with client.aio as aio:
            return [chunk async for chunk in await aio.models.generate_content_stream(**question)]

    with llm_server(always(SIX)) as server, gemini(server, api_version="v1beta") as client:
        ways = [list(client.models.generate_content_stream(**question)), asyncio.run(streamed(client))]
    for chunks in ways:
        parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts]
        assert "".join(part.text for part in parts if part.thought) == SIX.thinking
        assert "".join(part.text for part in parts if not part.thought) == SIX.text
        assert [chunk.candidates[0].finish_reason for chunk in chunks[-2:]] == [None, "STOP"]
        assert chunks[-1].usage_metadata.thoughts_token_count == 40
    assert {call.path for call in server.calls} == {"/v1beta/models/gemini-3-pro:streamGenerateContent"}


def test_gemini_tells_the_minute_from_the_day() -> None:
    limited, details = refused(Rules(default_limit=Limit(12, burst=0)))
    assert (limited.code, limited.status) == (429, "RESOURCE_EXHAUSTED")
    assert details["RetryInfo"]["retryDelay"] == "5s"
    (violation,) = details["QuotaFailure"]["violations"]
    assert "PerMinute" in violation["quotaId"]
    _, details = refused(Rules(exhausted_keys={"k1"}))
    assert "PerDay" in details["QuotaFailure"]["violations"][0]["quotaId"]
    _, details = refused(Rules(default_limit=Limit(12, burst=0), retry_after=False))
    assert "RetryInfo" not in details


@pytest.mark.parametrize(
    ("rules", "status", "word"),
    [
        (Rules(dead_keys={"k1": 400}), 400, "INVALID_ARGUMENT"),
        (Rules(dead_keys={"k1": 401}), 401, "UNAUTHENTICATED"),
        (Rules(dead_keys={"k1": 403}), 403, "PERMISSION_DENIED"),
        (always(Answer(fault="status:400")), 400, "INVALID_ARGUMENT"),
        (always(Answer(fault="status:404")), 404, "NOT_FOUND"),
        (always(Answer(fault="status:500")), 500, "INTERNAL"),
        (always(Answer(fault="status:503")), 503, "UNAVAILABLE"),
    ],
)
def test_gemini_names_its_errors(rules: Rules, status: int, word: str) -> None:
    error, details = refused(rules)
    assert (error.code, error.status) == (status, word)
    assert (details.get("ErrorInfo", {}).get("reason") == "API_KEY_INVALID") == (rules.dead_keys.get("k1") == 400)


def test_gemini_refuses_a_request_that_contradicts_itself() -> None:
    both = types.ThinkingConfig(thinking_budget=5, thinking_level=types.ThinkingLevel.HIGH)
    error, _ = refused(Rules(), config={"thinking_config": both})
    assert (error.code, error.message) == (400, "You can only set only one of thinking budget and thinking level.")
    error, _ = refused(Rules(), config={"thinking_config": {"thinking_level": types.ThinkingLevel.HIGH}})
    assert error.message == "Thinking level is not supported for this model."


def test_gemini_answers_without_an_answer() -> None:
    blocked = generated(always(Answer(fault="block_reason")))
    assert (blocked.prompt_feedback.block_reason, blocked.candidates, blocked.text) == ("SAFETY", None, None)
    assert generated(always(Answer(fault="no_candidates"))).candidates is None
    unended = generated(always(Answer("much thinking", "lost", fault="empty_max_tokens")), config=SHOWN)
    assert (unended.candidates[0].finish_reason, unended.text) == ("MAX_TOKENS", None)
    recited = generated(always(Answer(text="Whose woods", finish="RECITATION")))
    assert (recited.candidates[0].finish_reason, recited.text) == ("RECITATION", "Whose woods")


def test_gemini_counts_tokens_and_lists_models_for_nothing() -> None:
    with llm_server(Rules(models=("gemini-3-pro",))) as server, gemini(server) as client:
        assert client.models.count_tokens(model="gemini-3-pro", contents="12345678").total_tokens == 2
        assert [model.name for model in client.models.list()] == ["models/gemini-3-pro"]
    assert server.statuses() == {200: 2}
    assert server.paid() == []


def test_gemini_gives_as_many_candidates_as_are_asked() -> None:
    reply = generated(Rules(), config={"candidate_count": 2})
    texts = [candidate.content.parts[0].text for candidate in reply.candidates]
    assert texts == [digest_answer("2+2+2?", choice).text for choice in (0, 1)]


@pytest.mark.parametrize("api_version", ["v1beta1", "v1"])
def test_vertex_answers_to_a_bearer_token(api_version: str) -> None:
    with llm_server(always(SIX)) as server:
        options = types.HttpOptions(base_url=server.gemini_url, api_version=api_version)
        place = {"project": "p", "location": "l", "credentials": Credentials("token-a"), "http_options": options}
        client: Any = genai.Client(vertexai=True, **place)
        reply = client.models.generate_content(model="gemini-2.5-pro", contents="2+2+2?", config=SHOWN)
        streamed = list(client.models.generate_content_stream(model="gemini-2.5-pro", contents="2+2+2?"))
        client.close()
    assert reply.text == "".join(chunk.text for chunk in streamed) == SIX.text
    path = f"/{api_version}/projects/p/locations/l/publishers/google/models/gemini-2.5-pro"
    assert [(call.key, call.model, call.path) for call in server.calls] == [
        ("token-a", "gemini-2.5-pro", f"{path}:{method}") for method in ("generateContent", "streamGenerateContent")
    ]
