"""OpenAI's chat completions, as OpenAI and the many servers that speak like it write them: request, reply, errors.

Thinking is taken from `reasoning_content` (or `reasoning`), or from a `<think>` block at the beginning of the content,
and is then `raw`. Long answers are streamed. Not covered: several answers to one request, tools, images.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from s1_assets.adapters.llm.asked_thinking import AskedThinking, asked_thinking
from s1_assets.adapters.llm.complaints import Complaint, complaint_in, limits_told, status_fault
from s1_assets.adapters.llm.provider import CallLimits, Fault, Try
from s1_assets.adapters.llm.reply_text import (
    BY_LENGTH,
    USAGE,
    approximate_input,
    as_count,
    is_same_model,
    one_line,
    share_by_length,
    split_thinking,
    text_of,
)
from s1_assets.adapters.llm.wire import DONE, Answered, Cut, post, read_object, stream, to_bytes
from s1_assets.domain.tokens import APPROXIMATE, approximate_tokens
from s1_assets.records.models import ModelName, ModelRequest, Reply, Status

if TYPE_CHECKING:
    import aiohttp

STREAMED_FROM = 8_192
"""Longer answers are streamed, so that a cut connection loses the end alone."""

_LENGTH = ("length", "max_tokens", "model_length")
_BROKEN_OFF = ("abort", "error", "insufficient_system_resource")
_SPENT = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")
_UNKNOWN_MODEL = ("model_not_found", "ModelNotFound", "model_not_available")
_UNKNOWN_WORDS = ("not found", "does not exist", "not exist", "unknown", "no such", "not a valid", "not available")
_BLOCKED_PROMPT = ("content_filter", "content_policy_violation", "invalid_prompt")
_TOO_LARGE = "request too large"
_ENDED_EARLY = Cut(
    "connection_cut", Fault("transient", "the connection ended before the answer did", maybe_billed=True)
)


async def ask_chat(
    session: "aiohttp.ClientSession",
    server: str,
    headers: Mapping[str, str],
    request: ModelRequest,
    secret: str,
    limits: CallLimits,
    limit_name: str = "max_tokens",
) -> Try:
    """Try a request once.

    Args:
        server: What stands before `/chat/completions`.
        secret: What no reason may hold.
        limit_name: The field by which this server takes the limit of output tokens.
    """
    thinking = asked_thinking(request.thinking)
    if isinstance(thinking, Fault):
        return Try(thinking)
    streamed = (request.sampling.max_output_tokens or 0) > STREAMED_FROM
    body = to_bytes(_body(request, thinking, streamed, limit_name))
    url, answer = f"{server}/chat/completions", _Answer(secret)
    if streamed:
        came = await stream(session, url, headers, body, limits, answer.take)
    else:
        came = await post(session, url, headers, body, limits)
    if isinstance(came, Fault):
        return Try(came)
    if isinstance(came, Cut):
        return Try(_reply(request, answer, came))
    return _read(request, answer, came)


@dataclass(slots=True)
class _Answer:
    """What has come of an answer so far, whole or in pieces."""

    secret: str = field(repr=False)
    thinking: list[str] = field(default_factory=list)
    content: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    finish: str = ""
    served: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    came: bool = False

    def take(self, payload: bytes) -> Fault | None:
        """Add a piece of a stream."""
        try:
            piece = json.loads(payload)
            if piece.get("error"):
                return _fault_in_ok(payload, self.secret)
            self._add(piece, "delta")
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            return Fault(
                "transient", f"a stream that cannot be read: {one_line(payload, self.secret)}", maybe_billed=True
            )
        return None

    def take_whole(self, body: bytes) -> Fault | None:
        content = read_object(body, self.secret)
        if isinstance(content, Fault):
            return content
        try:
            if content["choices"] is None:
                raise LookupError
            self._add(content, "message")
        except (LookupError, TypeError, AttributeError):
            return _fault_in_ok(body, self.secret)
        return None

    def _add(self, piece: Mapping[str, Any], part: str) -> None:
        """Raises LookupError, TypeError or AttributeError where the shape is another."""
        self.came = True
        if served := piece.get("model"):
            self.served = text_of(served)
        if isinstance(usage := piece.get("usage"), Mapping):
            self.usage = usage
        if not (choices := piece.get("choices")):
            return
        choice = choices[0]
        if finish := choice.get("finish_reason"):
            self.finish = text_of(finish)
        message = choice[part] or {}
        if content := message.get("content"):
            self.content.append(text_of(content))
        if thinking := message.get("reasoning_content") or message.get("reasoning"):
            self.thinking.append(text_of(thinking))
        if refusal := message.get("refusal"):
            self.refusal.append(text_of(refusal))

    def texts(self) -> tuple[str, str]:
        """Thinking and answer."""
        apart, content = "".join(self.thinking).strip(), "".join(self.content)
        return (apart, content.strip()) if apart else split_thinking(content)


# The request


def _body(request: ModelRequest, thinking: AskedThinking, streamed: bool, limit_name: str) -> dict[str, Any]:
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": request.model.model,
        "messages": [{"role": message.role, "content": message.content} for message in request.messages],
    }
    if sampling.max_output_tokens is not None:
        body[limit_name] = sampling.max_output_tokens
    if sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if sampling.top_k is not None:
        body["top_k"] = sampling.top_k
    if sampling.seed is not None:
        body["seed"] = sampling.seed + request.sample_index
    if streamed:
        body["stream"], body["stream_options"] = True, {"include_usage": True}
    if thinking.level is not None:
        body["reasoning_effort"] = thinking.level
    body.update(thinking.extra)
    return body


# The reply


def _read(request: ModelRequest, answer: _Answer, came: Answered) -> Try:
    told = limits_told(came.headers)
    if not 200 <= came.status < 300:
        complaint = complaint_in(came.body, answer.secret)
        return Try(_refusal(request.model, came, complaint), limits_told(came.headers, complaint))
    if came.body not in (b"", DONE):
        return Try(answer.take_whole(came.body) or _reply(request, answer, None), told)
    is_whole = came.body == DONE and answer.came
    return Try(_reply(request, answer, None if is_whole else _ENDED_EARLY), told)


def _reply(request: ModelRequest, answer: _Answer, cut: Cut | None) -> Reply | Fault:
    thinking, text = answer.texts()
    judged = _status(answer, thinking, text, cut)
    if isinstance(judged, Fault):
        return judged
    status, reason = judged
    asked = request.model.model
    if status != "blocked" and not is_same_model(asked, answer.served):
        status, reason = "substituted", f"asked for {asked}, {answer.served} answered"
    input_tokens, cached_tokens, thinking_tokens, answer_tokens, counter = _counts(request, answer, thinking, text)
    return Reply(
        status,
        reason,
        thinking,
        text,
        "raw" if thinking else "none",
        answer.finish,
        answer.served,
        input_tokens,
        cached_tokens,
        thinking_tokens,
        answer_tokens,
        counter,
    )


def _status(answer: _Answer, thinking: str, text: str, cut: Cut | None) -> tuple[Status, str] | Fault:
    finish = answer.finish
    if finish in _BROKEN_OFF:
        cut = Cut("connection_cut", Fault("transient", f"the server broke off: {finish}", maybe_billed=True))
    elif finish:
        cut = None  # what was lost came after the answer's end
    if cut is not None:
        return ("truncated", cut.by) if thinking or text else cut.fault
    if finish in _LENGTH:
        return "truncated", "max_tokens"
    if finish == "content_filter":
        return "blocked", finish
    if answer.refusal:
        return "refused", one_line("".join(answer.refusal))
    if not text:
        return Fault("no_answer", f"an empty answer, finished by {finish or 'nothing'}", maybe_billed=True)
    return "ok", ""


def _counts(request: ModelRequest, answer: _Answer, thinking: str, text: str) -> tuple[int, int, int, int, str]:
    """Tokens of the input, of it cached, of thinking and of the answer, and who counted."""
    usage = answer.usage
    came_in, out = as_count(usage.get("prompt_tokens")), as_count(usage.get("completion_tokens"))
    cached = as_count(_within(usage, "prompt_tokens_details", "cached_tokens"))
    if not out and (thinking or text):
        came_in = came_in or approximate_input(request.messages)
        return came_in, cached, approximate_tokens(thinking), approximate_tokens(text), APPROXIMATE
    # Some vendors count thinking beside the completion, not within it, and some of them tell it by the total alone.
    beside = max(0, as_count(usage.get("total_tokens")) - came_in - out)
    if told := as_count(_within(usage, "completion_tokens_details", "reasoning_tokens")) or beside:
        return came_in, cached, told, out if beside >= told else max(0, out - told), USAGE
    shared = share_by_length(out, thinking, text) if thinking else 0
    return came_in, cached, shared, out - shared, BY_LENGTH if thinking else USAGE


def _within(usage: Mapping[str, Any], part: str, name: str) -> object:
    details = usage.get(part)
    return details.get(name) if isinstance(details, Mapping) else None


# Errors


def _refusal(model: ModelName, came: Answered, complaint: Complaint) -> Fault | Reply:
    fault = status_fault(came, complaint)
    if complaint.codes.intersection(_SPENT):
        return Fault("key_exhausted", fault.reason)
    if came.status == 400 and complaint.codes.intersection(_BLOCKED_PROMPT):
        return Reply("blocked", complaint.words)
    if came.status == 400 and _is_unknown_model(model.model, complaint):
        return Fault("unusable", fault.reason)
    if came.status == 429 and _TOO_LARGE in complaint.words.casefold():
        return Fault("failed", fault.reason)  # it alone is more than a minute's tokens: no wait helps
    return fault


def _is_unknown_model(model: str, complaint: Complaint) -> bool:
    if complaint.param == "model" or complaint.codes.intersection(_UNKNOWN_MODEL):
        return True
    words = complaint.words.casefold()
    return model.casefold() in words and any(each in words for each in _UNKNOWN_WORDS)


def _fault_in_ok(body: bytes, secret: str) -> Fault:
    """The fault of an answer that says 200 and has an error, or no message, within."""
    complaint = complaint_in(body, secret)
    status = next(
        (int(code) for code in complaint.codes if len(code) == 3 and code.isdecimal() and 400 <= int(code) < 600), 0
    )
    if status:
        return status_fault(Answered(status, {}, body), complaint)
    return Fault("transient", f"an answer without a message: {complaint.words}", maybe_billed=True)
