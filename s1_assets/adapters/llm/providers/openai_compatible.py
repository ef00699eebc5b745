"""Provider `openai`: any server that speaks OpenAI's chat completions, named with its base URL (vLLM, Ollama,
llama.cpp, ...).

Thinking is taken from `reasoning_content` (or `reasoning`), or from a `<think>` block at the beginning of the content,
and is then `raw`. A transient fault is tried again a few times; everything else is a reply with its status. Not
covered: streaming, limits per minute, several keys.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from random import uniform
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from s1_assets.domain.tokens import APPROXIMATE, approximate_tokens
from s1_assets.errors import ModelUnreachable, ModelUnusable, SettingsError
from s1_assets.records.models import ModelName, ModelRequest, Reply, Status

CALL_LIMIT_S = 1_800
"""A reasoning model may think for a quarter of an hour."""
TRIES = 6
LONGEST_WAIT_S = 30.0
_TRANSIENT = (408, 409, 425, 429)
"""Besides every 5xx."""
_REFUSED = (401, 402, 403, 404)
_THINK, _END_THINK = "<think>", "</think>"


class OpenAICompatible:
    """Calls a server; safe to use from several threads."""

    name = "openai"
    in_flight = 64

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def fault_of(self, model: ModelName) -> str | None:
        if model.base_url is None:
            return f"name the server too: openai:{model.model}@http://127.0.0.1:8000/v1"
        return None

    def complete(self, request: ModelRequest) -> Reply:
        """One answer.

        Raises:
            SettingsError: If the model's name has no base URL.
            ModelUnusable: If the server refuses the key or does not know the model.
            ModelUnreachable: If it gives no usable answer in `TRIES` tries.
        """
        if request.model.base_url is None:
            raise SettingsError("a model that cannot be called:", [f"{request.model}: {self.fault_of(request.model)}"])
        url, body = request.model.base_url, json.dumps(_body(request)).encode()
        told = ""
        fault: Exception | None = None
        for attempt in range(TRIES):
            try:
                return _reply(_post(url, body))
            except HTTPError as error:
                told = f"{error.code} {error.read(300).decode(errors='replace')}"
                if error.code in _REFUSED:
                    raise ModelUnusable(f"{request.model}: the server answered {told}") from error
                if error.code < 500 and error.code not in _TRANSIENT:
                    return Reply("failed", f"http_{error.code}")
                fault, wait_s = error, _wait_s(attempt, error.headers.get("retry-after"))
            except (OSError, HTTPException, ValueError) as error:
                told, fault, wait_s = str(error), error, _wait_s(attempt, None)
            if attempt + 1 < TRIES:
                self._sleep(wait_s)
        raise ModelUnreachable(f"{request.model}: no usable answer in {TRIES} tries, the last time: {told}") from fault


def _body(request: ModelRequest) -> dict[str, Any]:
    sampling = request.sampling
    optional = {
        "max_tokens": sampling.max_output_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "seed": sampling.seed,
    }
    return {
        "model": request.model.model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
        **{name: value for name, value in optional.items() if value is not None},
        **request.thinking,
    }


def _post(base_url: str, body: bytes) -> Mapping[str, Any]:
    headers = {"content-type": "application/json"}
    if key := os.environ.get("OPENAI_API_KEY"):
        headers["authorization"] = f"Bearer {key}"
    call = Request(f"{base_url.rstrip('/')}/chat/completions", body, headers)
    with urlopen(call, timeout=CALL_LIMIT_S) as answer:
        told = answer.read()
    try:
        content = json.loads(told)
        if isinstance(content["choices"][0]["message"], Mapping):
            return dict(content)
    except (ValueError, LookupError, TypeError):
        pass  # told below, in the server's own words
    raise ValueError(f"the server answered without a message: {told[:100].decode(errors='replace')}")


def _reply(content: Mapping[str, Any]) -> Reply:
    served = str(content.get("model", ""))
    choice = content["choices"][0]
    message = choice["message"]
    thinking, answer = _split(message)
    finish = str(choice.get("finish_reason") or "")
    status, reason = _status(finish, message.get("refusal"), answer)
    usage = content.get("usage") or {}
    thinking_tokens = approximate_tokens(thinking)
    total = usage.get("completion_tokens")
    return Reply(
        status,
        reason,
        thinking,
        answer,
        "raw" if thinking else "none",
        finish,
        served,
        int(usage.get("prompt_tokens") or 0),
        thinking_tokens,
        max(0, int(total) - thinking_tokens) if total is not None else approximate_tokens(answer),
        APPROXIMATE,
    )


def _split(message: Mapping[str, Any]) -> tuple[str, str]:
    """Thinking and answer of a message."""
    content = _text(message.get("content"))
    apart = message.get("reasoning_content") or message.get("reasoning")
    if apart:
        return _text(apart).strip(), content.strip()
    before, found, after = content.partition(_END_THINK)
    if found:
        return before.replace(_THINK, "", 1).strip(), after.strip()
    if content.lstrip().startswith(_THINK):
        return content.replace(_THINK, "", 1).strip(), ""
    return "", content.strip()


def _text(value: object) -> str:
    """A field's text; half characters, which JSON can hold and a table cannot, become question marks."""
    return str(value or "").encode("utf-8", "replace").decode()


def _status(finish: str, refusal: object, answer: str) -> tuple[Status, str]:
    if finish == "length":
        return "truncated", "max_tokens"
    if finish == "content_filter":
        return "blocked", "content_filter"
    if refusal:
        return "refused", str(refusal)[:200]
    return ("ok", "") if answer else ("failed", "empty_answer")


def _wait_s(attempt: int, told: str | None) -> float:
    """The server's own word where it gives one, else full jitter up to a doubling bound."""
    if told is not None and told.strip().isdigit():
        return min(float(told), LONGEST_WAIT_S)
    return uniform(0, min(LONGEST_WAIT_S, 2.0**attempt))
