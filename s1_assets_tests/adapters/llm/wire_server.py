"""A server on loopback whose every answer a test writes, and a client session beside it on the same loop."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from s1_assets.adapters.llm.provider import CallLimits, Key

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")

LIMITS = CallLimits(total_s=5.0, connect_s=1.0, silence_s=2.0)
KEY = Key("not-a-real-key", "abcdef", "project-1")


def served(handler: Handler, work: Callable[[str, aiohttp.ClientSession], Coroutine[Any, Any, T]]) -> T:
    """What `work` gives, called with the address of a server that answers by `handler`, and a session."""

    async def run() -> T:
        runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)  # type: ignore[arg-type]
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        try:
            async with aiohttp.ClientSession() as session:
                return await work(f"http://{host}:{port}", session)
        finally:
            await runner.cleanup()

    return asyncio.run(run())


def saying(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Handler:
    """Always the same answer; a string is sent as it stands, everything else as JSON."""

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(status=status, text=text, headers=headers, content_type="application/json")

    return handler


def streaming(*pieces: Any, ending: str = "end", between_s: float = 0.0) -> Handler:
    """Server-sent events: strings as they stand, everything else as the JSON of one event.

    Args:
        ending: `end`: as it should; `cut`: the connection is cut; `silence`: nothing more comes.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            text = piece if isinstance(piece, str) else f"data: {json.dumps(piece)}\n\n"
            await response.write(text.encode())
            await asyncio.sleep(between_s)
        if ending == "cut" and request.transport is not None:
            request.transport.close()
        if ending == "silence":
            await asyncio.sleep(3)
        return response

    return handler


def cutting() -> Handler:
    """The connection is cut before a word."""

    async def handler(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return handler


def closed_port() -> str:
    """An address where nothing listens."""
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"
