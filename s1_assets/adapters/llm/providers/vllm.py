"""Provider `vllm`: a model that vLLM runs in this process, named by its folder or its name on the hub.

For a machine with GPUs of its own. A vLLM that runs as a server is called by provider `openai` instead. Loading takes a
minute or so and is done once, by the first call; vLLM itself decides how many requests it works on at once. Not
covered: several models on one GPU, LoRA adapters, models that think in channels instead of `<think>` (gpt-oss).
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from inspect import isawaitable
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from s1_assets.adapters.llm.asked_thinking import AskedThinking, asked_thinking
from s1_assets.adapters.llm.provider import CallLimits, Fault, Key, Try
from s1_assets.adapters.llm.reply_text import BY_LENGTH, USAGE, one_line, share_by_length, split_thinking, text_of
from s1_assets.records.models import ModelName, ModelRequest, Reply, Status

if TYPE_CHECKING:
    import aiohttp

INSTALL = "vLLM is not installed: pip install 's1_assets[vllm]'"
MAX_TOKENS = 32_768
"""Where a request names no limit; vLLM's own is 16. The model's context bounds it anyway."""
SHORT_NAMES = {"tp": "tensor_parallel_size", "pp": "pipeline_parallel_size", "dp": "data_parallel_size"}
_BROKEN_OFF = ("abort", "error")
_NUMBERS = count()

IN_FLIGHT = 256
"""Requests under way at once; the engine makes its batches out of them."""


@dataclass(frozen=True)
class Loaded:
    """A model in memory, and what of vLLM is needed to ask it."""

    engine: Any
    """An AsyncLLMEngine."""
    sampling: Callable[..., Any]
    """Makes SamplingParams."""
    defaults: Mapping[str, Any]
    """Sampling that the model's authors chose."""
    dead: tuple[type[BaseException], ...]
    """Raised when the engine is gone for good."""
    refused: tuple[type[BaseException], ...]
    """Raised for a request that can never be answered, such as one that is too long."""
    passing: tuple[type[BaseException], ...]
    """Raised for a request that may be answered another time."""


Load = Callable[[str, Mapping[str, Any]], Loaded]


class Vllm:
    """Runs models; each is loaded once for the event loop that asks first."""

    name = "vllm"
    key_names: tuple[str, ...] = ()

    def __init__(self, options: Mapping[str, Any] | None = None, load: Load | None = None) -> None:
        """No model is loaded before it is asked.

        Args:
            options: Options of vLLM's AsyncEngineArgs, such as `max_model_len`, `dtype` or `gpu_memory_utilization`;
                `tp` stands for `tensor_parallel_size`.
            load: What loads a model; None: vLLM.
        """
        self._options = {SHORT_NAMES.get(name, name): value for name, value in (options or {}).items()}
        self._load = load
        self._loading: dict[str, asyncio.Task[tuple[Loaded, Any] | Fault]] = {}

    def fault_of(self, model: ModelName) -> str | None:
        if model.base_url:
            return f"vllm runs in this process; a server of vLLM's is openai:{model.model}@{model.base_url}"
        return INSTALL if self._load is None and find_spec("vllm") is None else None

    def endpoint(self, model: ModelName) -> str:
        return "this process"

    def in_flight_at(self, model: ModelName) -> int:
        return IN_FLIGHT

    async def ask(
        self, session: "aiohttp.ClientSession | None", request: ModelRequest, key: Key | None, limits: CallLimits
    ) -> Try:
        thinking = asked_thinking(request.thinking)
        if isinstance(thinking, Fault):
            return Try(thinking)
        if fault := self.fault_of(request.model):
            return Try(Fault("unusable", fault))
        found = await self._loaded(request.model.model)
        if isinstance(found, Fault):
            return Try(found)
        loaded, tokenizer = found
        prompt = _prompt(tokenizer, request, thinking)
        if isinstance(prompt, Fault):
            return Try(prompt)
        written = await _generate(loaded, prompt, request, limits.total_s)
        return Try(written if isinstance(written, Fault) else _reply(request, tokenizer, prompt, written))

    def close(self) -> None:
        """Let go of every model and the processes that run it."""
        for task in self._loading.values():
            _shut_down(task)
        self._loading.clear()

    async def _loaded(self, model: str) -> tuple[Loaded, Any] | Fault:
        loop = asyncio.get_running_loop()
        task = self._loading.get(model)
        if task is not None and task.get_loop() is not loop:  # an engine works for one loop
            _shut_down(task)
            task = None
        if task is None:
            task = self._loading[model] = loop.create_task(self._start(model))
        return await asyncio.shield(task)

    async def _start(self, model: str) -> tuple[Loaded, Any] | Fault:
        load = self._load or _load_with_vllm
        try:
            # vLLM begins its own work on the loop with the first request, so it may be built off the loop.
            loaded = await asyncio.get_running_loop().run_in_executor(None, load, model, self._options)
            tokenizer = loaded.engine.get_tokenizer()
            return loaded, (await tokenizer if isawaitable(tokenizer) else tokenizer)
        except (ImportError, OSError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            return Fault("unusable", one_line(f"vLLM cannot load {model}: {error}"))


def _load_with_vllm(model: str, options: Mapping[str, Any]) -> Loaded:
    # Worker processes are begun afresh: this one has threads, which a fork would lose in the midst of their work.
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    vllm = import_module("vllm")
    delta = import_module("vllm.sampling_params").RequestOutputKind.DELTA
    faults = import_module("vllm.v1.engine.exceptions")
    refused = [ValueError, getattr(import_module("vllm.exceptions"), "VLLMClientError", ValueError)]
    engine = vllm.AsyncLLMEngine.from_engine_args(vllm.AsyncEngineArgs(model=model, **options))
    return Loaded(
        engine,
        lambda **values: vllm.SamplingParams(output_kind=delta, **values),
        engine.model_config.get_diff_sampling_param(),
        (faults.EngineDeadError,),
        tuple(refused),
        (faults.EngineGenerateError, RuntimeError),
    )


def _shut_down(task: "asyncio.Task[tuple[Loaded, Any] | Fault]") -> None:
    if not task.done():
        if not task.get_loop().is_closed():
            task.get_loop().call_soon_threadsafe(task.cancel)
    elif not task.cancelled() and not isinstance(found := task.result(), Fault):
        found[0].engine.shutdown()


# The request


def _prompt(tokenizer: Any, request: ModelRequest, thinking: AskedThinking) -> list[int] | Fault:
    """Token ids of the messages in the model's chat template."""
    from jinja2 import TemplateError

    messages = [{"role": message.role, "content": message.content} for message in request.messages]
    options = {**({"reasoning_effort": thinking.level} if thinking.level else {}), **_switches(thinking)}
    try:
        ids = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=False, **options
        )
    except (ValueError, TypeError, TemplateError) as error:
        return Fault("failed", one_line(f"the model's chat template: {error}"))
    return list(ids)


def _switches(thinking: AskedThinking) -> Mapping[str, Any]:
    switches = thinking.extra.get("chat_template_kwargs")
    return switches if isinstance(switches, Mapping) else {}


def _parameters(loaded: Loaded, request: ModelRequest) -> Any:
    sampling = request.sampling
    asked = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "seed": None if sampling.seed is None else sampling.seed + request.sample_index,
    }
    told = {name: value for name, value in asked.items() if value is not None}
    return loaded.sampling(**{**loaded.defaults, **told, "max_tokens": sampling.max_output_tokens or MAX_TOKENS})


# The reply


@dataclass(slots=True)
class _Written:
    """What the model has written so far."""

    text: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    finish: str = ""
    cached_tokens: int = 0
    cut: Literal["", "time_limit"] = ""

    def add(self, output: Any) -> None:
        self.cached_tokens = output.num_cached_tokens or self.cached_tokens
        for piece in output.outputs:
            self.text.append(piece.text)
            self.ids.extend(piece.token_ids)
            self.finish = piece.finish_reason or self.finish


async def _generate(loaded: Loaded, prompt: list[int], request: ModelRequest, total_s: float) -> _Written | Fault:
    written = _Written()
    try:
        parameters = _parameters(loaded, request)
        async with asyncio.timeout(total_s):
            name = f"s1-{os.getpid()}-{next(_NUMBERS)}"
            async for output in loaded.engine.generate({"prompt_token_ids": prompt}, parameters, name):
                written.add(output)
    except TimeoutError:
        written.cut = "time_limit"
    except loaded.dead as error:
        return Fault("unusable", one_line(f"vLLM has died: {error}"))
    except loaded.refused as error:
        return Fault("failed", one_line(str(error)))
    except loaded.passing as error:
        cause = error.__cause__ or error  # vLLM hides the reason behind an error of its own
        kind: Literal["failed", "transient"] = "failed" if isinstance(cause, loaded.refused) else "transient"
        return Fault(kind, one_line(f"vLLM: {cause}"))
    return written


def _reply(request: ModelRequest, tokenizer: Any, prompt: Sequence[int], written: _Written) -> Reply | Fault:
    text = text_of("".join(written.text))
    # A template may have written the opening tag itself; without it a thought that was cut off looks like an answer.
    if tokenizer.decode(prompt[-8:]).rstrip().endswith("<think>"):
        text = f"<think>{text}"
    thinking, answer = split_thinking(text)
    judged = _status(written, thinking, answer)
    if isinstance(judged, Fault):
        return judged
    thinking_tokens, counter = _thinking_tokens(tokenizer, written.ids, thinking, answer)
    return Reply(
        *judged,
        thinking,
        answer,
        "raw" if thinking else "none",
        written.finish,
        request.model.model,
        len(prompt),
        written.cached_tokens,
        thinking_tokens,
        len(written.ids) - thinking_tokens,
        counter,
    )


def _status(written: _Written, thinking: str, answer: str) -> tuple[Status, str] | Fault:
    cut = "connection_cut" if written.finish in _BROKEN_OFF else written.cut
    if cut:
        fault = Fault("transient", f"vLLM wrote nothing before it stopped: {written.finish or cut}")
        return ("truncated", cut) if thinking or answer else fault
    if written.finish == "length":
        return "truncated", "max_tokens"
    if not answer:
        return Fault("no_answer", f"an empty answer, finished by {written.finish or 'nothing'}")
    return ("ok", "") if written.finish in ("", "stop") else ("truncated", written.finish)


def _thinking_tokens(tokenizer: Any, ids: list[int], thinking: str, answer: str) -> tuple[int, str]:
    """Tokens up to the closing tag, and who counted."""
    if not thinking:
        return 0, USAGE
    if not answer:
        return len(ids), USAGE
    end = tokenizer.encode("</think>", add_special_tokens=False)
    if len(end) == 1 and end[0] in ids:
        return ids.index(end[0]) + 1, USAGE
    return share_by_length(len(ids), thinking, answer), BY_LENGTH
