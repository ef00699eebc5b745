"""Provider `openai` against a server of our own."""

from collections.abc import Callable

import pytest

from s1_assets.adapters.llm.providers.openai_compatible import TRIES, OpenAICompatible
from s1_assets.errors import ModelUnreachable, ModelUnusable, SettingsError
from s1_assets.records.models import Message, ModelName, ModelRequest, Reply, Sampling
from s1_assets_tests.fakes.chat_server import Answer, Script, chat_server, message

NAME = "Qwen/QwQ-32B"
DEFAULT = Sampling()


def ask(script: Script, waits: list[float] | None = None) -> Reply:
    with chat_server(script) as server:
        provider = OpenAICompatible(sleep=(waits if waits is not None else []).append)
        return provider.complete(request(server.base_url))


def request(base_url: str | None, sampling: Sampling = DEFAULT) -> ModelRequest:
    return ModelRequest(ModelName("openai", NAME, base_url), (Message("user", "2 + 2?"),), sampling)


def always(answer: Answer) -> Script:
    return lambda body, number: answer


def test_thinking_and_answer_come_apart_however_the_server_writes_them() -> None:
    ways = (
        message("4", reasoning_content="two and two"),
        message("4", reasoning="two and two"),
        message("<think>two and two</think>\n4"),
        message("two and two</think>4"),
    )
    for way in ways:
        reply = ask(always(way))
        assert (reply.status, reply.thinking, reply.answer, reply.thinking_kind) == ("ok", "two and two", "4", "raw")
    plain = ask(always(message("4")))
    assert (plain.thinking, plain.thinking_kind, plain.answer) == ("", "none", "4")


def test_what_was_set_is_sent_and_nothing_else() -> None:
    with chat_server(always(message("4"))) as server:
        sampling = Sampling(max_output_tokens=100, temperature=0.6, seed=3)
        OpenAICompatible().complete(request(server.base_url, sampling))
    sent = server.journal[0]
    assert sent["path"] == "/v1/chat/completions"
    assert (sent["model"], sent["max_tokens"], sent["temperature"], sent["seed"]) == (NAME, 100, 0.6, 3)
    assert "top_p" not in sent
    assert "Authorization" not in sent["headers"]


def test_a_key_travels_as_a_bearer_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-real-key")
    with chat_server(always(message("4"))) as server:
        OpenAICompatible().complete(request(server.base_url))
    headers = {name.lower(): value for name, value in server.journal[0]["headers"].items()}
    assert headers["authorization"] == "Bearer not-a-real-key"


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (message("half of it", "length"), "truncated", "max_tokens"),
        (message("", "content_filter"), "blocked", "content_filter"),
        (message("", refusal="I will not"), "refused", "I will not"),
        (message(""), "failed", "empty_answer"),
        (message("<think>on and on", "length"), "truncated", "max_tokens"),
        (Answer(400, {"error": "too long"}), "failed", "http_400"),
    ],
)
def test_every_way_to_have_no_answer_is_a_status_of_its_own(answer: Answer, status: str, reason: str) -> None:
    reply = ask(always(answer))
    assert (reply.status, reply.reason) == (status, reason)


def test_a_busy_server_is_asked_again_after_the_wait_it_names() -> None:
    waits: list[float] = []
    busy: Callable[[dict[str, object], int], Answer] = lambda body, number: (  # noqa: E731
        Answer(429, {"error": "slow down"}, {"retry-after": "7"}) if number == 0 else message("4")
    )
    assert ask(busy, waits).answer == "4"
    assert waits == [7.0]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503, {}),
        Answer(529, {}),
        Answer(raw=b"{cut in the mid"),
        Answer(body=["a list"]),
        Answer(body={"choices": []}),
        Answer(body={"choices": ["x"]}),
        Answer(body={"error": "busy"}),
    ],
)
def test_a_server_without_a_usable_answer_is_unreachable_after_some_tries(answer: Answer) -> None:
    waits: list[float] = []
    with pytest.raises(ModelUnreachable, match=f"no usable answer in {TRIES} tries"):
        ask(always(answer), waits)
    assert len(waits) == TRIES - 1


@pytest.mark.parametrize("status", [401, 402, 403, 404])
def test_a_server_that_refuses_us_is_not_asked_again(status: int) -> None:
    waits: list[float] = []
    with pytest.raises(ModelUnusable, match=f"{NAME}.*{status}"):
        ask(always(Answer(status, {"error": "no"})), waits)
    assert waits == []


def test_a_model_without_a_server_is_a_matter_of_settings() -> None:
    with pytest.raises(SettingsError, match="name the server too"):
        OpenAICompatible().complete(request(None))
