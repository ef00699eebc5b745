"""Our fake of the vendors' wire on loopback: OpenAI's chat completions, Gemini and Vertex, with a journal of the calls.

One server speaks all three: OpenAI under `/v1/chat/completions`, Gemini under `/v1` and `/v1beta`, Vertex under
`/v1/projects` and `/v1beta1/projects`. What it says is told by `Rules`. Not covered: batches, files, tuning, tools,
output limits (an answer is as long as the rules make it).
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from aiohttp import web

from s1_assets_tests.fakes import llm_gemini, llm_openai
from s1_assets_tests.fakes.llm_gemini import GeminiWire
from s1_assets_tests.fakes.llm_openai import OpenAIWire
from s1_assets_tests.fakes.llm_rules import (
    Answer,
    Asked,
    Bucket,
    Json,
    Limit,
    Refusal,
    Rules,
    Wire,
    always,
    digest_answer,
)

__all__ = ["Answer", "Asked", "Call", "Limit", "LlmServer", "Rules", "always", "digest_answer", "llm_server"]

_PIECE = 101
"""Bytes to a chunk of a stream: no multiple of an event, so that events and letters come in parts."""
_PAGE = b"<html><body><h1>Bad gateway</h1></body></html>"
_UNANSWERED = ("hang", "disconnect", "cut", "stall")


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the server saw it, written down when it came."""

    at: float
    """`time.monotonic()`."""
    key: str
    """From `x-goog-api-key`, `?key=` or the bearer token; empty if none came."""
    model: str
    prompt: str
    """Text of the last user message."""
    body: Json
    status: int
    """HTTP status of the answer; 0: the connection hung or was cut."""
    path: str


@dataclass(slots=True, eq=False)
class LlmServer:
    """A running server. Its journal grows at the end; all counts may be read from any thread."""

    rules: Rules
    openai_url: str = ""
    gemini_url: str = ""
    """Also the base URL for Vertex."""
    calls: list[Call] = field(default_factory=list)
    in_flight: int = 0
    """Requests to generate whose answers are not out, refused ones too; one that its client gives up is out."""
    peak_in_flight: int = 0
    broken: list[Exception] = field(default_factory=list)
    """What `rules.answer` raised; the first is raised again at the end."""
    _buckets: dict[tuple[Limit, str], Bucket] = field(default_factory=dict)
    _seen: Counter[str] = field(default_factory=Counter)

    def statuses(self) -> Counter[int]:
        """How often each HTTP status was given; 0 for no answer."""
        return Counter(call.status for call in list(self.calls))

    def paid(self) -> list[Call]:
        """Calls with status 200 that ask a model to write, whether or not the client stayed for the answer."""
        free = (":countTokens", "/models")
        return [call for call in list(self.calls) if call.status == 200 and not call.path.endswith(free)]

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/chat/completions", self._openai)
        app.router.add_get("/{version:v1|v1beta}/models", self._models)
        app.router.add_post("/{version:v1|v1beta}/{resource:models/[^:]+}:{method}", self._gemini)
        vertex = "projects/[^/]+/locations/[^/]+/publishers/google/models/[^:]+"
        app.router.add_post(f"/{{version:v1|v1beta1}}/{{resource:{vertex}}}:{{method}}", self._gemini)
        app.router.add_route("*", "/{anything:.*}", self._nowhere)
        return app

    async def _openai(self, request: web.Request) -> web.StreamResponse:
        return await self._generate(request, OpenAIWire(_bearer(request), await _body(request), self.rules.thinking_in))

    async def _gemini(self, request: web.Request) -> web.StreamResponse:
        resource, method = request.match_info["resource"], request.match_info["method"]
        vertex = resource.startswith("projects/")
        key, body = _bearer(request) if vertex else _google_key(request), await _body(request)
        wire = GeminiWire(key, body, resource, vertex, method.startswith("stream"), request.query.get("alt") == "sse")
        if method in ("generateContent", "streamGenerateContent"):
            return await self._generate(request, wire)
        if method != "countTokens":
            return await self._nowhere(request)
        refusal = self._refused_key(wire) or wire.mistake()
        self._note(request, wire, refusal.status if refusal else 200)
        return _refused(refusal) if refusal else web.json_response(wire.counted())

    async def _models(self, request: web.Request) -> web.StreamResponse:
        key, models = _google_key(request), self.rules.models
        wire: Wire = GeminiWire(key, {}, "") if key else OpenAIWire(_bearer(request), {}, self.rules.thinking_in)
        refusal = self._refused_key(wire)
        self._note(request, wire, refusal.status if refusal else 200)
        if refusal:
            return _refused(refusal)
        return web.json_response(llm_gemini.listed(models) if key else llm_openai.listed(models))

    async def _nowhere(self, request: web.Request) -> web.StreamResponse:
        """A path that no vendor has, as after a wrong base URL."""
        self.calls.append(Call(monotonic(), _google_key(request) or _bearer(request), "", "", {}, 404, request.path))
        return web.Response(status=404, text="404 page not found")

    async def _generate(self, request: web.Request, wire: Wire) -> web.StreamResponse:
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)
        try:
            return await self._judged(request, wire)
        finally:
            self.in_flight -= 1

    async def _judged(self, request: web.Request, wire: Wire) -> web.StreamResponse:
        bucket = self._bucket(wire.key)
        refusal = self._refused_key(wire) or wire.mistake() or self._over_quota(wire, bucket)
        headers = wire.headers(bucket) if bucket and self.rules.limit_headers else {}
        if refusal:
            self._note(request, wire, refusal.status)
            return _refused(refusal, headers)
        answers = self._answers(wire)
        fault = answers[0].fault
        refusal = _failure(wire, fault, self.rules.retry_after)
        self._note(request, wire, refusal.status if refusal else 0 if fault in _UNANSWERED else 200)
        await asyncio.sleep(self.rules.latency_s)
        if refusal:
            return _refused(refusal, headers)
        if fault == "hang":
            await _silence()
        if fault == "disconnect":
            return await _closed(request)
        return await _written(request, wire, answers, headers)

    def _refused_key(self, wire: Wire) -> Refusal | None:
        status = self.rules.dead_keys.get(wire.key)
        return wire.dead(status) if status else None

    def _over_quota(self, wire: Wire, bucket: Bucket | None) -> Refusal | None:
        if wire.key in self.rules.exhausted_keys:
            return wire.exhausted(self.rules.retry_after)
        if bucket and (wait_s := bucket.wait_s(monotonic())):
            return wire.limited(bucket.limit.per_minute, wait_s, self.rules.retry_after)
        return None

    def _bucket(self, key: str) -> Bucket | None:
        named = self.rules.limits.get(key)
        limit = named or self.rules.default_limit
        if limit is None:
            return None
        owner = (limit, "" if named else key)
        return self._buckets.setdefault(owner, Bucket(limit, monotonic()))

    def _answers(self, wire: Wire) -> list[Answer]:
        seen = self._seen[wire.prompt]
        self._seen[wire.prompt] += 1
        rule = self.rules.answer or (lambda asked: digest_answer(asked.prompt, asked.choice))
        try:
            return [
                rule(Asked(wire.model, wire.prompt, seen, choice, wire.key, wire.body))
                for choice in range(wire.choices)
            ]
        except Exception as error:
            self.broken.append(error)
            raise

    def _note(self, request: web.Request, wire: Wire, status: int) -> None:
        self.calls.append(Call(monotonic(), wire.key, wire.model, wire.prompt, wire.body, status, request.path))


@contextmanager
def llm_server(rules: Rules | None = None) -> Iterator[LlmServer]:
    """A server in a thread of this process; it ends with the block, and with it whatever still hangs.

    Raises:
        Exception: What `rules.answer` raised, if the block itself ended well.
    """
    server = LlmServer(rules or Rules())
    ready: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(server, ready)), name="llm-server", daemon=True)
    thread.start()
    port, loop, stop = ready.result()
    server.gemini_url = f"http://127.0.0.1:{port}"
    server.openai_url = f"{server.gemini_url}/v1"
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
    if server.broken:
        raise server.broken[0]


async def _serve(server: LlmServer, ready: "Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]]") -> None:
    runner = web.AppRunner(server.app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.01)
    stop = asyncio.Event()
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    except Exception as error:
        ready.set_exception(error)
        raise
    ready.set_result((runner.addresses[0][1], asyncio.get_running_loop(), stop))
    await stop.wait()
    await runner.cleanup()


async def _body(request: web.Request) -> Json | None:
    """The body if it is a JSON object."""
    try:
        body = json.loads(await request.read())
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _bearer(request: web.Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ").strip()


def _google_key(request: web.Request) -> str:
    return request.headers.get("x-goog-api-key") or request.query.get("key", "")


def _failure(wire: Wire, fault: str, told: bool) -> Refusal | None:
    """The error that a fault is, if it is one."""
    kind, _, detail = fault.partition(":")
    if kind == "error_in_stream" and not wire.streamed:
        return wire.failed(503)
    if kind != "status":
        return None
    status = int(detail)
    if status == 429:
        return wire.limited(60, 1.0, told)
    return wire.dead(status) if status in (401, 403) else wire.failed(status)


def _refused(refusal: Refusal, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(refusal.body, status=refusal.status, headers={**(headers or {}), **refusal.headers})


async def _written(
    request: web.Request, wire: Wire, answers: list[Answer], headers: dict[str, str]
) -> web.StreamResponse:
    """The answer on the wire, streamed if that was asked, whole or as its fault has it."""
    fault = answers[0].fault
    content = _PAGE if fault == "not_json" else _content(wire, answers)
    response = web.StreamResponse(headers=headers)
    streamed = wire.streamed and fault != "not_json"
    response.content_type = "text/event-stream" if streamed else "application/json"
    if fault == "not_json":
        response.content_type = "text/html"
    half = content[: len(content) // 2]
    if fault == "ends_early" and not streamed:
        content = half
    if not streamed:
        response.content_length = len(content)
    sent = half if fault in ("cut", "stall") else content
    await response.prepare(request)
    size = _PIECE if streamed else len(sent)
    for start in range(0, len(sent), size):
        await response.write(sent[start : start + size])
    if fault == "stall":
        await _silence()
    return await _closed(request) if fault == "cut" else response


def _content(wire: Wire, answers: list[Answer]) -> bytes:
    if not wire.streamed:
        return json.dumps(wire.reply(answers), ensure_ascii=False).encode()
    events, fault = wire.events(answers), answers[0].fault
    if fault == "error_in_stream":
        events = [*events[: len(events) // 2], wire.failed(503).body]
    elif fault == "ends_early":
        events = events[: len(events) // 2]
    return wire.framed(events, whole=fault not in ("error_in_stream", "ends_early"))


async def _closed(request: web.Request) -> web.StreamResponse:
    """Close the connection; this handler is then cancelled."""
    if request.transport is not None:
        request.transport.close()
    await _silence()
    raise ConnectionResetError


async def _silence() -> None:
    """Until the client gives up or the server ends."""
    await asyncio.Event().wait()
