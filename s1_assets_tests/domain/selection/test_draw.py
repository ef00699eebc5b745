from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from s1_assets.domain.selection.draw import draw_across_subjects

LENGTHS = st.dictionaries(st.text("abc", max_size=2), st.lists(st.integers(0, 9), max_size=6), max_size=5)


@given(LENGTHS, st.integers(0, 40), st.integers())
def test_nothing_is_drawn_twice_and_as_much_as_there_is(lengths: dict[str, list[int]], size: int, seed: int) -> None:
    drawn = draw_across_subjects(lengths, size, Random(seed))
    assert len(set(drawn)) == len(drawn) == min(size, sum(map(len, lengths.values())))
    assert all(0 <= index < len(lengths[subject]) for subject, index in drawn)


@given(LENGTHS, st.integers(0, 40), st.integers())
def test_a_larger_draw_begins_with_the_smaller_one(lengths: dict[str, list[int]], size: int, seed: int) -> None:
    small = draw_across_subjects(lengths, size, Random(seed))
    assert draw_across_subjects(lengths, size + 3, Random(seed))[:size] == small


@given(LENGTHS, st.integers())
def test_the_order_of_the_subjects_plays_no_part(lengths: dict[str, list[int]], seed: int) -> None:
    backwards = dict(reversed(lengths.items()))
    assert draw_across_subjects(backwards, 9, Random(seed)) == draw_across_subjects(lengths, 9, Random(seed))


def test_the_rank_by_length_has_weight_two_to_the_minus_rank() -> None:
    lengths = {"logic": [10, 40, 20, 30]}
    times = 20_000
    firsts = Counter(draw_across_subjects(lengths, 1, Random(seed))[0][1] for seed in range(times))
    # ranks 0..3 are the indexes 1, 3, 2, 0; weights 8, 4, 2, 1 of 15
    for index, weight in ((1, 8), (3, 4), (2, 2), (0, 1)):
        expected = times * weight / 15
        assert abs(firsts[index] - expected) < 5 * expected**0.5


def test_subjects_are_drawn_evenly_whatever_their_size() -> None:
    lengths = {"small": [1] * 5, "large": [1] * 500}
    times = 4_000
    firsts = Counter(draw_across_subjects(lengths, 1, Random(seed))[0][0] for seed in range(times))
    assert abs(firsts["small"] - times / 2) < 5 * (times / 4) ** 0.5


def test_a_subject_that_is_used_up_leaves_the_draw() -> None:
    drawn = draw_across_subjects({"one": [5], "many": list(range(50))}, 51, Random(3))
    assert Counter(subject for subject, _ in drawn) == {"one": 1, "many": 50}
    assert draw_across_subjects({"empty": []}, 5, Random(0)) == []


def test_equal_lengths_keep_their_order() -> None:
    firsts = Counter(draw_across_subjects({"s": [7, 7, 7]}, 1, Random(seed))[0][1] for seed in range(2_000))
    assert firsts[0] > firsts[1] > firsts[2] > 0
