"""Which of the table's names stand for a model, the most specific first."""

import re
from collections.abc import Iterable

from s1_assets.domain.model_table.servers import is_own_server
from s1_assets.records.models import ModelName

_DATED = ("gemini", "vertex", "openai")
"""Providers that add a date or a number to a model's name for its versions."""
_VERSION = re.compile(r"(-(preview|exp))?(-\d{2,4})*")
"""-001, -09-2026, -2026-09-02, -preview-09-2026"""


def names_for(model: ModelName, names: Iterable[ModelName]) -> list[ModelName]:
    """Those of `names` that stand for the model, most specific first.

    An entry of the model's own provider goes before one of a provider that shares its models (`vertex` those of
    `gemini`; `openai` on a server of one's own those of `vllm`), an entry for its base URL before one for any, its
    exact name before the name without date, and a long pattern before a short one.
    """
    ranked = [(rank, str(name), name) for name in names if (rank := _rank(name, model)) is not None]
    return [name for _, _, name in sorted(ranked, key=lambda found: found[:2])]


def is_pattern(name: str) -> bool:
    """Whether an entry's name stands for several models.

    >>> is_pattern("gemini-1.5-*"), is_pattern("gemini-3.8-flash")
    (True, False)
    """
    return "*" in name


def _rank(name: ModelName, model: ModelName) -> tuple[int, int, int, int] | None:
    if name.provider == model.provider:
        shared = 0
    elif name.provider == _shares_with(model):
        shared = 1
    else:
        return None
    if name.base_url is not None and (shared or name.base_url != model.base_url):
        return None
    fit = _fit(name.model, model)
    return None if fit is None else (shared, int(name.base_url is None), *fit)


def _shares_with(model: ModelName) -> str | None:
    if model.provider == "vertex":
        return "gemini"
    return "vllm" if model.provider == "openai" and is_own_server(model) else None


def _fit(name: str, model: ModelName) -> tuple[int, int] | None:
    if name == model.model:
        return (0, 0)
    if is_pattern(name):
        fits = re.fullmatch(re.escape(name).replace(r"\*", ".*"), model.model)
        return (1, -len(name.replace("*", ""))) if fits else None
    dated = model.provider in _DATED and model.model.startswith(name)
    return (1, -len(name)) if dated and _VERSION.fullmatch(model.model[len(name) :]) else None
