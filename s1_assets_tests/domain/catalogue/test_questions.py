from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from s1_assets.domain.catalogue.questions import LIMIT_SEED, RowCounts, limit_to, questions_of
from s1_assets.records.questions import Question, SetAside
from s1_assets.records.sources import Source, SourceRow
from s1_assets_tests.domain.catalogue.entry import GYM, TABLE, source_from


def rows_of(*texts: str | None) -> Iterator[SourceRow]:
    """Rows with the given questions; None is a malformed line."""
    for number, text in enumerate(texts, start=1):
        if text is None:
            yield SourceRow(f"f#{number}", {}, "malformed_json", "bad")
        else:
            yield SourceRow(f"f#{number}", {"question": text, "n": number})


def taken(source: Source, rows: Iterator[SourceRow]) -> tuple[list[str], list[SetAside], RowCounts]:
    counts = RowCounts()
    found = list(questions_of(source, rows, "r1", counts))
    aside = [row for row in found if isinstance(row, SetAside)]
    assert counts.read == counts.questions + counts.set_aside.total() + counts.not_selected.total()
    assert counts.set_aside.total() == len(aside)
    assert len({row.id for row in aside}) == len(aside)
    return [row.question for row in found if isinstance(row, Question)], aside, counts


def test_every_row_is_a_question_or_set_aside_in_the_sources_order() -> None:
    questions, aside, counts = taken(source_from(TABLE), rows_of("a", None, "b", " ", "c"))
    assert questions == ["a", "b", "c"]
    assert [(row.id, row.reason) for row in aside] == [("mine:f#2", "malformed_json"), ("mine:f#4", "empty_question")]
    assert not counts.stopped_early


def test_a_question_that_comes_again_is_set_aside_with_the_first_place() -> None:
    questions, aside, _ = taken(source_from(TABLE), rows_of("cafe\u0301", "b", "caf\u00e9"))
    assert questions == ["cafe\u0301", "b"]
    assert (aside[0].id, aside[0].reason) == ("mine:f#3", "duplicate_question")
    assert aside[0].evidence.startswith("the same question as mine:f#1 (")


def test_rows_that_no_condition_keeps_are_counted_and_not_set_aside() -> None:
    questions, aside, counts = taken(source_from(TABLE, keep_if={"n": {"at_least": 2}}), rows_of("a", "b", "c"))
    assert (questions, aside, counts.not_selected) == (["b", "c"], [], {"keep_if": 1})


def test_start_and_end_count_the_rows_that_conditions_keep() -> None:
    source = source_from(TABLE, keep_if={"n": {"not_equals": 2}}, start=1, end=3)
    questions, _, counts = taken(source, rows_of("a", "b", "c", "d", "e", "f"))
    assert questions == ["c", "d"]
    assert counts.not_selected == {"start": 1, "keep_if": 1, "end": 1}
    assert counts.stopped_early


def test_an_unreadable_row_before_the_start_is_not_selected() -> None:
    _, aside, counts = taken(source_from(TABLE, start=1), rows_of(None, "a", None, "b"))
    assert [row.id for row in aside] == ["mine:f#3"]
    assert counts.not_selected == {"start": 2}


def test_the_first_rows_are_taken_without_reading_on() -> None:
    def endless() -> Iterator[SourceRow]:
        number = 0
        while True:
            number += 1
            yield SourceRow(f"f#{number}", {"question": str(number)})

    questions, _, counts = taken(source_from(TABLE, num_samples=3), endless())
    assert questions == ["1", "2", "3"]
    assert counts.read == 3


def test_a_seeded_draw_comes_in_the_sources_order_and_counts_the_rest() -> None:
    texts = [str(number) for number in range(100)]
    questions, _, counts = taken(source_from(TABLE, num_samples=10, seed=7), rows_of(*texts))
    assert questions == sorted(questions, key=int)
    assert len(questions) == 10
    assert counts.not_selected == {"num_samples": 90}
    assert questions != taken(source_from(TABLE, num_samples=10, seed=8), rows_of(*texts))[0]


@given(st.lists(st.sampled_from([*"abcdefghij", None, " "]), max_size=40), st.integers(1, 12), st.integers(0, 3))
def test_a_larger_draw_holds_the_smaller_one(texts: list[str | None], size: int, seed: int) -> None:
    smaller, _, _ = taken(source_from(TABLE, num_samples=size, seed=seed), rows_of(*texts))
    larger, _, _ = taken(source_from(TABLE, num_samples=size + 1, seed=seed), rows_of(*texts))
    everything, _, _ = taken(source_from(TABLE), rows_of(*texts))
    assert set(smaller) <= set(larger) <= set(everything)
    assert len(larger) == min(size + 1, len(everything))


@given(st.permutations(list("abcdefghij")))
def test_a_draw_does_not_depend_on_the_order_of_the_rows(texts: list[str]) -> None:
    source = source_from(TABLE, num_samples=4, seed=1)
    assert set(taken(source, rows_of(*texts))[0]) == set(taken(source, rows_of(*"abcdefghij"))[0])


def test_duplicates_of_questions_that_are_not_drawn_are_not_selected() -> None:
    texts = [str(number % 50) for number in range(100)]
    questions, aside, counts = taken(source_from(TABLE, num_samples=10, seed=7), rows_of(*texts))
    assert (len(questions), len(aside), counts.not_selected) == (10, 10, {"num_samples": 80})


@given(st.integers(1, 30), st.sampled_from([{}, {"seed": 3}, {"num_samples": 12}, {"num_samples": 12, "seed": 3}]))
def test_a_limited_run_is_a_prefix_of_the_full_one_and_of_larger_limits(limit: int, options: dict[str, Any]) -> None:
    source = source_from(TABLE, **options)
    texts = [str(number) for number in range(20)]
    full = set(taken(source, rows_of(*texts))[0])
    small = set(taken(limit_to(source, limit), rows_of(*texts))[0])
    large = set(taken(limit_to(source, limit + 1), rows_of(*texts))[0])
    assert small <= large <= full
    assert len(small) == min(limit, len(full))


def test_no_limit_changes_nothing() -> None:
    source = source_from(GYM)
    assert limit_to(source, None) is source
    assert limit_to(source, 3).seed == 1
    assert limit_to(source_from(TABLE), 3).seed == LIMIT_SEED
