"""The way to each model: its provider by name, its keys, and the gates that keys and limits make."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from typing import cast
from zoneinfo import ZoneInfo

from s1_assets.adapters.llm.access import Access, ToldLimits
from s1_assets.adapters.llm.gates import Gate
from s1_assets.adapters.llm.keys import KeyRing, read_keys
from s1_assets.adapters.llm.provider import LocalProvider, Provider, RemoteProvider
from s1_assets.adapters.llm.rates import Rate
from s1_assets.errors import SettingsError
from s1_assets.records.models import ModelName

LOCAL = ("solver", "replay")
"""Providers that compute in this process."""
DAYS = {"gemini": "America/Los_Angeles", "vertex": "America/Los_Angeles"}
"""Where a provider counts requests per day by a midnight that is not UTC's."""


class Directory:
    """Providers and gates of one installation."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._provider = cache(self._built)
        self._keys = cache(self._read_keys)

    def is_local(self, model: ModelName) -> bool:
        return model.provider in LOCAL

    def local(self, model: ModelName) -> LocalProvider:
        return cast(LocalProvider, self._provider(model.provider))

    def provider(self, model: ModelName) -> RemoteProvider:
        return cast(RemoteProvider, self._provider(model.provider))

    def faults(self, models: Iterable[ModelName]) -> list[str]:
        """Why models cannot be called, one line each, told before anything is; empty where all can."""
        found = []
        for model in dict.fromkeys(models):
            try:
                fault = self._provider(model.provider).fault_of(model) or self._missing_key(model)
            except SettingsError as error:
                fault = "; ".join(error.faults)
            if fault:
                found.append(f"{model}: {fault}")
        return found

    def gates(self, model: ModelName) -> list[Gate]:
        """Fresh gates, one for each group of keys."""
        provider, told = self.provider(model), self._access.limits.get(model.provider, ToldLimits())
        endpoint = provider.endpoint(model)
        rate = Rate(
            told.requests_per_minute / 60 if told.requests_per_minute else None,
            told.tokens_per_minute / 60 if told.tokens_per_minute else None,
            told.requests_per_day,
        )
        limit = told.in_flight or provider.in_flight_at(model)
        groups = self._keys(model.provider).groups or {"": ()}
        return [
            Gate(_gate_name(model.provider, endpoint, model.model, group), list(keys), rate, limit)
            for group, keys in groups.items()
        ]

    def day(self, model: ModelName) -> str:
        zone = DAYS.get(model.provider)
        return datetime.now(ZoneInfo(zone) if zone else UTC).date().isoformat()

    def _missing_key(self, model: ModelName) -> str | None:
        provider = self._provider(model.provider)
        if not provider.key_names or self._keys(model.provider).keys or model.base_url is not None:
            return None  # a server named by its address may take none
        return f"no key: set {' or '.join(provider.key_names)}, with _1, _2, ... after the name for several"

    def _read_keys(self, name: str) -> KeyRing:
        told = self._access.limits.get(name, ToldLimits())
        return read_keys(self._provider(name).key_names, self._access.environment, told.shared)

    def _built(self, name: str) -> Provider:
        """The provider of that name; its vendor's parts are loaded only here."""
        match name:
            case "solver":
                from s1_assets.adapters.llm.providers.solver import Solver

                return Solver()
            case "replay":
                from s1_assets.adapters.llm.providers.replay import Replay

                return Replay()
            case "openai":
                from s1_assets.adapters.llm.providers.openai_compatible import OpenAICompatible

                return OpenAICompatible()
            case "gemini":
                from s1_assets.adapters.llm.providers.gemini import Gemini

                return Gemini()
            case "vertex":
                from s1_assets.adapters.llm.providers.vertex import Vertex

                return Vertex(self._access.cloud_project, self._access.cloud_location)
            case "vllm":
                return _vllm(tuple(sorted(self._access.vllm.items())))
        raise SettingsError("no such provider", [f"{name!r} is not a provider"])


@cache
def _vllm(options: tuple[tuple[str, object], ...]) -> Provider:
    """One for the whole process: it holds models in memory."""
    from s1_assets.adapters.llm.providers.vllm import Vllm

    return Vllm(dict(options))


def _gate_name(provider: str, endpoint: str, model: str, group: str) -> str:
    """Short enough for a column, told to people, and no key: groups are named by fingerprints or by people."""
    digest = blake2b("\0".join((endpoint, model, group)).encode(), digest_size=8).hexdigest()
    return f"{provider}:{model}"[:40] + f"/{digest}"
