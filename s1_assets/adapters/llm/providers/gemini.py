"""Provider `gemini`: Google's Gemini API, with a key."""

from typing import TYPE_CHECKING

from s1_assets.adapters.llm.gemini_wire import ask_google
from s1_assets.adapters.llm.provider import CallLimits, Key, Try
from s1_assets.adapters.llm.wire import is_address
from s1_assets.records.models import ModelName, ModelRequest

if TYPE_CHECKING:
    import aiohttp

VENDOR = "https://generativelanguage.googleapis.com"
VERSION = "v1beta"
IN_FLIGHT = 15
"""Requests under way at once per group of keys, unless told."""


class Gemini:
    """Calls the Gemini API, or with a base URL a server that speaks as it does."""

    name = "gemini"
    key_names: tuple[str, ...] = ("GEMINI_API_KEY", "GOOGLE_API_KEY")

    def __init__(self) -> None:
        self._headers: dict[str, dict[str, str]] = {}

    def fault_of(self, model: ModelName) -> str | None:
        if is_address(self.endpoint(model)):
            return None
        return f"{model.base_url} is no server's address; without one the model is asked for at {VENDOR}"

    def endpoint(self, model: ModelName) -> str:
        return (model.base_url or VENDOR).rstrip("/")

    def in_flight_at(self, model: ModelName) -> int:
        return IN_FLIGHT

    async def ask(
        self, session: "aiohttp.ClientSession", request: ModelRequest, key: Key | None, limits: CallLimits
    ) -> Try:
        secret = key.secret if key else ""
        models_url = f"{self.endpoint(request.model)}/{VERSION}/models"
        return await ask_google(session, models_url, self._headers_with(secret), request, secret, limits)

    def _headers_with(self, secret: str) -> dict[str, str]:
        headers = self._headers.get(secret)
        if headers is None:
            headers = {"Content-Type": "application/json"}
            if secret:
                headers["x-goog-api-key"] = secret
            self._headers[secret] = headers
        return headers
