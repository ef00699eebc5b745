"""Providers by name."""

from collections.abc import Iterable
from functools import cache

from s1_assets.adapters.llm.provider import Provider
from s1_assets.errors import SettingsError
from s1_assets.records.models import ModelName

BUILT_IN = ("solver", "openai")
"""Providers that this version can call."""


def model_faults(models: Iterable[ModelName]) -> list[str]:
    """Why models cannot be called, one line each; empty where all can."""
    faults = []
    for model in dict.fromkeys(models):
        try:
            fault = provider_named(model.provider).fault_of(model)
        except SettingsError as error:
            fault = "; ".join(error.faults)
        if fault:
            faults.append(f"{model}: {fault}")
    return faults


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
    raise SettingsError(
        "no such provider", [f"the provider {name!r} is not in this version; it can call {' and '.join(BUILT_IN)}"]
    )
