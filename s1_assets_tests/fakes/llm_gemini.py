"""Gemini's generateContent, as the Gemini API and Vertex AI write it. Field names may come in camel or snake case."""

import base64
import json
import math
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from s1_assets_tests.fakes.llm_rules import Answer, Bucket, Json, Refusal, pieces, tokens

_TYPE = "type.googleapis.com/google.rpc."
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "CANCELLED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
# fmt: off
_REQUEST_FIELDS = frozenset({
    "contents", "systemInstruction", "generationConfig", "safetySettings", "tools", "toolConfig", "cachedContent",
    "labels",
})
_GENERATION_FIELDS = frozenset({
    "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "seed", "presencePenalty",
    "frequencyPenalty", "responseMimeType", "responseSchema", "responseJsonSchema", "responseLogprobs", "logprobs",
    "responseModalities", "mediaResolution", "speechConfig", "thinkingConfig",
})
# fmt: on
_THINKING_FIELDS = frozenset({"includeThoughts", "thinkingBudget", "thinkingLevel"})


class GeminiWire:
    """One request to `models/M:METHOD`; `resource` is the model's full name, `vertex` says whose wire it is."""

    def __init__(
        self, key: str, body: Json | None, resource: str, vertex: bool = False, streamed: bool = False, sse: bool = True
    ) -> None:
        self.key = key
        self.body = body or {}
        self.model = resource.rpartition("/")[2]
        self.streamed = streamed
        self._request = _camel_keys(self.body)
        self._generation = _camel_keys(self._request.get("generationConfig"))
        self._thinking = _camel_keys(self._generation.get("thinkingConfig"))
        self.prompt = _prompt(self._request)
        self.choices = int(self._generation.get("candidateCount") or 1)
        self._parsed = body is not None
        self._resource, self._vertex, self._sse = resource, vertex, sse

    def mistake(self) -> Refusal | None:
        if not self.key:
            return self._keyless()
        if not self._parsed:
            return _error(400, "Invalid JSON payload received. Expected a value.")
        return self._unknown_field() or self._bad_contents() or self._bad_thinking()

    def dead(self, status: int) -> Refusal:
        if status == 400 and not self._vertex:
            said = "API key not valid. Please pass a valid API key."
            local = {"@type": f"{_TYPE}LocalizedMessage", "locale": "en-US", "message": said}
            return _error(400, said, _reason("API_KEY_INVALID"), local)
        if status == 401:
            said = "Request had invalid authentication credentials. Expected OAuth 2 access token or login cookie."
            return _error(status, said)
        if self._vertex:
            resource = f"//aiplatform.googleapis.com/{self._resource}"
            said = f"Permission 'aiplatform.endpoints.predict' denied on resource '{resource}' (or it may not exist)."
            return _error(status, said)
        said = f"Permission denied: Consumer 'api_key:{self.key}' has been suspended."
        return _error(status, said, _reason("CONSUMER_SUSPENDED"))

    def exhausted(self, told: bool) -> Refusal:
        return self._quota("PerDay", 250, 30.0, told)

    def limited(self, per_minute: float, wait_s: float, told: bool) -> Refusal:
        return self._quota("PerMinute", per_minute, wait_s, told)

    def failed(self, status: int) -> Refusal:
        said = {
            400: "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            404: f"{self._resource} is not found for API version v1, or is not supported for generateContent.",
            500: "An internal error has occurred. Please retry.",
            503: "The model is overloaded. Please try again later.",
            504: "Deadline expired before operation could complete.",
        }
        if self._vertex:
            said[404] = f"Publisher Model `{self._resource}` was not found or your project does not have access to it."
        return _error(status, said.get(status, f"The request was answered with {status}."))

    def headers(self, bucket: Bucket) -> dict[str, str]:
        return {}

    def reply(self, answers: list[Answer]) -> Json:
        if bare := self._bare(answers):
            return bare
        candidates = [
            self._candidate(index, list(self._parts(answer, 1)), answer) for index, answer in enumerate(answers)
        ]
        return {"candidates": candidates, **self._frame(answers)}

    def events(self, answers: list[Answer]) -> list[Json]:
        if bare := self._bare(answers):
            return [bare]
        return list(self._streamed(answers))

    def framed(self, events: list[Json], whole: bool) -> bytes:
        if not self._sse:
            return json.dumps(events, ensure_ascii=False).encode()
        return "".join(f"data: {json.dumps(event, ensure_ascii=False)}\r\n\r\n" for event in events).encode()

    def counted(self) -> Json:
        """The answer to countTokens."""
        return {"totalTokens": tokens(self.prompt)}

    def _bare(self, answers: list[Answer]) -> Json | None:
        """A reply without candidates, if the fault is one."""
        kind, _, word = answers[0].fault.partition(":")
        if kind == "block_reason":
            return {"promptFeedback": {"blockReason": word or "SAFETY"}, **self._frame(answers, done=False)}
        return self._frame(answers, done=False) if kind == "no_candidates" else None

    def _streamed(self, answers: list[Answer]) -> Iterator[Json]:
        for index, answer in enumerate(answers):
            parts = [[part] for part in self._parts(answer, 3)] or [[]]
            for number, said in enumerate(parts):
                last = number == len(parts) - 1
                candidate = self._candidate(index, said, answer if last else None)
                yield {"candidates": [candidate], **self._frame(answers, last and index == len(answers) - 1)}

    def _parts(self, answer: Answer, count: int) -> Iterator[Json]:
        """Thought parts, where they are asked for, then answer parts, each text in `count` pieces."""
        if answer.fault == "empty_max_tokens":
            return
        if self._thinking.get("includeThoughts"):
            yield from ({"text": piece, "thought": True} for piece in pieces(answer.thinking, count))
        signature = {"thoughtSignature": base64.b64encode(self._digest()).decode()} if answer.thinking else {}
        for piece in pieces(answer.text, count):
            yield {"text": piece, **signature}
            signature = {}

    def _candidate(self, index: int, parts: list[Json], ended: Answer | None) -> Json:
        content = {"role": "model", **({"parts": parts} if parts else {})}
        if ended is None:
            return {"content": content, "index": index}
        finish = "length" if ended.fault == "empty_max_tokens" else ended.finish
        return {"content": content, "finishReason": _FINISH.get(finish, finish), "index": index}

    def _frame(self, answers: list[Answer], done: bool = True) -> Json:
        """All of a reply but its candidates; usage counts the output only when it is `done`."""
        cached = answers[0].cached_tokens
        asked = max(tokens(self.prompt), cached)
        thinking = sum(answer.tokens_of_thinking for answer in answers) if done else 0
        said = sum(tokens(answer.text) for answer in answers if answer.fault != "empty_max_tokens") if done else 0
        counts = {"candidatesTokenCount": said, "thoughtsTokenCount": thinking, "cachedContentTokenCount": cached}
        return {
            "usageMetadata": {
                "promptTokenCount": asked,
                "totalTokenCount": asked + said + thinking,
                **{name: count for name, count in counts.items() if count},
            },
            "modelVersion": answers[0].model or self.model,
            "responseId": self._digest().hex()[:22],
        }

    def _digest(self) -> bytes:
        return sha256(self.prompt.encode()).digest()

    def _keyless(self) -> Refusal:
        if self._vertex:
            return self.dead(401)
        said = "Method doesn't allow unregistered callers (callers without established identity)."
        return _error(403, said)

    def _unknown_field(self) -> Refusal | None:
        levels = (
            ("", self._request, _REQUEST_FIELDS),
            (" at 'generation_config'", self._generation, _GENERATION_FIELDS),
            (" at 'generation_config.thinking_config'", self._thinking, _THINKING_FIELDS),
        )
        for where, told, known in levels:
            for name in sorted(told.keys() - known):
                said = f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
                return _error(400, said)
        return None

    def _bad_contents(self) -> Refusal | None:
        contents = self._request.get("contents")
        if not contents:
            return _error(400, "* GenerateContentRequest.contents: contents is not specified\n")
        if any(content.get("role", "user") not in ("user", "model") for content in contents):
            return _error(400, "Please use a valid role: user, model.")
        return None

    def _bad_thinking(self) -> Refusal | None:
        level, budget = self._thinking.get("thinkingLevel"), self._thinking.get("thinkingBudget")
        if level is not None and budget is not None:
            return _error(400, "You can only set only one of thinking budget and thinking level.")
        if level is not None and self.model.startswith("gemini-2.5"):
            return _error(400, "Thinking level is not supported for this model.")
        if level is not None and level.lower() == "minimal" and self.model.startswith("gemini-3.8"):
            return _error(400, "Thinking level MINIMAL is not supported for this model.")
        return None

    def _quota(self, period: str, value: float, wait_s: float, told: bool) -> Refusal:
        violation = {
            "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
            "quotaId": f"GenerateRequests{period}PerProjectPerModel-FreeTier",
            "quotaDimensions": {"location": "global", "model": self.model},
            "quotaValue": f"{value:g}",
        }
        details: list[Json] = [{"@type": f"{_TYPE}QuotaFailure", "violations": [violation]}]
        said = "You exceeded your current quota, please check your plan and billing details."
        if self._vertex:
            said = "Resource exhausted. Please try again later."
        if told:
            delay = f"{math.ceil(wait_s * 1000) / 1000:g}s"
            said += f"\nPlease retry in {delay}."
            details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": delay})
        return _error(429, said, *details)


def listed(models: tuple[str, ...]) -> Json:
    """The list of models."""
    methods = ["generateContent", "countTokens"]
    sizes = {"inputTokenLimit": 1_048_576, "outputTokenLimit": 65_536}
    rows = [{"name": f"models/{m}", "displayName": m, **sizes, "supportedGenerationMethods": methods} for m in models]
    return {"models": rows}


def _prompt(request: Mapping[str, Any]) -> str:
    contents = request.get("contents") or []
    asked: Json = next((content for content in reversed(contents) if content.get("role", "user") == "user"), {})
    return "".join(part.get("text", "") for part in asked.get("parts") or [])


def _camel_keys(told: object) -> Json:
    if not isinstance(told, dict):
        return {}
    return {_camel(name): value for name, value in told.items()}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)


def _reason(reason: str) -> Json:
    service = {"service": "generativelanguage.googleapis.com"}
    return {"@type": f"{_TYPE}ErrorInfo", "reason": reason, "domain": "googleapis.com", "metadata": service}


def _error(status: int, message: str, *details: Json) -> Refusal:
    error: Json = {"code": status, "message": message, "status": _STATUS.get(status, "UNKNOWN")}
    return Refusal(status, {"error": {**error, **({"details": list(details)} if details else {})}})
