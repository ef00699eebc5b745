"""Providers by name."""

from functools import cache

from s1_assets.adapters.llm.provider import Provider
from s1_assets.errors import SettingsError

BUILT_IN = ("solver", "openai")
"""Providers that this version can call."""


@cache
def provider_named(name: str) -> Provider:
    """The provider of that name, built once.

    Raises:
        SettingsError: If this version has no such provider; nothing was called.
    """
    if name == "solver":
        from s1_assets.adapters.llm.providers.solver import Solver

        return Solver()
    if name == "openai":
        from s1_assets.adapters.llm.providers.openai_compatible import OpenAICompatible

        return OpenAICompatible()
    raise SettingsError("no such provider", [f"{name!r}: this version can call {', '.join(BUILT_IN)}"])
