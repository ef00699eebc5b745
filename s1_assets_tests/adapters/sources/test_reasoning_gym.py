from datetime import date
from typing import Any

import pytest

from s1_assets.adapters.sources.readers import SourceReaders
from s1_assets.adapters.sources.reasoning_gym import ReasoningGymReader
from s1_assets.domain.catalogue.questions import questions_of
from s1_assets.errors import CatalogueError
from s1_assets.records.questions import Question, SetAside
from s1_assets_tests.domain.catalogue.entry import GYM, source_from


def asked(**options: Any) -> list[Question | SetAside]:
    source = source_from(GYM, **options)
    readers = SourceReaders()
    return list(questions_of(source, readers.rows(source), readers.revision(source)))


def test_questions_are_made_with_answer_and_metadata() -> None:
    found = asked(size=3)
    assert [row.locator for row in found if isinstance(row, Question)] == ["#1", "#2", "#3"]
    first = found[0]
    assert isinstance(first, Question)
    assert first.question.startswith("Find the Greatest Common Divisor")
    assert first.reference_answer
    assert '"source_dataset": "gcd"' in first.metadata
    assert first.revision.startswith("reasoning-gym 0.1.")


def test_the_same_seed_makes_the_same_rows_and_more_rows_keep_the_first() -> None:
    assert asked(size=4) == asked(size=6)[:4]
    assert asked(size=4) != asked(size=4, seed=1_000_000)


def test_the_state_knows_the_size_and_the_revision_does_not() -> None:
    reader = ReasoningGymReader()
    small, large = source_from(GYM, size=4), source_from(GYM, size=6)
    assert reader.state(small) != reader.state(large)
    assert reader.revision(small) == reader.revision(large)
    assert reader.revision(small) != reader.revision(source_from(GYM, config={"max_value": 50}))


def test_values_of_yaml_become_what_the_family_wants() -> None:
    dated = {"min_date": "2020-01-01", "max_date": date(2021, 1, 1), "task_types": ["date"]}
    assert len(asked(location="time_intervals", config=dated)) == 5
    assert len(asked(location="time_intervals", config={"min_time": "08:00", "task_types": ["time"]})) == 5
    assert len(asked(location="chain_sum", config={"min_terms": 3, "allow_negation": True})) == 5


def test_no_row_depends_on_the_day_on_which_it_is_made() -> None:
    found = asked(location="time_intervals", size=20, config={"task_types": ["time", "time_seconds", "time_ms"]})
    today = f"{date.today():%Y-%m-%d}"  # noqa: DTZ011
    assert all(isinstance(row, Question) and today not in row.metadata for row in found)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"location": "gdc"}, "location: no family 'gdc'; did you mean 'gcd'?; accepted: ab, "),
        ({"config": {"max_valu": 5}}, "config.max_valu: unknown; accepted by gcd: min_numbers, max_numbers, "),
        ({"config": {"max_valu": 5}}, "did you mean 'max_value'?"),
        ({"config": {"max_value": "many"}}, "config.max_value: found 'many'; accepted: a whole number"),
        ({"config": {"seed": 5}}, "config.seed: stands beside config, not in it"),
        ({"config": {"min_value": 9, "max_value": 3}}, "config: gcd refuses it: "),
        ({"location": "time_intervals", "config": {"min_time": 630}}, "accepted: a time in quotes, such as '10:30:00'"),
        ({"location": "time_intervals", "config": {"min_date": "soon"}}, "accepted: a date in quotes, such as"),
        ({"location": "time_intervals", "config": {"task_types": "date"}}, "accepted: a list"),
    ],
)  # fmt: skip
def test_a_config_that_the_family_does_not_take_is_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        asked(**options)
    assert told in str(caught.value)
    assert "source mine cannot be generated" in str(caught.value)


def test_all_faults_of_a_config_are_told_at_once() -> None:
    with pytest.raises(CatalogueError) as caught:
        asked(config={"max_value": "many", "nothing": 1})
    assert len(caught.value.faults) == 2


def test_every_family_takes_its_own_defaults() -> None:
    import dataclasses

    from reasoning_gym.factory import DATASETS

    unfit = []
    for family, (_, config) in sorted(DATASETS.items()):
        if family == "composite":  # made of other families
            continue
        defaults = {
            field.name: list(value) if isinstance(value := getattr(config(), field.name), tuple) else value
            for field in dataclasses.fields(config)
            if field.init and field.name not in ("seed", "size")
        }
        from s1_assets.adapters.sources.reasoning_gym import _config

        source = dataclasses.replace(source_from(GYM, location=family), config=defaults)
        try:
            _config(source, config, "x")
        except CatalogueError as error:
            unfit.append((family, error.faults))
    assert unfit == []
