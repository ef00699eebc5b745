"""The fake of the vendors' wire keeps its rules, and its OpenAI side satisfies OpenAI's own client."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from typing import Any

import aiohttp
import openai
import pytest

from s1_assets_tests.fakes.llm_rules import Bucket
from s1_assets_tests.fakes.llm_server import Answer, Asked, Limit, LlmServer, Rules, always, llm_server

SIX = Answer("two and two is four, änd two more", "The sum is 6 €", cached_tokens=2, thinking_tokens=40)


def body(prompt: str = "2+2+2?") -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": prompt}]}


@contextmanager
def chat(server: LlmServer, key: str = "k1") -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=key, base_url=server.openai_url, max_retries=0, timeout=5) as client:
        yield client


async def post(url: str, key: str = "k1", prompt: str = "2+2+2?", wait_s: float = 5.0, **more: Any) -> int:
    """Status of a chat completion; 0 if none came."""
    limit, headers = aiohttp.ClientTimeout(total=wait_s), {"authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(timeout=limit, headers=headers) as session:
        try:
            async with session.post(f"{url}/chat/completions", json={**body(prompt), **more}) as response:
                await response.read()
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0


def test_openai_tells_thinking_and_answer_apart() -> None:
    with llm_server(always(SIX)) as server, chat(server) as client:
        reply = client.chat.completions.create(**body(), n=2)
        server.rules.thinking_in = "think"
        block = client.chat.completions.create(**body()).choices[0].message
    message: Any = reply.choices[1].message
    assert (message.reasoning_content, message.content, len(reply.choices)) == (SIX.thinking, SIX.text, 2)
    assert block.content == f"<think>\n{SIX.thinking}\n</think>\n\n{SIX.text}"
    usage: Any = reply.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (2, 88, 90)
    assert usage.completion_tokens_details.reasoning_tokens == 80
    assert usage.prompt_tokens_details.cached_tokens == 2
    assert [(call.key, call.prompt, call.path) for call in server.paid()] == [
        ("k1", "2+2+2?", "/v1/chat/completions")
    ] * 2


def test_openai_streams_with_usage_at_the_end() -> None:
    async def streamed(url: str) -> list[Any]:
        async with openai.AsyncOpenAI(api_key="k1", base_url=url) as client:
            more: Any = {"stream": True, "stream_options": {"include_usage": True}}
            return [chunk async for chunk in await client.chat.completions.create(**body(), **more)]

    with llm_server(always(SIX)) as server, chat(server) as client:
        told = asyncio.run(streamed(server.openai_url))
        plain: Any = list(client.chat.completions.create(**body(), stream=True))
    deltas: list[Any] = [chunk.choices[0].delta for chunk in told[:-1]]
    assert "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas) == SIX.thinking
    assert "".join(delta.content or "" for delta in deltas) == SIX.text
    assert (told[-2].choices[0].finish_reason, told[-1].choices) == ("stop", [])
    assert told[-1].usage.completion_tokens_details.reasoning_tokens == 40
    assert all(chunk.usage is None for chunk in plain)
    assert len(plain) == len(told) - 1


def test_openai_tells_the_minute_from_an_empty_purse() -> None:
    rules = Rules(default_limit=Limit(6, burst=1, tokens_per_minute=9000), limit_headers=True, exhausted_keys={"k2"})
    with llm_server(rules) as server, chat(server) as client, chat(server, "k2") as poor:
        fine = client.chat.completions.with_raw_response.create(**body())
        with pytest.raises(openai.RateLimitError) as limited:
            client.chat.completions.create(**body())
        with pytest.raises(openai.RateLimitError) as spent:
            poor.chat.completions.create(**body())
    names = ("limit-requests", "remaining-requests", "reset-requests", "limit-tokens")
    assert [fine.headers[f"x-ratelimit-{name}"] for name in names] == ["6", "0", "10s", "9000"]
    headers = limited.value.response.headers
    assert (limited.value.code, headers["x-ratelimit-limit-requests"]) == ("rate_limit_exceeded", "6")
    assert 0 < int(headers["retry-after-ms"]) <= 1000 * int(headers["retry-after"]) <= 10_000
    assert (spent.value.code, "retry-after" in spent.value.response.headers) == ("insufficient_quota", False)
    assert server.statuses() == {200: 1, 429: 2}


@pytest.mark.parametrize(
    ("rules", "raised", "said"),
    [
        (Rules(dead_keys={"k1": 401}), openai.AuthenticationError, "Incorrect API key provided"),
        (always(Answer(fault="status:400")), openai.BadRequestError, "maximum context length"),
        (always(Answer(fault="status:404")), openai.NotFoundError, "The model `m` does not exist"),
        (always(Answer(fault="status:500")), openai.InternalServerError, "had an error"),
        (always(Answer(fault="disconnect")), openai.APIConnectionError, "Connection error"),
        (always(Answer(text="6", fault="cut")), openai.APIConnectionError, "Connection error"),
    ],
)
def test_openai_names_its_errors(rules: Rules, raised: type[Exception], said: str) -> None:
    with llm_server(rules) as server, chat(server) as client, pytest.raises(raised, match=said):
        client.chat.completions.create(**body())


@pytest.mark.parametrize("fault", ["hang", "stall"])
def test_openai_gives_up_waiting(fault: str) -> None:
    rules = always(Answer(text="6", fault=fault))
    with llm_server(rules) as server, chat(server) as client, pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.2).chat.completions.create(**body())
    assert server.statuses() == {0: 1}


def test_openai_answers_without_an_answer() -> None:
    with llm_server() as server, chat(server) as client:

        def choices(answer: Answer) -> Any:
            server.rules.answer = lambda asked: answer
            return client.chat.completions.create(**body()).choices

        assert choices(Answer(fault="no_candidates")) == []
        (blocked,) = choices(Answer(text="lost", fault="block_reason"))
        assert (blocked.finish_reason, blocked.message.content) == ("content_filter", "")
        (unended,) = choices(Answer("much thinking", "lost", fault="empty_max_tokens"))
        assert (unended.finish_reason, unended.message.content) == ("length", None)
        assert unended.message.reasoning_content == "much thinking"
        server.rules.thinking_in = "think"
        assert choices(Answer("thinking", fault="empty_max_tokens"))[0].message.content == "<think>\nthinking"
        with pytest.raises(AttributeError, match="choices"):
            choices(Answer(fault="not_json"))
        assert [model.id for model in client.models.list()] == ["fake-model"]


def test_a_stream_goes_wrong_in_the_middle() -> None:
    @asynccontextmanager
    async def stream(server: LlmServer, fault: str) -> AsyncIterator[aiohttp.ClientResponse]:
        server.rules.answer = lambda asked: Answer("thinking at length", "and an answer", fault=fault)
        limit = aiohttp.ClientTimeout(sock_read=0.2 if fault == "stall" else 5)
        url = f"{server.openai_url}/chat/completions"
        session = aiohttp.ClientSession(timeout=limit)
        async with session, session.post(url, json={**body(), "stream": True}) as response:
            yield response

    async def all_ways(server: LlmServer) -> None:
        async with stream(server, "cut") as response:
            assert response.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        async with stream(server, "stall") as response:
            assert (await response.content.readline()).startswith(b"data: {")
            with pytest.raises(aiohttp.SocketTimeoutError):
                await response.read()
        async with stream(server, "error_in_stream") as response:
            *_, last, _ = (await response.text()).split("\n\n")
            assert last.startswith('data: {"error": ')
        async with stream(server, "ends_early") as response:
            text = await response.text()
            assert "reasoning_content" in text and '"finish_reason": "stop"' not in text and "[DONE]" not in text

    with llm_server() as server:
        asyncio.run(all_ways(server))
    assert [call.status for call in server.calls] == [0, 0, 200, 200]


def test_keys_of_one_limit_share_its_bucket_and_others_have_their_own() -> None:
    project = Limit(1, burst=2)
    rules = Rules(limits={"a1": project, "a2": project}, default_limit=Limit(1, burst=1))

    async def ask(url: str) -> list[int]:
        return [await post(url, key) for key in ("a1", "a2", "a1", "b", "b", "c")]

    with llm_server(rules) as server:
        assert asyncio.run(ask(server.openai_url)) == [200, 200, 429, 200, 429, 200]
    assert len(server.paid()) == 4


def test_a_bucket_fills_again_when_it_said_it_would() -> None:
    bucket = Bucket(Limit(120, burst=2), now=10.0)
    assert [bucket.wait_s(10.0) for _ in range(3)] == [0, 0, 0.5]
    assert bucket.wait_s(10.25) == 0.25
    assert bucket.wait_s(10.5) == 0
    assert bucket.full_in_s == 1.0
    assert Bucket(Limit(600), now=0.0).left == 10


def test_requests_under_way_are_counted_until_their_client_gives_up() -> None:
    async def several(server: LlmServer) -> None:
        await asyncio.gather(*(post(server.openai_url) for _ in range(5)))
        server.rules.answer = lambda asked: Answer(fault="hang")
        assert await post(server.openai_url, wait_s=0.1) == 0
        while server.in_flight:
            await asyncio.sleep(0.01)

    with llm_server(Rules(latency_s=0.3)) as server:
        asyncio.run(asyncio.wait_for(several(server), 5))
    assert server.peak_in_flight == 5
    assert server.statuses() == {200: 5, 0: 1}


def test_the_end_waits_for_no_hanging_request() -> None:
    async def abandon(server: LlmServer) -> tuple["asyncio.Task[int]", float]:
        task = asyncio.create_task(post(server.openai_url))
        while not server.calls:
            await asyncio.sleep(0.01)
        return task, monotonic()

    loop = asyncio.new_event_loop()
    with llm_server(always(Answer(fault="hang"))) as server:
        task, left = loop.run_until_complete(abandon(server))
    assert monotonic() - left < 5
    assert loop.run_until_complete(task) == 0
    loop.close()


def test_a_rule_knows_how_often_a_prompt_was_answered() -> None:
    told: list[Asked] = []

    def fail_once(asked: Asked) -> Answer:
        told.append(asked)
        return Answer(text="6", fault="" if asked.seen else "status:503")

    async def ask(url: str) -> list[int]:
        return [await post(url, prompt=prompt, seed=number) for number, prompt in enumerate(("one", "one", "two"))]

    with llm_server(Rules(answer=fail_once)) as server:
        assert asyncio.run(ask(server.openai_url)) == [503, 200, 503]
    assert [(asked.prompt, asked.seen, asked.body["seed"]) for asked in told] == [
        ("one", 0, 0),
        ("one", 1, 1),
        ("two", 0, 2),
    ]


def test_a_rule_that_fails_is_told_at_the_end() -> None:
    def broken(asked: Asked) -> Answer:
        raise KeyError(asked.prompt)

    with pytest.raises(KeyError, match="one"), llm_server(Rules(answer=broken)) as server:
        assert asyncio.run(post(server.openai_url, prompt="one")) == 500


def test_a_fault_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("no such fault: 'hangs'")):
        Answer(fault="hangs")


def test_a_wrong_base_url_is_answered_404() -> None:
    with llm_server() as server:
        assert asyncio.run(post(f"{server.openai_url}/v2")) == 404
    assert [(call.status, call.path) for call in server.calls] == [(404, "/v1/v2/chat/completions")]
