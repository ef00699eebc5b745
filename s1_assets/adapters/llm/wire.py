"""The HTTP edge of all providers: one POST, its answer whole or streamed.

Every network fault becomes a `Fault` here and nowhere else. Not covered: trying again, redirects, proxies.
"""

import asyncio
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from s1_assets.adapters.llm.provider import CallLimits, Fault
from s1_assets.adapters.llm.reply_text import one_line

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

DONE = b"[DONE]"
"""What ends a stream of chat completions."""
LARGE_BODY = 2**20
"""Bytes from which aiohttp wants a file instead of bytes, which it sends in pieces."""

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer, whatever its status. Of a stream: `body` is what ended it, `DONE` or nothing."""

    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """A stream that began and did not end; what came of it may be of use."""

    by: Literal["connection_cut", "time_limit"]
    fault: Fault


async def post(
    session: "aiohttp.ClientSession", url: str, headers: Mapping[str, str], body: bytes, limits: CallLimits
) -> Answered | Fault:
    """Send and wait for the whole answer."""
    import aiohttp

    try:
        async with session.post(
            _address(url), data=_payload(body), headers=headers, timeout=_timeout(limits), allow_redirects=False
        ) as response:
            return Answered(response.status, response.headers, await response.read())
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return _network_fault(error, url, limits)


async def stream(
    session: "aiohttp.ClientSession",
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    limits: CallLimits,
    take: Callable[[bytes], Fault | None],
) -> Answered | Fault | Cut:
    """Send, and hand on every `data:` payload of the answer as it comes.

    The first piece may take as long as the whole call, since a model may think in silence; `silence_s` counts between
    two pieces. A server that does not stream, or answers with an error, gives an `Answered` with its body.

    Args:
        take: Called with each payload but `DONE`; a fault that it returns ends the stream.
    """
    import aiohttp

    silence = asyncio.timeout(None)
    response: aiohttp.ClientResponse | None = None
    try:
        async with (
            session.post(
                url, data=_payload(body), headers=headers, timeout=_timeout(limits), allow_redirects=False
            ) as response,
            silence,
        ):
            if response.status != 200 or "event-stream" not in response.headers.get("content-type", ""):
                return Answered(response.status, response.headers, await response.read())
            return await _listen(response, silence, limits.silence_s, take)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        if silence.expired():
            reason = f"{host_of(url)} fell silent for {limits.silence_s:g} s within an answer"
            return Cut("connection_cut", Fault("transient", reason, maybe_billed=True))
        fault = _network_fault(error, url, limits)
        if response is None:
            return fault
        return Cut("time_limit" if isinstance(error, TimeoutError) else "connection_cut", fault)


async def _listen(
    response: "aiohttp.ClientResponse",
    silence: asyncio.Timeout,
    silence_s: float,
    take: Callable[[bytes], Fault | None],
) -> Answered | Cut:
    events, now = Events(), asyncio.get_running_loop().time
    async for piece in response.content.iter_any():
        silence.reschedule(now() + silence_s)
        for payload in events.feed(piece):
            if payload == DONE:
                return Answered(response.status, response.headers, DONE)
            if (fault := take(payload)) is not None:
                return Cut("connection_cut", fault)
    for payload in events.end():
        if payload != DONE and (fault := take(payload)) is not None:
            return Cut("connection_cut", fault)
    return Answered(response.status, response.headers, b"")


class Events:
    """Payloads of server-sent events, out of bytes that come in any pieces."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The events that end in this piece."""
        if b"\n" not in piece:  # joined once its line has ended: a line of megabytes comes in many pieces
            self._rest.append(piece)
            return
        first, *lines = piece.split(b"\n")
        self._rest.append(first)
        whole = b"".join(self._rest)
        for line in (whole, *lines[:-1]):
            yield from self._line(line.removesuffix(b"\r"))
        self._rest = [lines[-1]]

    def end(self) -> Iterator[bytes]:
        """An event that no blank line has ended."""
        yield from self._line(b"".join(self._rest))
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[bytes]:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            payload = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            self._data.clear()
            yield payload


def to_bytes(body: Mapping[str, Any]) -> bytes:
    """A request's body as compact JSON; half characters, which UTF-8 cannot hold, become question marks."""
    return _ENCODER.encode(body).encode("utf-8", "replace")


def read_object(body: bytes, secret: str = "") -> dict[str, Any] | Fault:
    """The JSON object that a body is."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        return content
    return Fault("transient", f"an answer that is no JSON object: {one_line(body, secret)}", maybe_billed=True)


def host_of(url: str) -> str:
    """Host and port, without a password."""
    return urlsplit(url).netloc.rpartition("@")[2] or url if is_address(url) else url


def is_address(url: str) -> bool:
    """Whether a server may be found there."""
    try:
        address = urlsplit(url)
        return address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:  # brackets that do not close, a port that is none
        return False


def _network_fault(error: Exception, url: str, limits: CallLimits) -> Fault:
    import aiohttp

    host = host_of(url)
    match error:
        case aiohttp.ConnectionTimeoutError():
            return Fault("transient", f"no connection to {host} within {limits.connect_s:g} s")
        case TimeoutError():
            return Fault("transient", f"no whole answer from {host} within {limits.total_s:g} s", maybe_billed=True)
        case aiohttp.ClientConnectorError():
            return Fault("transient", one_line(f"no connection to {host}: {error}"))
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return Fault("unusable", one_line(f"not an address that can be called: {url}"))
        case aiohttp.ClientError() | OSError():
            words = str(error) or type(error).__name__
            return Fault("transient", one_line(f"the connection to {host} was cut: {words}"), maybe_billed=True)
    if not is_address(url):
        return Fault("unusable", one_line(f"not an address that can be called: {url}"))
    # aiohttp's words for a header that cannot be sent might hold the key
    return Fault("unusable", f"the request to {host} cannot be sent: is there a line break in the key?")


def _payload(body: bytes) -> "aiohttp.BytesPayload | io.BytesIO":
    """As aiohttp would make it, without its search for what makes a payload of bytes."""
    import aiohttp

    return aiohttp.BytesPayload(body) if len(body) < LARGE_BODY else io.BytesIO(body)


@lru_cache(maxsize=256)
def _address(url: str) -> "URL":
    """Taken apart once: every call of a model goes to the same address."""
    from yarl import URL

    return URL(url)


@lru_cache(maxsize=64)
def _timeout(limits: CallLimits) -> "aiohttp.ClientTimeout":
    import aiohttp

    return aiohttp.ClientTimeout(total=limits.total_s, sock_connect=limits.connect_s)
