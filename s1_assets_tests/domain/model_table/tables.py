"""Model tables to ask in tests: the packaged one, and ones with a user's file over it."""

from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any

from s1_assets.domain.model_names import parse_model_name
from s1_assets.domain.model_table.reading import load_model_table
from s1_assets.domain.model_table.table import ModelTable
from s1_assets.errors import SettingsError
from s1_assets.records.models import ModelName, Role, Sampling

TODAY = date(2026, 11, 21)
"""The day on which the packaged facts were read."""


@lru_cache
def packaged_text() -> str:
    """The packaged file."""
    return resources.files("s1_assets.domain.model_table").joinpath("packaged/models.yaml").read_text("utf-8")


@lru_cache
def table(user: str = "") -> ModelTable:
    """The packaged table with the text of a user's file over it."""
    return load_model_table({"models.yaml": packaged_text()}, {".s1/models.yaml": user} if user else {})


def faults_of(user: str) -> tuple[str, ...]:
    """What is wrong with a user's file."""
    try:
        load_model_table({"models.yaml": packaged_text()}, {".s1/models.yaml": user})
    except SettingsError as error:
        return error.faults
    return ()


def named(text: str) -> ModelName:
    """The model of that name."""
    return parse_model_name(text)


def asked(name: str, role: Role, user: str = "", **given: Any) -> tuple[Sampling, dict[str, object]]:
    """What is sent to a model in a role; `thinking` and the fields of `Sampling` may be given."""
    thinking = given.pop("thinking", {})
    return table(user).resolved(named(name), role, Sampling(**given), thinking, TODAY)
