"""Which row a name means; the life itself is told over a real run in the end-to-end tests."""

from pathlib import Path

import pytest

from s1_assets.errors import StorageError
from s1_assets.ports import Address
from s1_assets.records.questions import SetAside
from s1_assets.records.tables import TABLES, write_rows
from s1_assets.resources.house import House
from s1_assets.resources.why import SHORTEST_PREFIX, life_as_text, tell_life
from s1_assets_tests.records import question

IDS = ["aaaa1" + "0" * 27, "aaaa2" + "0" * 27, "bbbb" + "0" * 28]
ASIDE = [SetAside(f"gcd:rows#{line}", "raw_questions", "empty_question", "found ''") for line in (2, 10, 11)]


@pytest.fixture
def house(project: Path) -> House:
    """Three questions of a source, the first at line 1, and three rows set aside."""
    house, table = House(), TABLES["raw_questions"]
    rows = [
        question(question_id=name, source="gcd", locator=f"rows#{line}")
        for name, line in zip(IDS, (1, 3, 4), strict=True)
    ]
    house.tables.write(Address("raw_questions", "gcd"), table, write_rows(table, rows), lambda: ASIDE)
    return house


def refused(house: House, wanted: str) -> str:
    with pytest.raises(StorageError) as told:
        tell_life(house, wanted)
    return str(told.value)


@pytest.mark.parametrize("wanted", [IDS[0], "aaaa1", " aaaa1 ", "gcd:rows#1"])
def test_a_question_is_found_by_id_prefix_and_place(house: House, wanted: str) -> None:
    life = tell_life(house, wanted)
    assert life.id == IDS[0]
    assert life.question is not None
    assert life.outcome.startswith("no decision yet")


def test_a_place_of_one_line_is_not_the_beginning_of_another(house: House) -> None:
    assert tell_life(house, "gcd:rows#2").id == "gcd:rows#2"
    assert tell_life(house, "gcd:rows#1").id == IDS[0]


def test_a_row_that_was_set_aside_tells_why(house: House) -> None:
    life = tell_life(house, "gcd:rows#10")
    assert life.question is None
    assert life.outcome == "set aside by raw_questions: empty_question (found '')"
    assert life_as_text(life) == {"set aside": ["raw_questions: empty_question: found ''"]}


def test_a_beginning_that_several_share_is_refused_with_their_names(house: House) -> None:
    told = refused(house, "aaaa")
    assert IDS[0] in told and IDS[1] in told and IDS[2] not in told
    assert "give more characters" in told


@pytest.mark.parametrize("wanted", ["cccc", "", "gcd:", "gcd:rows#9", "nobody:rows#1", "a" * (SHORTEST_PREFIX - 1)])
def test_a_name_of_nothing_says_what_is_accepted(house: House, wanted: str) -> None:
    if wanted == "gcd:":
        assert "give more characters" in refused(house, wanted)
    else:
        assert f"nothing is stored under {wanted!r}; accepted are a question_id" in refused(house, wanted)
