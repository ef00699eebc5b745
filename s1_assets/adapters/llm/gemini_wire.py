"""Google's `generateContent`, as the Gemini API and Vertex AI speak it alike: the request, the reply, the errors.

Thinking comes as parts of its own and is a summary, never the model's raw thinking. Long answers are streamed. Not
covered: several candidates, tools, images, batches.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from s1_assets.adapters.llm.asked_thinking import AskedThinking, asked_thinking
from s1_assets.adapters.llm.complaints import Complaint, complaint_in, limits_told, status_fault
from s1_assets.adapters.llm.provider import CallLimits, Fault, Try
from s1_assets.adapters.llm.reply_text import USAGE, approximate_input, as_count, is_same_model, one_line, text_of
from s1_assets.adapters.llm.wire import DONE, Answered, Cut, post, read_object, stream, to_bytes
from s1_assets.domain.tokens import APPROXIMATE, approximate_tokens
from s1_assets.records.models import ModelRequest, Reply, Status

if TYPE_CHECKING:
    import aiohttp

STREAMED_FROM = 8_192
"""Longer answers are streamed, so that a cut connection loses the end alone."""
BLOCKED = ("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "MODEL_ARMOR", "JAILBREAK")
NEVER_AN_ANSWER = ("RECITATION", "OTHER", "MALFORMED_RESPONSE", "MALFORMED_FUNCTION_CALL")
"""Finish reasons after which text, if there is any, broke off for no reason of the request's."""
_NO_WORD = ("", "FINISH_REASON_UNSPECIFIED")
_ENDED_EARLY = Cut(
    "connection_cut", Fault("transient", "the connection ended before the answer did", maybe_billed=True)
)


async def ask_google(
    session: "aiohttp.ClientSession",
    models_url: str,
    headers: Mapping[str, str],
    request: ModelRequest,
    secret: str,
    limits: CallLimits,
) -> Try:
    """Try a request once.

    Args:
        models_url: What stands before `/MODEL:generateContent`.
        secret: What no reason may hold.
    """
    thinking = _checked(asked_thinking(request.thinking))
    if isinstance(thinking, Fault):
        return Try(thinking)
    body = to_bytes(_body(request, thinking))
    url = f"{models_url}/{quote(request.model.model.removeprefix('models/'), safe='')}"
    answer = _Answer(secret)
    if (request.sampling.max_output_tokens or 0) > STREAMED_FROM:
        url = f"{url}:streamGenerateContent?alt=sse"
        came = await stream(session, url, headers, body, limits, answer.take)
    else:
        came = await post(session, f"{url}:generateContent", headers, body, limits)
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
    text: list[str] = field(default_factory=list)
    finish: str = ""
    finish_words: str = ""
    blocked: str = ""
    """Why the prompt was not answered at all."""
    served: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    came: bool = False
    begun: bool = False
    """Whether there was a candidate."""

    def take(self, payload: bytes) -> Fault | None:
        """Add a whole answer, or a piece of a stream."""
        content = read_object(payload, self.secret)
        if isinstance(content, Fault):
            return content
        if content.get("error"):
            return _fault_in_ok(payload, self.secret)
        try:
            self._add(content)
        except (LookupError, TypeError, AttributeError):
            return Fault(
                "transient", f"an answer that cannot be read: {one_line(payload, self.secret)}", maybe_billed=True
            )
        return None

    def _add(self, content: Mapping[str, Any]) -> None:
        """Raises LookupError, TypeError or AttributeError where the shape is another."""
        self.came = True
        if served := content.get("modelVersion"):
            self.served = text_of(served)
        if isinstance(usage := content.get("usageMetadata"), Mapping):
            self.usage = usage
        if feedback := content.get("promptFeedback"):
            self.blocked = text_of(feedback.get("blockReason")) or self.blocked
        if not (candidates := content.get("candidates")):
            return
        candidate, self.begun = candidates[0], True
        for part in (candidate.get("content") or {}).get("parts") or ():
            if text := part.get("text"):
                (self.thinking if part.get("thought") else self.text).append(text_of(text))
        if finish := candidate.get("finishReason"):
            self.finish, self.finish_words = text_of(finish), text_of(candidate.get("finishMessage"))


# The request


def _checked(thinking: AskedThinking | Fault) -> AskedThinking | Fault:
    if isinstance(thinking, AskedThinking) and thinking.level is not None and thinking.budget is not None:
        return Fault("unusable", "thinking has both a level and a budget: Gemini 3 takes a level, Gemini 2.5 a budget")
    return thinking


def _body(request: ModelRequest, thinking: AskedThinking) -> dict[str, Any]:
    system = [{"text": message.content} for message in request.messages if message.role == "system"]
    body: dict[str, Any] = {
        "contents": [
            {"role": "model" if message.role == "assistant" else "user", "parts": [{"text": message.content}]}
            for message in request.messages
            if message.role != "system"
        ]
    }
    if system:
        body["systemInstruction"] = {"parts": system}
    generation = _generation(request, thinking)
    extra = dict(thinking.extra)
    if isinstance(more := extra.pop("generationConfig", None), Mapping):
        generation.update(more)
    if generation:
        body["generationConfig"] = generation
    body.update(extra)
    return body


def _generation(request: ModelRequest, thinking: AskedThinking) -> dict[str, Any]:
    sampling = request.sampling
    optional = {
        "maxOutputTokens": sampling.max_output_tokens,
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "seed": None if sampling.seed is None else sampling.seed + request.sample_index,
    }
    generation: dict[str, Any] = {name: value for name, value in optional.items() if value is not None}
    # Thoughts may be asked for only where thinking is asked for: else the API answers 400.
    if thinking.level is not None:
        generation["thinkingConfig"] = {"includeThoughts": True, "thinkingLevel": thinking.level.upper()}
    elif thinking.budget == 0:
        generation["thinkingConfig"] = {"thinkingBudget": 0}
    elif thinking.budget is not None:
        generation["thinkingConfig"] = {"includeThoughts": True, "thinkingBudget": thinking.budget}
    return generation


# The reply


def _read(request: ModelRequest, answer: _Answer, came: Answered) -> Try:
    told = limits_told(came.headers)
    if not 200 <= came.status < 300:
        complaint = complaint_in(came.body, answer.secret)
        return Try(_fault(came, complaint), limits_told(came.headers, complaint))
    if came.body not in (b"", DONE):
        return Try(answer.take(came.body) or _reply(request, answer, None), told)
    is_whole = answer.came and not answer.begun
    return Try(_reply(request, answer, None if is_whole else _ENDED_EARLY), told)


def _reply(request: ModelRequest, answer: _Answer, cut: Cut | None) -> Reply | Fault:
    thinking, text = "".join(answer.thinking).strip(), "".join(answer.text).strip()
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
        "summary" if thinking else "none",
        answer.finish or answer.blocked,
        answer.served,
        input_tokens,
        cached_tokens,
        thinking_tokens,
        answer_tokens,
        counter,
    )


def _status(answer: _Answer, thinking: str, text: str, cut: Cut | None) -> tuple[Status, str] | Fault:
    finish = answer.finish
    if answer.blocked or finish in BLOCKED:
        return "blocked", answer.blocked or finish
    if cut is not None and not finish:
        return ("truncated", cut.by) if thinking or text else cut.fault
    if finish == "MAX_TOKENS":
        return "truncated", "max_tokens" if text else "max_tokens_no_answer"
    if not text or finish in NEVER_AN_ANSWER:
        words = f" ({one_line(answer.finish_words, answer.secret)})" if answer.finish_words else ""
        return Fault("no_answer", f"no answer, finished by {finish or 'nothing'}{words}", maybe_billed=True)
    if finish == "STOP" or finish in _NO_WORD:
        return "ok", ""
    return "truncated", finish


def _counts(request: ModelRequest, answer: _Answer, thinking: str, text: str) -> tuple[int, int, int, int, str]:
    """Tokens of the input, of it cached, of thinking and of the answer, and who counted."""
    usage = answer.usage
    came_in, cached = as_count(usage.get("promptTokenCount")), as_count(usage.get("cachedContentTokenCount"))
    thought, out = as_count(usage.get("thoughtsTokenCount")), as_count(usage.get("candidatesTokenCount"))
    if usage and (thought or out or not (thinking or text)):
        return came_in, cached, thought, out, USAGE
    came_in = came_in or approximate_input(request.messages)
    return came_in, cached, approximate_tokens(thinking), approximate_tokens(text), APPROXIMATE


# Errors


def _fault(came: Answered, complaint: Complaint) -> Fault:
    fault = status_fault(came, complaint)
    of_key = complaint.words.startswith("API key") or any(
        detail.get("reason") == "API_KEY_INVALID" for detail in complaint.details
    )
    # A project without billing, or in the wrong place, answers nothing; keys of another project may.
    if came.status == 400 and (of_key or "FAILED_PRECONDITION" in complaint.codes):
        return Fault("key_dead", fault.reason)
    return fault


def _fault_in_ok(payload: bytes, secret: str) -> Fault:
    """The fault of an error within an answer or a stream that began with 200."""
    complaint = complaint_in(payload, secret)
    status = next(
        (int(code) for code in complaint.codes if len(code) == 3 and code.isdecimal() and 400 <= int(code) < 600), 500
    )
    return _fault(Answered(status, {}, payload), complaint)
