from datetime import timedelta
from typing import get_args

import pytest

from s1_assets.domain.model_table.entries import ModelEntry
from s1_assets.domain.model_table.lookup import is_pattern
from s1_assets.records.models import ModelName, Role, Sampling
from s1_assets_tests.domain.model_table.tables import TODAY, named, table

ENTRIES = list(table().entries.items())
SERVED = [name for name, entry in ENTRIES if not is_pattern(name.model) and not table().fault_of(name, TODAY)]
ROLES = get_args(Role)


def ids(value: object) -> str:
    return str(value) if isinstance(value, ModelName) else ""


@pytest.mark.parametrize(("name", "entry"), ENTRIES, ids=ids)
def test_every_entry_says_where_its_facts_come_from(name: ModelName, entry: ModelEntry) -> None:
    assert entry.source
    if entry.price:
        assert entry.price.as_of <= TODAY
        assert entry.price.output_usd >= entry.price.input_usd > 0
        assert (entry.price.cached_input_usd or 0) < entry.price.input_usd
        assert entry.price.cached_input_usd != 0


@pytest.mark.parametrize(("name", "entry"), ENTRIES, ids=ids)
def test_what_goes_is_replaced_by_what_stays(name: ModelName, entry: ModelEntry) -> None:
    if entry.retired is None:
        return
    instead = ModelName(name.provider, entry.replacement)
    assert table().fault_of(instead, TODAY + timedelta(days=60)) is None
    assert table().resolved(instead, "teacher", Sampling(), {}, TODAY)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", SERVED, ids=ids)
def test_every_served_model_can_be_asked_in_every_role(name: ModelName, role: Role) -> None:
    entry = table().entry(name)
    assert entry is not None
    sampling, thinking = table().resolved(name, role, Sampling(), {}, TODAY)
    assert sampling.max_output_tokens is not None
    assert 1 <= sampling.max_output_tokens <= (entry.output_cap or 10**6)
    assert not {"budget", "level"} <= set(thinking)
    budget = thinking.get("budget", 0)
    assert isinstance(budget, int) and budget < sampling.max_output_tokens
    assert table().resolved(name, role, sampling, thinking, TODAY) == (sampling, thinking)


@pytest.mark.parametrize("name", [name for name in SERVED if name.provider in ("gemini", "vertex")], ids=ids)
def test_gemini_2_takes_a_budget_and_gemini_3_a_level(name: ModelName) -> None:
    _, thinking = table().resolved(name, "teacher", Sampling(), {}, TODAY)
    if "gemini-2.5" in name.model:
        assert set(thinking) == {"budget"}
    else:
        assert thinking == {"level": "high"}


@pytest.mark.parametrize(
    "name",
    [
        "gemini:gemini-2.0-flash-thinking-exp-1219",
        "gemini:gemini-2.0-flash-thinking-exp",
        "gemini:gemini-2.0-flash",
        "gemini:gemini-2-flash",
        "gemini:gemini-1.5-flash",
        "gemini:gemini-1.0-flash",
        "gemini:gemini-3.7-flash",
        "vertex:gemini-2.5-flash",
    ],
)
def test_a_retired_name_is_refused_with_what_to_set_instead(name: str) -> None:
    told = table().fault_of(named(name), TODAY)
    assert told is not None and told.startswith(f"{name} has not been served under that name since ")
    provider = name.partition(":")[0]
    assert f"S1_TEACHER={provider}:gemini-3." in told
    with pytest.raises(ValueError, match="has not been served"):
        table().resolved(named(name), "teacher", Sampling(), {}, TODAY)


def test_the_published_collectors_model_is_replaced_by_one_that_is_served() -> None:
    told = table().fault_of(named("gemini:gemini-2.0-flash-thinking-exp-1219"), TODAY)
    assert told is not None
    assert "GEMINI_MODEL_NAME=gemini-3.8-flash" in told
    assert "{retired: null} into .s1/models.yaml" in told


def test_gemini_25_is_served_until_december_and_people_are_told() -> None:
    pro = named("gemini:gemini-2.5-pro")
    assert table().fault_of(pro, TODAY) is None
    assert table().notes(pro, TODAY)[0] == (
        "gemini:gemini-2.5-pro is served only until 2026-12-01, which is 10 days away; "
        "gemini:gemini-3.8-flash takes its place"
    )
    assert table().fault_of(pro, TODAY + timedelta(days=10)) is not None
    assert table().notes(pro, TODAY + timedelta(days=10)) == []
    assert table().fault_of(named("gemini:gemini-2.5-flash-lite"), TODAY + timedelta(days=10)) is None


def test_vertex_shares_gemini_but_not_its_last_days() -> None:
    assert table().entry(named("vertex:gemini-3.8-flash")) == table().entry(named("gemini:gemini-3.8-flash"))
    on_vertex = table().entry(named("vertex:gemini-2.5-pro"))
    assert on_vertex is not None and on_vertex.budget is not None and on_vertex.budget.most == 32_768
    assert table().fault_of(named("vertex:gemini-3.7-flash"), TODAY) is None
