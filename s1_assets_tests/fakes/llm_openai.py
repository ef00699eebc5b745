"""OpenAI's chat completions, as OpenAI and servers that speak like it (vLLM, ...) write them."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

from s1_assets_tests.fakes.llm_rules import Answer, Bucket, Json, Refusal, ThinkingIn, pieces, tokens

_FINISH = {"MAX_TOKENS": "length", "SAFETY": "content_filter"}


class OpenAIWire:
    """One request to `/chat/completions`."""

    def __init__(self, key: str, body: Json | None, thinking_in: ThinkingIn) -> None:
        self.key = key
        self.body = body or {}
        self.model = str(self.body.get("model", ""))
        self.prompt = _prompt(self.body)
        self.streamed = bool(self.body.get("stream"))
        self.choices = int(self.body.get("n") or 1)
        self._parsed = body is not None
        self._thinking_in = thinking_in

    def mistake(self) -> Refusal | None:
        if not self._parsed:
            return _error(400, "We could not parse the JSON body of your request.")
        for name in ("model", "messages"):
            if not self.body.get(name):
                said = f"Missing required parameter: '{name}'."
                return _error(400, said, param=name, code="missing_required_parameter")
        return None

    def dead(self, status: int) -> Refusal:
        if status == 403:
            return _error(
                403, "Country, region, or territory not supported", code="unsupported_country_region_territory"
            )
        masked = self.key if len(self.key) < 9 else f"{self.key[:3]}{'*' * (len(self.key) - 7)}{self.key[-4:]}"
        said = f"Incorrect API key provided: {masked}. You can find your API key at your account's page."
        return _error(status, said, code="invalid_api_key")

    def exhausted(self, told: bool) -> Refusal:
        said = "You exceeded your current quota, please check your plan and billing details."
        return _error(429, said, kind="insufficient_quota", code="insufficient_quota")

    def limited(self, per_minute: float, wait_s: float, told: bool) -> Refusal:
        said = (
            f"Rate limit reached for {self.model} on requests per min (RPM): Limit {per_minute:g}, Requested 1. "
            f"Please try again in {_span(wait_s)}."
        )
        waits = {"retry-after": str(math.ceil(wait_s)), "retry-after-ms": str(math.ceil(wait_s * 1000))}
        return _error(429, said, kind="requests", code="rate_limit_exceeded", headers=waits if told else None)

    def failed(self, status: int) -> Refusal:
        if status == 400:
            said = "This model's maximum context length is 32768 tokens. Please reduce the length of the messages."
            return _error(400, said, param="messages", code="context_length_exceeded")
        if status == 404:
            said = f"The model `{self.model}` does not exist or you do not have access to it."
            return _error(404, said, code="model_not_found")
        if status == 503:
            return _error(503, "The engine is currently overloaded, please try again later", kind="server_error")
        if status >= 500:
            return _error(status, "The server had an error while processing your request.", kind="server_error")
        return _error(status, f"The request was answered with {status}.")

    def headers(self, bucket: Bucket) -> dict[str, str]:
        told = {
            "x-ratelimit-limit-requests": f"{bucket.limit.per_minute:g}",
            "x-ratelimit-remaining-requests": str(bucket.left),
            "x-ratelimit-reset-requests": _span(bucket.full_in_s),
        }
        if (limit := bucket.limit.tokens_per_minute) is not None:
            left = {"x-ratelimit-remaining-tokens": str(limit), "x-ratelimit-reset-tokens": "0s"}
            told |= {"x-ratelimit-limit-tokens": str(limit), **left}
        return told

    def reply(self, answers: list[Answer]) -> Json:
        answers = [_cut_short(answer) for answer in answers]
        choices = [
            {
                "index": index,
                "message": self._message(answer),
                "logprobs": None,
                "finish_reason": _FINISH.get(answer.finish, answer.finish),
            }
            for index, answer in enumerate(answers)
        ]
        return {**self._frame("chat.completion", answers, choices), "usage": self._usage(answers)}

    def events(self, answers: list[Answer]) -> list[Json]:
        answers = [_cut_short(answer) for answer in answers]
        frames = [
            self._frame("chat.completion.chunk", answers, [{"index": index, "logprobs": None, **choice}])
            for index, answer in enumerate(answers)
            for choice in self._deltas(answer)
            if answer.fault != "no_candidates"
        ]
        if not (self.body.get("stream_options") or {}).get("include_usage"):
            return frames
        last = {**self._frame("chat.completion.chunk", answers, []), "usage": self._usage(answers)}
        return [*({**frame, "usage": None} for frame in frames), last]

    def framed(self, events: list[Json], whole: bool) -> bytes:
        lines = [json.dumps(event, ensure_ascii=False) for event in events] + ["[DONE]"] * whole
        return "".join(f"data: {line}\n\n" for line in lines).encode()

    def _frame(self, kind: str, answers: list[Answer], choices: list[Json]) -> Json:
        return {
            "id": f"chatcmpl-{sha256(self.prompt.encode()).hexdigest()[:20]}",
            "object": kind,
            "created": 1_760_000_000,
            "model": answers[0].model or self.model,
            "choices": [] if answers[0].fault == "no_candidates" else choices,
        }

    def _message(self, answer: Answer) -> Json:
        thinking, content = self._said(answer)
        apart: Json = {self._thinking_in: thinking} if thinking else {}
        return {"role": "assistant", "content": None if thinking and not content else content, **apart}

    def _said(self, answer: Answer) -> tuple[str, str]:
        """Thinking that stands apart, and content."""
        if self._thinking_in != "think" or not answer.thinking:
            return answer.thinking, answer.text
        unended = answer.fault == "empty_max_tokens"
        return "", f"<think>\n{answer.thinking}" + ("" if unended else f"\n</think>\n\n{answer.text}")

    def _deltas(self, answer: Answer) -> Iterator[Json]:
        thinking, content = self._said(answer)
        yield {"delta": {"role": "assistant", "content": ""}, "finish_reason": None}
        for name, text in ((self._thinking_in, thinking), ("content", content)):
            for piece in pieces(text):
                yield {"delta": {name: piece}, "finish_reason": None}
        yield {"delta": {}, "finish_reason": _FINISH.get(answer.finish, answer.finish)}

    def _usage(self, answers: list[Answer]) -> Json:
        thinking = sum(answer.tokens_of_thinking for answer in answers)
        output = thinking + sum(tokens(answer.text) for answer in answers)
        asked = max(tokens(self.prompt), answers[0].cached_tokens)
        return {
            "prompt_tokens": asked,
            "completion_tokens": output,
            "total_tokens": asked + output,
            "prompt_tokens_details": {"cached_tokens": answers[0].cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": thinking},
        }


def listed(models: tuple[str, ...]) -> Json:
    """The list of models."""
    rows = [{"id": model, "object": "model", "created": 1_760_000_000, "owned_by": "fake"} for model in models]
    return {"object": "list", "data": rows}


def _prompt(body: Json) -> str:
    messages = body.get("messages") or []
    content = next((message.get("content") for message in reversed(messages) if message.get("role") == "user"), "")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return str(content or "")


def _cut_short(answer: Answer) -> Answer:
    """The answer that is left of one whose fault says that there is none."""
    if answer.fault.startswith("block_reason"):
        return replace(answer, thinking="", text="", thinking_tokens=None, finish="content_filter")
    return replace(answer, text="", finish="length") if answer.fault == "empty_max_tokens" else answer


def _error(
    status: int,
    message: str,
    kind: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
    headers: dict[str, str] | None = None,
) -> Refusal:
    error: dict[str, Any] = {"message": message, "type": kind, "param": param, "code": code}
    return Refusal(status, {"error": error}, headers or {})


def _span(seconds: float) -> str:
    """A duration as OpenAI writes it: `120ms`, `6s`, `1m30s`."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f}m{rest:.3g}s" if minutes else f"{rest:.4g}s"
