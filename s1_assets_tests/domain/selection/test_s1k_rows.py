import json

import pytest

from s1_assets.domain.selection.s1k_rows import s1k_row
from s1_assets.records.tables import TABLES
from s1_assets_tests.records import question, scored_trace

PUBLISHED = ("solution", "question", "cot_type", "source_type", "metadata", "cot", "thinking_trajectories", "attempt")


def test_the_published_columns_come_first_and_in_their_order() -> None:
    assert tuple(TABLES["s1k_dataset"].schema.names[:8]) == PUBLISHED


def test_what_is_taught_is_what_was_graded() -> None:
    row = s1k_row(question(), scored_trace(thinking="think", answer="5 it is"))
    assert (row.thinking_trajectories, row.attempt, row.cot) == (["think"], "5 it is", None)
    assert row.source_type == "mine/arithmetic"
    assert json.loads(row.metadata) == {}


def test_a_source_without_a_worked_solution_gives_its_answer() -> None:
    assert s1k_row(question(solution=None), scored_trace()).solution == "5"
    assert s1k_row(question(solution=""), scored_trace()).solution == ""
    assert s1k_row(question(solution="2+3=5"), scored_trace()).solution == "2+3=5"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"subject": "Physics"}, "science"),
        ({"subject": "physics of arithmetic"}, "math"),
        ({"grader": "code", "subject": "physics"}, "coding"),
        ({"subject": "coding"}, "math"),
    ],
)
def test_the_kind_of_reasoning_is_one_of_three_words(changes: dict[str, str], kind: str) -> None:
    assert s1k_row(question(**changes), scored_trace()).cot_type == kind
