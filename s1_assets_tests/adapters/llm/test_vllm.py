"""Provider `vllm` over a stand-in for its engine: what it is told, and what becomes of what it writes."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from s1_assets.adapters.llm.provider import CallLimits, Fault, Try
from s1_assets.adapters.llm.providers.vllm import MAX_TOKENS, Loaded, Vllm
from s1_assets.adapters.llm.reply_text import USAGE
from s1_assets.records.models import Message, ModelName, ModelRequest, Reply, Sampling

LIMITS = CallLimits(total_s=5.0)
DEFAULT = Sampling()


class Dead(Exception):  # noqa: N818
    pass


class Refused(Exception):  # noqa: N818
    pass


class Passing(Exception):  # noqa: N818
    pass


class Tokenizer:
    """A token is a character, and each tag is one."""

    template_end = "<answer>"

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return [1] if text == "</think>" else [ord(letter) for letter in text]

    def decode(self, ids: list[int]) -> str:
        return "".join(chr(token) for token in ids)

    def apply_chat_template(self, messages: list[Any], **options: Any) -> list[int]:
        self.options = options
        if messages[0]["role"] == "system":
            raise ValueError("no system role")
        return self.encode(messages[-1]["content"] + self.template_end)


@dataclass
class Engine:
    """Writes what it is given, piece by piece."""

    texts: tuple[str, ...] = ("4",)
    finish: str | None = "stop"
    fault: BaseException | None = None
    pause_s: float = 0.0
    asked: list[Any] = field(default_factory=list)
    ended: int = 0
    tokenizer: Tokenizer = field(default_factory=Tokenizer)

    async def get_tokenizer(self) -> Tokenizer:
        return self.tokenizer

    async def generate(self, prompt: Any, parameters: Any, name: str) -> AsyncIterator[Any]:
        self.asked.append((prompt, parameters, name))
        for number, text in enumerate(self.texts):
            ids = [1] if text == "</think>" else [ord(letter) for letter in text]
            last = number == len(self.texts) - 1
            piece = SimpleNamespace(text=text, token_ids=ids, finish_reason=self.finish if last else None)
            yield SimpleNamespace(outputs=[piece], num_cached_tokens=2)
            await asyncio.sleep(self.pause_s)
        if self.fault:
            raise self.fault

    def shutdown(self) -> None:
        self.ended += 1


def provider(engine: Engine, loads: list[Any] | None = None, **options: Any) -> Vllm:
    def load(model: str, told: Mapping[str, Any]) -> Loaded:
        if loads is not None:
            loads.append((model, dict(told)))
        return Loaded(engine, dict, {"temperature": 0.6, "top_k": 20}, (Dead,), (Refused,), (Passing,))

    return Vllm(options, load)


def request(sampling: Sampling = DEFAULT, thinking: Mapping[str, object] | None = None, **more: Any) -> ModelRequest:
    return ModelRequest(ModelName("vllm", "a/model"), (Message("user", "2 + 2?"),), sampling, thinking or {}, **more)


def tried(engine: Engine, asked: ModelRequest | None = None, limits: CallLimits = LIMITS) -> Try:
    return asyncio.run(provider(engine).ask(None, asked or request(), None, limits))


def reply(outcome: Reply | Fault) -> Reply:
    assert isinstance(outcome, Reply), outcome
    return outcome


def fault(outcome: Reply | Fault) -> Fault:
    assert isinstance(outcome, Fault), outcome
    return outcome


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed")
def test_where_vllm_is_not_installed_it_is_told_how_to() -> None:
    model = ModelName("vllm", "a/model")
    assert Vllm().fault_of(model) == "vLLM is not installed: pip install 's1_assets[vllm]'"
    assert fault(asyncio.run(Vllm().ask(None, request(), None, LIMITS)).outcome).kind == "unusable"


def test_a_server_of_vllms_is_called_by_another_provider() -> None:
    told = provider(Engine()).fault_of(ModelName("vllm", "m", "http://127.0.0.1:8000/v1"))
    assert "openai:m@http://127.0.0.1:8000/v1" in (told or "")


def test_a_model_is_loaded_once_with_the_options_told() -> None:
    loads: list[Any] = []
    engine = Engine()
    vllm = provider(engine, loads, tp=2, dtype="bfloat16")

    async def run() -> None:
        await asyncio.gather(*(vllm.ask(None, request(), None, LIMITS) for _ in range(5)))

    asyncio.run(run())
    assert loads == [("a/model", {"tensor_parallel_size": 2, "dtype": "bfloat16"})]
    asyncio.run(run())
    assert (len(loads), engine.ended) == (2, 1), "an engine works for one loop"
    vllm.close()
    assert engine.ended == 2
    assert len({name for _, _, name in engine.asked}) == 10


def test_a_model_that_cannot_be_loaded_cannot_be_used() -> None:
    def load(model: str, options: Mapping[str, Any]) -> Loaded:
        raise OSError("no such folder")

    got = fault(asyncio.run(Vllm(load=load).ask(None, request(), None, LIMITS)).outcome)
    assert (got.kind, got.reason) == ("unusable", "vLLM cannot load a/model: no such folder")


def test_what_was_set_goes_before_what_the_models_authors_chose() -> None:
    engine = Engine()
    tried(engine)
    assert engine.asked[0][:2] == (
        {"prompt_token_ids": [ord(letter) for letter in "2 + 2?<answer>"]},
        {"temperature": 0.6, "top_k": 20, "max_tokens": MAX_TOKENS},
    )
    tried(engine, request(Sampling(100, 0.9, 0.95, None, 3), sample_index=2))
    assert engine.asked[1][1] == {"temperature": 0.9, "top_p": 0.95, "top_k": 20, "max_tokens": 100, "seed": 5}


def test_thinking_is_set_by_the_chat_template() -> None:
    engine = Engine()
    tried(engine, request(thinking={"level": "low", "extra": {"chat_template_kwargs": {"enable_thinking": False}}}))
    told = engine.tokenizer.options
    assert (told["reasoning_effort"], told["enable_thinking"], told["add_generation_prompt"]) == ("low", False, True)
    assert fault(tried(engine, request(thinking={"engine": {}})).outcome).kind == "unusable"


def test_a_prompt_that_the_template_refuses_is_a_row_with_a_reason() -> None:
    asked = ModelRequest(ModelName("vllm", "a/model"), (Message("system", "x"),))
    got = fault(tried(Engine(), asked).outcome)
    assert (got.kind, got.reason) == ("failed", "the model's chat template: no system role")


def test_thinking_and_answer_come_apart_and_are_counted() -> None:
    got = reply(tried(Engine(("<think>", "why", "</think>", "four"))).outcome)
    assert (got.status, got.thinking, got.answer, got.thinking_kind) == ("ok", "why", "four", "raw")
    assert (got.input_tokens, got.cached_tokens, got.thinking_tokens, got.answer_tokens) == (14, 2, 11, 4)
    assert (got.token_counter, got.served_model) == (USAGE, "a/model")
    plain = reply(tried(Engine()).outcome)
    assert (plain.thinking_tokens, plain.answer_tokens, plain.thinking_kind) == (0, 1, "none")


def test_a_thought_that_was_cut_off_is_none_of_the_answer() -> None:
    engine = Engine(("on and on",), "length")
    engine.tokenizer.template_end = "<think>\n"
    got = reply(tried(engine).outcome)
    assert (got.status, got.reason, got.thinking, got.answer) == ("truncated", "max_tokens", "on and on", "")
    assert (got.thinking_tokens, got.answer_tokens) == (9, 0)


def test_a_call_that_takes_too_long_keeps_what_came() -> None:
    got = reply(tried(Engine(("a", "b", "c"), pause_s=0.2), limits=CallLimits(total_s=0.1)).outcome)
    assert (got.status, got.reason, got.answer) == ("truncated", "time_limit", "a")


@pytest.mark.parametrize(
    ("engine", "kind"),
    [
        (Engine(("",)), "no_answer"),
        (Engine(("<think>why</think>",)), "no_answer"),
        (Engine(("",), "abort"), "transient"),
        (Engine(fault=Dead("gone")), "unusable"),
        (Engine(fault=Refused("too long")), "failed"),
        (Engine(fault=Passing("again")), "transient"),
    ],
)
def test_each_way_to_fail_is_a_fault_of_its_kind(engine: Engine, kind: str) -> None:
    assert fault(tried(engine).outcome).kind == kind


def test_a_refusal_that_vllm_hides_is_found() -> None:
    hidden = Passing()
    hidden.__cause__ = Refused("too long")
    got = fault(tried(Engine(fault=hidden)).outcome)
    assert (got.kind, got.reason) == ("failed", "vLLM: too long")
