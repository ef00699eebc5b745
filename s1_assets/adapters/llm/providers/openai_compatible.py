"""Provider `openai`: OpenAI's own API, and with a base URL any server that speaks its chat completions (vLLM, Ollama,
llama.cpp, ...).
"""

from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from s1_assets.adapters.llm.openai_wire import ask_chat
from s1_assets.adapters.llm.provider import CallLimits, Key, Try
from s1_assets.adapters.llm.wire import host_of, is_address
from s1_assets.records.models import ModelName, ModelRequest

if TYPE_CHECKING:
    import aiohttp

VENDOR = "https://api.openai.com/v1"
IN_FLIGHT = 64
NEAR_IN_FLIGHT = 256
"""For a server of our own, which makes its batches better out of many requests."""

_NEAR_NAMES = ("localhost", ".localhost", ".local", ".internal", ".lan")


class OpenAICompatible:
    """Calls a server of chat completions."""

    name = "openai"
    key_names: tuple[str, ...] = ("OPENAI_API_KEY",)

    def __init__(self) -> None:
        self._headers: dict[str, dict[str, str]] = {}

    def fault_of(self, model: ModelName) -> str | None:
        if is_address(self.endpoint(model)):
            return None
        return f"{model.base_url} is no server's address; it would look like http://127.0.0.1:8000/v1"

    def endpoint(self, model: ModelName) -> str:
        return (model.base_url or VENDOR).rstrip("/")

    def in_flight_at(self, model: ModelName) -> int:
        """More where the server stands on this machine or in a private network."""
        return NEAR_IN_FLIGHT if _is_near(self.endpoint(model)) else IN_FLIGHT

    async def ask(
        self, session: "aiohttp.ClientSession", request: ModelRequest, key: Key | None, limits: CallLimits
    ) -> Try:
        server, secret = self.endpoint(request.model), key.secret if key else ""
        limit_name = "max_completion_tokens" if _is_vendor(server) else "max_tokens"
        return await ask_chat(session, server, self._headers_with(secret), request, secret, limits, limit_name)

    def _headers_with(self, secret: str) -> dict[str, str]:
        headers = self._headers.get(secret)
        if headers is None:
            headers = {"Content-Type": "application/json"}
            if secret:
                headers["Authorization"] = f"Bearer {secret}"
            self._headers[secret] = headers
        return headers


@lru_cache(maxsize=64)
def _is_vendor(server: str) -> bool:
    host = host_of(server).partition(":")[0].lower()
    return host == "api.openai.com" or host.endswith(".api.openai.com")


@lru_cache(maxsize=64)
def _is_near(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(_NEAR_NAMES)
    return address.is_private or address.is_loopback or address.is_link_local
