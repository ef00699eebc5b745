"""The embedded model on questions of logic and search: what it understands, what it refuses, and where it is wrong."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from importlib.resources import files
from itertools import product

import pytest
import reasoning_gym
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from s1_assets.adapters.llm.providers.solver import MINDS
from s1_assets.adapters.llm.providers.solver.argument import Argument, OutOfSteps
from s1_assets.adapters.llm.providers.solver.claims import Cast, Claim, Joined, Simple, parse_claim, weigh, wording
from s1_assets.adapters.llm.providers.solver.families import Care, Family
from s1_assets.adapters.llm.providers.solver.families.calendar_arithmetic import CalendarArithmetic
from s1_assets.adapters.llm.providers.solver.families.course_schedule import CourseSchedule, Curriculum
from s1_assets.adapters.llm.providers.solver.families.dice import Dice, Roll
from s1_assets.adapters.llm.providers.solver.families.knights_knaves import Island, KnightsKnaves
from s1_assets.adapters.llm.providers.solver.families.largest_island import LargestIsland, Map
from s1_assets.adapters.llm.providers.solver.families.rotten_oranges import Crate, RottenOranges
from s1_assets.adapters.llm.providers.solver.families.time_intervals import Interval, TimeIntervals
from s1_assets.domain.tokens import approximate_tokens

FAMILIES: Mapping[str, Family] = {
    "course_schedule": CourseSchedule(),
    "dice": Dice(),
    "rotten_oranges": RottenOranges(),
    "knights_knaves": KnightsKnaves(),
    "largest_island": LargestIsland(),
    "calendar_arithmetic": CalendarArithmetic(),
    "time_intervals_wrong_keys": TimeIntervals(),
}
NAMES = sorted(FAMILIES)
SOUND_KEYS = sorted(FAMILIES.keys() - {"time_intervals_wrong_keys"})
SAMPLE = 80


@cache
def catalogue() -> Mapping[str, Mapping[str, object]]:
    packaged = files("s1_assets.domain.catalogue") / "packaged" / "embedded_logic.yaml"
    entries: Mapping[str, Mapping[str, object]] = yaml.safe_load(packaged.read_text("utf-8"))
    return entries


@cache
def rows(name: str, size: int = SAMPLE) -> list[tuple[str, str]]:
    entry = catalogue()[name]
    config = entry["config"]
    assert isinstance(config, dict)
    made = reasoning_gym.create_dataset(str(entry["location"]), size=size, seed=entry["seed"], **config)
    return [(row["question"], row["answer"]) for row in made]


def first(name: str) -> str:
    return rows(name)[0][0]


def plain(answer: str) -> str:
    return " ".join(answer.split()).lower().rstrip(".")


def think(family: Family, problem: object, care: Care = "careful", budget: int = 400) -> tuple[str, Argument]:
    argument = Argument(budget)
    return family.reason(problem, argument, care), argument


def solve(family: Family, text: str) -> str | None:
    problem = family.read(text)
    return None if problem is None else think(family, problem)[0]


def mark(family: Family, question: str, key: str, mind: str) -> str:
    try:
        answer, _ = think(family, family.read(question), MINDS[mind].care, MINDS[mind].budget)
    except OutOfSteps:
        return "truncated"
    return "correct" if plain(answer) == plain(key) else "incorrect"


@pytest.mark.parametrize("name", NAMES)
def test_every_question_of_the_catalogue_is_understood_by_its_family_alone(name: str) -> None:
    for question, _ in rows(name):
        assert [other for other in NAMES if FAMILIES[other].read(question) is not None] == [name]


def test_drawn_circuits_are_refused_by_every_family() -> None:
    assert all(family.read(question) is None for family in FAMILIES.values() for question, _ in rows("circuit_logic"))


@pytest.mark.parametrize("name", SOUND_KEYS)
def test_the_teacher_agrees_with_every_key(name: str) -> None:
    assert {mark(FAMILIES[name], *row, "teacher-v1") for row in rows(name)} == {"correct"}


@pytest.mark.parametrize("name", SOUND_KEYS)
def test_the_students_solve_some_questions_and_fail_on_others(name: str) -> None:
    brief = [mark(FAMILIES[name], *row, "student-brief-v1") for row in rows(name)]
    hasty = [mark(FAMILIES[name], *row, "student-hasty-v1") for row in rows(name)]
    both = brief + hasty
    assert "incorrect" not in brief
    assert 0.25 < both.count("correct") / (len(both) - both.count("truncated")) < 0.75
    assert 0.2 < both.count("correct") / len(both) < 0.8
    assert sum("correct" not in marks for marks in zip(brief, hasty, strict=True)) > 0.25 * SAMPLE


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("care", ["careful", "hasty"])
def test_a_finished_argument_has_between_150_and_8000_tokens(name: str, care: Care) -> None:
    for question, _ in rows(name):
        _, argument = think(FAMILIES[name], FAMILIES[name].read(question), care)
        assert 150 <= approximate_tokens(argument.text) <= 8_000


@pytest.mark.parametrize("name", NAMES)
def test_the_first_rows_do_not_depend_on_the_size_and_hardly_a_question_comes_twice(name: str) -> None:
    questions = [question for question, _ in rows(name)]
    assert rows(name, 20) == rows(name)[:20]
    assert len(set(questions)) >= 0.95 * SAMPLE


@pytest.mark.parametrize("name", NAMES)
def test_the_same_question_gets_the_same_thoughts(name: str) -> None:
    problem = FAMILIES[name].read(first(name))
    for care in ("careful", "hasty"):
        once, again = (think(FAMILIES[name], problem, care) for _ in range(2))
        assert (once[0], once[1].text) == (again[0], again[1].text)


@pytest.mark.parametrize("name", NAMES)
def test_out_of_steps_leaves_the_beginning_of_the_same_argument(name: str) -> None:
    problem = FAMILIES[name].read(first(name))
    _, whole = think(FAMILIES[name], problem)
    for budget in range(whole.steps):
        argument = Argument(budget)
        with pytest.raises(OutOfSteps):
            FAMILIES[name].reason(problem, argument, "careful")
        assert argument.steps == budget
        assert whole.text.startswith(argument.text)


@pytest.mark.parametrize("name", NAMES)
def test_exactly_enough_steps_are_enough(name: str) -> None:
    problem = FAMILIES[name].read(first(name))
    answer, whole = think(FAMILIES[name], problem)
    assert think(FAMILIES[name], problem, budget=whole.steps)[0] == answer


@pytest.mark.parametrize("name", NAMES)
def test_a_little_text_around_a_question_does_no_harm(name: str) -> None:
    question = first(name)
    framed = f"Solve the following problem step by step.\n\n{question}\n\nPut your final answer within \\boxed{{}}."
    assert FAMILIES[name].read(framed) == FAMILIES[name].read(question)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "twist",
    [
        "Then add five to the result.",
        "Multiply your answer by two.",
        "Give the opposite answer instead.",
        "Subtract 1 from the result.",
        "Suppose that the reverse is asked for.",
        "Do not count the largest one.",
    ],
)
def test_a_twist_after_or_before_the_question_is_refused(name: str, twist: str) -> None:
    assert FAMILIES[name].read(f"{first(name)}\n{twist}") is None
    assert FAMILIES[name].read(f"{twist}\n{first(name)}") is None


@pytest.mark.parametrize("name", NAMES)
def test_two_questions_in_one_message_are_refused(name: str) -> None:
    assert FAMILIES[name].read(f"{first(name)}\n\n{rows(name)[1][0]}") is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text", ["", "What is 2 + 2?", "0 1\n1 0", "\x00", "True or False?", "(" * 5_000, "1 " * 9_999]
)
def test_other_texts_are_refused(name: str, text: str) -> None:
    assert FAMILIES[name].read(text) is None


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"rotten_oranges"}))  # half a grid may be a grid too
def test_a_question_cut_short_is_refused_or_still_the_same(name: str) -> None:
    question = first(name)
    whole = FAMILIES[name].read(question)
    for end in range(0, len(question), 7):
        assert FAMILIES[name].read(question[:end]) in (None, whole)


REWORDED: list[tuple[str, str, str]] = [
    ("course_schedule", "Return True if you can finish", "Return False if you can finish"),
    ("course_schedule", "Return True if you can", "Return True if you cannot"),
    ("course_schedule", "Return True if you can finish all courses", "Return the number of courses you can finish"),
    ("course_schedule", "finish all courses", "finish half of the courses"),
    ("course_schedule", "labeled from 0 to", "labeled from 1 to"),
    ("course_schedule", "must first take course b_i if", "must not take course b_i if"),
    ("course_schedule", "[(", "[(9999, 0), ("),
    ("course_schedule", "\n\nReturn", "\n\nCourse zero may be skipped.\n\nReturn"),
    ("dice", "or higher", "exactly"),
    ("dice", "What are the odds of", "What are the odds against"),
    ("dice", "reduced fraction", "decimal number"),
    ("dice", "reduced fraction", "percentage"),
    ("dice", "? (Assume", " with the best two? (Assume"),
    ("dice", "all dice are rolled at once", "the highest die is rolled again"),
    ("dice", "1d20", "1d0"),
    ("dice", "1d20", "1d20, 1d20, 1d20, 1d20"),
    ("rotten_oranges", "4-directionally", "8-directionally"),
    ("rotten_oranges", "Every minute", "Every second minute"),
    ("rotten_oranges", "return -1", "return 0"),
    ("rotten_oranges", "0 representing an empty cell", "0 representing a rotten orange"),
    ("rotten_oranges", "determine the minimum number of minutes", "determine the number of rotten oranges"),
    ("rotten_oranges", "\n\nNow,", "\nThe rot leaps over gaps.\n\nNow,"),
    ("rotten_oranges", " 1 1\n", " 1 3\n"),
    ("rotten_oranges", " 1 1\n", " 1\n"),
    ("largest_island", "the maximum area of an island", "the number of islands"),
    ("largest_island", "the maximum area", "the minimum area"),
    ("largest_island", "4-directionally (horizontal or vertical)", "8-directionally"),
    ("largest_island", "(horizontal or vertical)", "(horizontal, vertical or diagonal)"),
    ("largest_island", "cells with a value 1", "cells with a value 0"),
    ("largest_island", "return 0", "return -1"),
    ("largest_island", "\n\nReturn", "\n\nThe first piece of land is sunk.\n\nReturn"),
    ("largest_island", "binary matrix grid:\n", "binary matrix grid:\n1 0\n"),
    ("knights_knaves", "always lie", "sometimes lie"),
    ("knights_knaves", "So who is", "How many tell the truth, and who is"),
    ("knights_knaves", "You meet 7 inhabitants", "You meet 8 inhabitants"),
    ("knights_knaves", " So who", " One of them is a spy. So who"),
    ("knights_knaves", "(Format your answer like", "(Do not format your answer like"),
    ("calendar_arithmetic", "weekday", "month"),
]


@pytest.mark.parametrize(("name", "old", "new"), REWORDED)
def test_a_changed_question_is_refused(name: str, old: str, new: str) -> None:
    changed = [question.replace(old, new) for question, _ in rows(name) if old in question]
    assert changed
    assert all(FAMILIES[name].read(question) is None for question in changed)


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_courses_can_be_finished_exactly_if_no_course_needs_itself_in_the_end(
    drawn: tuple[int, set[tuple[int, int]]],
) -> None:
    courses, rules = drawn
    reached = set(rules)
    for middle, start, end in product(range(courses), repeat=3):
        if (start, middle) in reached and (middle, end) in reached:
            reached.add((start, end))
    expected = not any((course, course) in reached for course in range(courses))
    answer, _ = think(FAMILIES["course_schedule"], Curriculum(courses, tuple(sorted(rules))))
    assert answer == str(expected)


def test_the_hasty_mind_finds_a_circle_of_two_and_misses_one_of_three() -> None:
    family = FAMILIES["course_schedule"]
    assert think(family, Curriculum(3, ((0, 1), (1, 0))), "hasty")[0] == "False"
    assert think(family, Curriculum(3, ((0, 1), (1, 2), (2, 0))), "hasty")[0] == "True"


def test_a_long_list_of_rules_makes_the_hasty_mind_guess_and_say_so() -> None:
    rules = tuple((course + 1, course) for course in range(60))
    answer, argument = think(FAMILIES["course_schedule"], Curriculum(61, rules), "hasty", 64)
    assert (answer, argument.guessed) == ("False", True)


DICE = "I have these dice: {}. What are the odds of rolling {}? Please respond with a reduced fraction."
DICE_SENTENCE = DICE.replace(
    "? ",
    "? (Assume that all dice are rolled at once, and that '1d6' represents one roll of a 6-sided dice.) ",
)


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ("{} or higher", lambda total, bound: total >= bound),
        ("at least {}", lambda total, bound: total >= bound),
        ("higher than {}", lambda total, bound: total > bound),
        ("more than {}", lambda total, bound: total > bound),
        ("{} or lower", lambda total, bound: total <= bound),
        ("at most {}", lambda total, bound: total <= bound),
        ("less than {}", lambda total, bound: total < bound),
    ],
)
@pytest.mark.parametrize("sides", [(2, 2), (6, 4), (3, 3, 5), (4, 1, 7, 2)])
def test_each_wording_of_a_bound_is_counted_as_it_is_worded(
    asked: str, holds: Callable[[int, int], bool], sides: tuple[int, ...]
) -> None:
    rolls = [sum(faces) for faces in product(*(range(1, size + 1) for size in sides))]
    for bound in range(sum(sides) + 3):
        text = DICE_SENTENCE.format(", ".join(f"1d{size}" for size in sides), asked.format(bound))
        expected = Fraction(sum(holds(total, bound) for total in rolls), len(rolls))
        assert solve(FAMILIES["dice"], text) == f"{expected.numerator}/{expected.denominator}"


@pytest.mark.parametrize("asked", ["7", "exactly 7", "at least 7 or lower", "7 or so", "an even total"])
def test_a_bound_that_is_none_is_refused(asked: str) -> None:
    assert FAMILIES["dice"].read(DICE_SENTENCE.format("1d6, 1d6", asked)) is None


def test_dice_of_one_kind_may_be_written_together() -> None:
    assert FAMILIES["dice"].read(DICE_SENTENCE.format("2d6, 1d4", "9 or higher")) == Roll((4, 6, 6), 9, False)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=2, max_size=5), st.integers(0, 40))
def test_counting_in_two_parts_agrees_with_counting_every_outcome(sides: list[int], bound: int) -> None:
    totals = [sum(faces) for faces in product(*(range(1, size + 1) for size in sides))]
    expected = Fraction(sum(total >= bound for total in totals), math.prod(sides))
    answer, argument = think(FAMILIES["dice"], Roll(tuple(sorted(sides)), bound, False))
    assert answer == f"{expected.numerator}/{expected.denominator}"
    assert "does not fit" not in argument.text


def test_the_hasty_mind_reduces_by_small_primes_only_and_guesses_after_twelve_cases() -> None:
    few, _ = think(FAMILIES["dice"], Roll((7, 7), 8, False), "hasty")
    assert few == "28/49"
    _, argument = think(FAMILIES["dice"], Roll((15, 20, 20), 30, False), "hasty")
    assert argument.guessed


grids = st.integers(1, 6).flatmap(
    lambda side: st.lists(
        st.lists(st.integers(0, 2), min_size=side, max_size=side).map(tuple), min_size=side, max_size=side
    ).map(tuple)
)


def minutes_by_rounds(grid: tuple[tuple[int, ...], ...]) -> int:
    state = {(r, c): value for r, row in enumerate(grid) for c, value in enumerate(row)}
    for minute in range(len(state) + 1):
        if 1 not in state.values():
            return minute
        rotten = {cell for cell, value in state.items() if value == 2}
        near = {(r + dr, c + dc) for r, c in rotten for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0))}
        state = {cell: 2 if value == 1 and cell in near else value for cell, value in state.items()}
    return -1


@settings(deadline=None)
@given(grids)
def test_waves_agree_with_changing_the_whole_grid_every_minute(grid: tuple[tuple[int, ...], ...]) -> None:
    answer, argument = think(FAMILIES["rotten_oranges"], Crate(grid))
    assert answer == str(minutes_by_rounds(grid))
    assert approximate_tokens(argument.text) >= 150


def test_the_hasty_mind_flies_over_empty_cells() -> None:
    grid = ((2, 0, 1), (1, 0, 1), (1, 1, 1))
    assert think(FAMILIES["rotten_oranges"], Crate(grid))[0] == "6"
    assert think(FAMILIES["rotten_oranges"], Crate(grid), "hasty")[0] == "4"


def areas_by_merging(grid: tuple[tuple[int, ...], ...]) -> int:
    land = {(r, c) for r, row in enumerate(grid) for c, value in enumerate(row) if value == 1}
    label = {cell: number for number, cell in enumerate(sorted(land))}
    for _ in land:
        for r, c in land:
            near = [label[cell] for cell in ((r, c), (r + 1, c), (r, c + 1), (r - 1, c), (r, c - 1)) if cell in land]
            label[r, c] = min(near)
    return max((list(label.values()).count(number) for number in label.values()), default=0)


@settings(deadline=None)
@given(grids)
def test_flooding_agrees_with_merging_labels(grid: tuple[tuple[int, ...], ...]) -> None:
    binary = tuple(tuple(value % 2 for value in row) for row in grid)
    answer, argument = think(FAMILIES["largest_island"], Map(binary))
    assert answer == str(areas_by_merging(binary))
    assert approximate_tokens(argument.text) >= 150


def test_the_hasty_mind_joins_islands_at_their_corners() -> None:
    assert think(FAMILIES["largest_island"], Map(((1, 0), (0, 1))))[0] == "1"
    assert think(FAMILIES["largest_island"], Map(((1, 0), (0, 1))), "hasty")[0] == "2"


CAST = Cast(("Ann", "Bob", "Cy"), "a knight", "a knave")
claims = st.recursive(
    st.builds(Simple, st.integers(0, 2), st.booleans()),
    lambda inner: st.one_of(
        st.builds(lambda a: Joined("not", (a,)), inner),
        st.builds(lambda a, b: Joined("if", (a, b)), inner, inner),
        st.builds(lambda a, b: Joined("iff", (a, b)), inner, inner),
        st.builds(
            lambda how, parts: Joined(how, tuple(parts)),
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=2, max_size=3),
        ),
    ),
    max_leaves=6,
)


@given(claims)
def test_a_claim_that_is_written_out_is_read_as_the_same_claim(claim: Claim) -> None:
    assert parse_claim(wording(claim, CAST), CAST) == claim


@given(claims, st.dictionaries(st.integers(0, 2), st.booleans()))
def test_a_claim_that_is_settled_stays_so_whatever_the_unknown_people_are(claim: Claim, known: dict[int, bool]) -> None:
    settled = weigh(claim, known)
    for rest in product([True, False], repeat=3):
        value = weigh(claim, dict(enumerate(rest)) | known)
        assert value is not None
        assert settled in (None, value)


@pytest.mark.parametrize(
    "text",
    [
        "Ann is a knight and Bob is a knave or Cy is a knight",
        "if Ann is a knight then Bob is a knave and Cy is a knave",
        "Ann is a knight if and only if Bob is a knave if and only if Cy is a knave",
        "Ann is a spy",
        "Dora is a knight",
        "Ann is a knight or",
        "(Ann is a knight",
        "exactly one of Ann and Bob is a knight",
        "Ann would say that Bob is a knave",
        "neither Ann nor Bob is a knight",
        "",
    ],
)
def test_a_claim_with_two_readings_or_none_is_refused(text: str) -> None:
    assert parse_claim(text, CAST) is None


def test_is_not_a_knight_means_is_a_knave() -> None:
    assert parse_claim("Ann is not a knight", CAST) == Simple(0, False)


@settings(max_examples=60, deadline=None)
@given(st.lists(claims, min_size=3, max_size=3))
def test_case_analysis_finds_a_solution_exactly_where_trying_everything_does(said: list[Claim]) -> None:
    island = Island(CAST, tuple(enumerate(said)))
    fitting = [
        roles
        for roles in product([True, False], repeat=3)
        if all(weigh(claim, dict(enumerate(roles))) == roles[who] for who, claim in enumerate(said))
    ]
    answer, argument = think(FAMILIES["knights_knaves"], island)
    found = tuple(f"{name} is a knight" in answer for name in CAST.names)
    assert (answer == "No valid solution exists.") == (not fitting)
    assert not fitting or found in fitting
    assert argument.guessed == (len(fitting) > 1)
    assert "mistake" not in argument.text


ISLAND = (
    "A very special island is inhabited only by knights and knaves. {} You meet 2 inhabitants: Ann, and Bob. "
    'Ann said that Bob is a knave. According to Bob, "Ann is a knave if and only if Bob is a knave". '
    "So who is a knight and who is a knave? "
    '(Format your answer like: "Ann is a knight/knave, and Bob is a knight/knave")'
)


def test_it_matters_who_tells_the_truth() -> None:
    usual = ISLAND.format("Knights always tell the truth, and knaves always lie.")
    turned = ISLAND.format("Knights always lie, and knaves always tell the truth.")
    assert solve(FAMILIES["knights_knaves"], usual) == "Ann is a knight, and Bob is a knave."
    assert solve(FAMILIES["knights_knaves"], turned) == "Ann is a knave, and Bob is a knave."
    assert FAMILIES["knights_knaves"].read(ISLAND.format("Knights always lie, and knaves always lie.")) is None


def test_a_speech_that_is_not_understood_makes_the_puzzle_refused() -> None:
    usual = ISLAND.format("Knights always tell the truth, and knaves always lie.")
    assert FAMILIES["knights_knaves"].read(usual) is not None
    for verb in ("denied that", "asked whether", "doubted that"):
        assert FAMILIES["knights_knaves"].read(usual.replace("said that", verb)) is None
    assert FAMILIES["knights_knaves"].read(usual.replace("Ann said", "Zoe said")) is None


def test_the_hasty_mind_marks_what_it_has_not_looked_at_again_as_a_guess() -> None:
    liar = Island(CAST, ((0, Simple(1, False)), (1, Simple(0, True)), (2, Simple(2, True))))
    _, argument = think(FAMILIES["knights_knaves"], liar, "hasty")
    assert argument.guessed


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)))
def test_the_walk_over_years_and_months_arrives_at_the_right_weekday(day: date) -> None:
    text = f"What day of the week was {day:%B} {day.day}, {day.year}? Provide the full name of the weekday."
    assert solve(FAMILIES["calendar_arithmetic"], text) == DAYS[day.weekday()]


@given(st.dates(date(2019, 1, 1), date(2020, 12, 31)), st.integers(0, 400), st.sampled_from(DAYS))
def test_listed_weekdays_are_as_many_as_counting_every_day_gives(start: date, length: int, weekday: str) -> None:
    end = min(start + timedelta(length), date(start.year, 12, 31))
    text = (
        f"How many {weekday}s are there from {start:%A, %B} {start.day}, {start.year} "
        f"to {end:%A, %B} {end.day}, {end.year} (inclusive of both dates)? Answer with a number."
    )
    expected = sum(DAYS[(start + timedelta(n)).weekday()] == weekday for n in range((end - start).days + 1))
    assert solve(FAMILIES["calendar_arithmetic"], text) == str(expected)


@given(st.integers(1900, 2100), st.integers(1, 12), st.integers(0, 4), st.sampled_from(DAYS))
def test_a_recurring_day_is_found_as_in_the_calendar(year: int, month: int, ordinal: int, weekday: str) -> None:
    days = [date(year, month, 1) + timedelta(n) for n in range(31)]
    fitting = [day.day for day in days if day.month == month and DAYS[day.weekday()] == weekday]
    name = ("first", "second", "third", "fourth", "last")[ordinal]
    text = (
        f"Determine the day of the month for the {name} {weekday} in {days[0]:%B} {year}. Answer with a number. "
        "Answer with -1 if the ordinal does not exist in the month."
    )
    assert solve(FAMILIES["calendar_arithmetic"], text) == str(fitting[-1] if ordinal == 4 else fitting[ordinal])


@pytest.mark.parametrize(
    "text",
    [
        "What day of the week was February 30, 2020? Reply with just the weekday name.",
        "What day of the week was March 3, 0020? Reply with just the weekday name.",
        "What day of the week was it before March 3, 2020? Reply with just the weekday name.",
        "What day of the week was March 3, 2020? Answer with the weekday after it.",
        "What day of the week was March 3, 2020? Reply with just the month name.",
        "What day of the week was March 3, 2020 in the Julian calendar? Reply with just the weekday name.",
        "Name the day of the week for 13/02/2020. Reply with just the weekday name.",
        "How many Mondays are there from Monday, March 3, 2020 to Friday, March 6, 2020 (inclusive of both dates)? "
        "Answer with a number.",
        "How many Mondays are there from Tuesday, March 3, 2020 to Friday, March 6, 2020 (exclusive of both dates)? "
        "Answer with a number.",
        "How many Mondays are there from Tuesday, March 3, 2020 to Friday, March 6, 2020? Answer with a number.",
        "How many Mondays are there from Friday, March 6, 2020 to Tuesday, March 3, 2020 (inclusive of both dates)? "
        "Answer with a number.",
        "How many business days (Monday-Friday) are there from Tuesday, March 3, 2020 to Friday, March 6, 2020 "
        "(inclusive of both dates)? Answer with a number.",
        "Determine the day of the month for the fifth Monday in May 2020. Answer with a number. Answer with -1 if the "
        "ordinal does not exist in the month.",
    ],
)
def test_dates_that_do_not_exist_and_other_questions_of_the_calendar_are_refused(text: str) -> None:
    assert FAMILIES["calendar_arithmetic"].read(text) is None


def test_the_hasty_mind_forgets_the_leap_day() -> None:
    text = "Name the day of the week for {}/10/2020. Reply with just the weekday name."
    before, after = (FAMILIES["calendar_arithmetic"].read(text.format(month)) for month in ("02", "03"))
    assert think(FAMILIES["calendar_arithmetic"], before, "hasty")[0] == "Monday"
    assert think(FAMILIES["calendar_arithmetic"], after, "hasty")[0] == "Monday"
    assert think(FAMILIES["calendar_arithmetic"], after)[0] == "Tuesday"


def in_milliseconds(time: str) -> int:
    hours, minutes, seconds, ms = (int(part) for part in re.split(r"[:.]", time))
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms


def test_our_time_intervals_are_exact_and_a_third_of_the_keys_is_one_millisecond_short() -> None:
    short = 0
    for question, key in rows("time_intervals_wrong_keys"):
        start, end = re.findall(r"\d\d:\d\d:\d\d\.\d{3}", question)
        answer = solve(FAMILIES["time_intervals_wrong_keys"], question)
        assert answer is not None
        assert in_milliseconds(answer) == in_milliseconds(end) - in_milliseconds(start)
        assert in_milliseconds(answer) - in_milliseconds(key) in (0, 1)
        short += answer != key
    assert SAMPLE / 4 < short < SAMPLE / 2


@given(*[st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))] * 2)
def test_an_interval_added_to_its_start_gives_its_end(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    start, end = sorted((one, other))
    answer, argument = think(FAMILIES["time_intervals_wrong_keys"], Interval(start, end))
    shown = "{:02d}:{:02d}:{:02d}.{:03d}".format
    assert in_milliseconds(shown(*start)) + in_milliseconds(answer) == in_milliseconds(shown(*end))
    assert f"{shown(*end)}, the end that was stated" in argument.text


@pytest.mark.parametrize(
    "text",
    [
        "How much time elapsed from 10:00:00.000 to 09:00:00.000? Give your answer in HH:MM:SS.mmm.",
        "How much time elapsed from 10:00:00.000 to 25:00:00.000? Give your answer in HH:MM:SS.mmm.",
        "How much time elapsed from 10:00:00 to 11:00:00? Give your answer in HH:MM:SS.",
        "How much time elapsed from 10:00:00.000 to 11:00:00.000? Give your answer in seconds.",
        "How much time elapsed from 10:00:00.000 to 11:00:00.000 the next day? Give your answer in HH:MM:SS.mmm.",
    ],
)
def test_other_times_are_refused(text: str) -> None:
    assert FAMILIES["time_intervals_wrong_keys"].read(text) is None


@pytest.mark.timeout(5)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "filler", ["a" * 15_000 + "!", "a " * 7_000, " " * 15_000, "(" * 15_000, "1 " * 7_000, '" ' * 7_000]
)
def test_no_text_takes_long_to_refuse(name: str, filler: str) -> None:
    question = first(name)
    for place in (0, len(question) // 3, len(question) // 2, len(question)):
        FAMILIES[name].read(question[:place] + filler + question[place:])


def test_the_largest_problems_that_are_read_stay_within_8000_tokens() -> None:
    chain = tuple((a, b) for a in range(100) for b in range(a - 3, a) if b >= 0)[:300]
    side = 30
    corner = tuple(tuple(2 if (r, c) == (0, 0) else 1 for c in range(side)) for r in range(side))
    dots = tuple(tuple(int((r + c) % 2 == 0 and 30 * r + c < 640) for c in range(side)) for r in range(side))
    largest: list[tuple[str, object]] = [
        ("course_schedule", Curriculum(100, chain)),
        ("rotten_oranges", Crate(corner)),
        ("largest_island", Map(dots)),
        ("dice", Roll((15, 15, 15, 15, 40, 40), 80, False)),
    ]
    for name, problem in largest:
        for care in ("careful", "hasty"):
            _, argument = think(FAMILIES[name], problem, care)
            assert approximate_tokens(argument.text) <= 8_000, name


def test_a_problem_that_is_too_large_is_refused() -> None:
    courses = ", ".join(f"({n + 1}, {n})" for n in range(100))
    question = re.sub(r"\[\(.*\)\]", f"[{courses}]", first("course_schedule"))
    question = re.sub(r"total of \d+", "total of 101", question)
    assert FAMILIES["course_schedule"].read(re.sub(r"from 0 to \d+", "from 0 to 100", question)) is None
    rows_of_land = "\n".join([" ".join(["1"] * 31)] * 31)
    large = f"following 31 x 31 binary matrix grid:\n{rows_of_land}\n\nAn"
    island = re.sub(r"(?s)following .*? matrix grid:.*\n\nAn", large, first("largest_island"))
    assert "31 x 31" in island
    assert FAMILIES["largest_island"].read(island) is None
