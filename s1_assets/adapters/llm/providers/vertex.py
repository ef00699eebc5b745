"""Provider `vertex`: Gemini on Vertex AI, in a project of one's own, with Google's default credentials.

Credentials are looked for when the first call is made: a key file named by GOOGLE_APPLICATION_CREDENTIALS, what
`gcloud auth application-default login` left, or the machine's own account.
"""

import asyncio
import re
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from s1_assets.adapters.llm.gemini_wire import ask_google
from s1_assets.adapters.llm.provider import CallLimits, Fault, Key, Try
from s1_assets.adapters.llm.reply_text import one_line
from s1_assets.adapters.llm.wire import is_address
from s1_assets.records.models import ModelName, ModelRequest

if TYPE_CHECKING:
    import aiohttp

VERSION = "v1"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_LOCATION = re.compile(r"[a-z0-9-]+")
_PROJECT = re.compile(r"[A-Za-z0-9.:_-]+")

Token = Callable[[], Awaitable[str | Fault]]
"""A token that is valid now, or why there is none."""

IN_FLIGHT = 15
"""Requests under way at once, unless told."""


class Vertex:
    """Calls Vertex AI in one project and location."""

    name = "vertex"
    key_names: tuple[str, ...] = ()

    def __init__(self, project: str | None, location: str | None, token: Token | None = None) -> None:
        """One project and location; what is missing is told by `fault_of`.

        Args:
            project: GOOGLE_CLOUD_PROJECT.
            location: GOOGLE_CLOUD_LOCATION, such as `global` or `us-central1`.
            token: Where tokens come from; None: Google's default credentials.
        """
        self._project, self._location = project or "", location or ""
        self._token = token or DefaultCredentials()

    def fault_of(self, model: ModelName) -> str | None:
        if not _PROJECT.fullmatch(self._project):
            return f"GOOGLE_CLOUD_PROJECT {_said(self._project)}; it names the project that pays"
        if not _LOCATION.fullmatch(self._location):
            return f"GOOGLE_CLOUD_LOCATION {_said(self._location)}; it is global or a region such as us-central1"
        if not is_address(self.endpoint(model)):
            return f"{model.base_url} is no server's address"
        return None

    def endpoint(self, model: ModelName) -> str:
        if model.base_url:
            return model.base_url.rstrip("/")
        region = "" if self._location == "global" else f"{self._location}-"
        return f"https://{region}aiplatform.googleapis.com"

    def in_flight_at(self, model: ModelName) -> int:
        return IN_FLIGHT

    async def ask(
        self, session: "aiohttp.ClientSession", request: ModelRequest, key: Key | None, limits: CallLimits
    ) -> Try:
        if fault := self.fault_of(request.model):
            return Try(Fault("unusable", fault))
        token = await self._token()
        if isinstance(token, Fault):
            return Try(token)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        place = f"projects/{quote(self._project, safe=':')}/locations/{self._location}"
        models_url = f"{self.endpoint(request.model)}/{VERSION}/{place}/publishers/google/models"
        return await ask_google(session, models_url, headers, request, token, limits)


class DefaultCredentials:
    """Tokens of Google's default credentials, renewed a few minutes before they expire, off the event loop."""

    def __init__(self) -> None:
        self._credentials: Any = None
        self._lock = threading.Lock()

    async def __call__(self) -> str | Fault:
        credentials = self._credentials
        if credentials is not None and credentials.valid:
            return str(credentials.token)
        return await asyncio.get_running_loop().run_in_executor(None, self._renew)

    def _renew(self) -> str | Fault:
        from google.auth import default
        from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
        from google.auth.transport.requests import Request

        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials, _ = default(scopes=[SCOPE])
                if not self._credentials.valid:
                    self._credentials.refresh(Request())
                return str(self._credentials.token)
            except DefaultCredentialsError as error:
                return Fault("unusable", one_line(f"no Google credentials: {error}"))
            except GoogleAuthError as error:
                reason = one_line(f"Google gives no token: {error}")
                passing = error.retryable or isinstance(error, TransportError)
                passing = passing or isinstance(error.__cause__, TransportError)
                return Fault("transient" if passing else "key_dead", reason)


def _said(value: str) -> str:
    return f"is {value!r}" if value else "is not set"
