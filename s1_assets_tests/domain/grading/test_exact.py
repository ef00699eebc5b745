import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1_assets.domain.grading.answers import as_number, extract_answer, last_boxed, normalise_answer
from s1_assets.domain.grading.exact import Exact
from s1_assets_tests.records import question

ROWS = [
    json.loads(line) for line in (Path(__file__).parents[2] / "cases" / "exact.jsonl").read_text("utf-8").splitlines()
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.integers(-(10**12), 10**12)


def mark(answer: str, reference: str | None) -> str:
    return Exact().grade(answer, question(reference_answer=reference)).mark


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['answer'][:30]!r}-{row['reference']!r}")
def test_every_case_has_its_mark(row: dict[str, Any]) -> None:
    verdict = Exact().grade(row["answer"], question(reference_answer=row["reference"]))
    assert (verdict.mark, verdict.grader, verdict.version) == (row["mark"], "exact", "1"), verdict
    assert verdict.reason


def test_the_cases_hold_every_mark_and_no_pair_twice() -> None:
    assert {row["mark"] for row in ROWS} == {"correct", "incorrect", "unscored"}
    pairs = [(row["answer"], row["reference"]) for row in ROWS]
    assert len(set(pairs)) == len(pairs)


def test_a_verdict_says_what_was_compared() -> None:
    verdict = Exact().grade("Thus \\boxed{ 1,250 }", question(reference_answer="1251"))
    assert (verdict.mark, verdict.reason, verdict.extracted) == ("incorrect", "differs", "1,250")
    assert verdict.detail == "found '1250', wanted '1251'"
    assert Exact().grade("", question()).reason == "no_answer_declared"
    assert Exact().grade("5", question(reference_answer=None)).reason == "no_reference_answer"


@given(TEXTS.filter(str.strip))
def test_the_reference_itself_is_a_right_answer(text: str) -> None:
    assert mark(text, text) == "correct"
    assert mark(f"  {text}\n", text) == "correct"


@given(NUMBERS, st.sampled_from(["{}", "{}.", "${}$", "**{}**", "\\boxed{{{}}}", "x\nAnswer: {}", "The answer is {}."]))
def test_a_number_is_right_in_any_dress_and_its_neighbour_never(number: int, dress: str) -> None:
    assert mark(dress.format(number), str(number)) == "correct"
    assert mark(dress.format(f"{number:,}"), str(number)) == "correct"
    assert mark(dress.format(number + 1), str(number)) == "incorrect"
    if number:
        assert mark(dress.format(-number), str(number)) == "incorrect"


@given(TEXTS, TEXTS)
def test_no_text_makes_the_grader_raise(answer: str, reference: str) -> None:
    assert mark(answer, reference) in ("correct", "incorrect", "unscored")
    assert mark(answer, "") == "unscored"


@given(st.text(alphabet="\\boxedfrac{}$ 1.,*a/%\n"), st.text(alphabet="\\frac{}$ 1.,*a/%"))
def test_no_broken_latex_makes_the_grader_raise(answer: str, reference: str) -> None:
    assert mark(answer, reference) in ("correct", "incorrect", "unscored")


def test_a_long_text_without_a_declared_answer_is_unscored() -> None:
    assert extract_answer("5 " * 100) is not None
    assert extract_answer("5 " * 101) is None
    assert mark("word " * 60 + "5", "5") == "unscored"


@pytest.mark.parametrize(
    "text",
    ["\\boxed{" * 100_000, "{" * 300_000, "1" * 300_000, "\\frac{" * 50_000, "answer is " * 50_000, "$" * 300_000,
     "\\boxed" + " " * 300_000, "," * 300_000, "." * 300_000, "answer" + " " * 300_000],
    ids=lambda text: text[:10],
)  # fmt: skip
def test_a_huge_or_hostile_answer_costs_little_time(text: str) -> None:
    started = time.process_time()
    assert mark(text, "5") in ("incorrect", "unscored")
    assert mark(text + "x", text) in ("incorrect", "unscored")
    assert time.process_time() - started < 5


def test_numbers_that_python_would_not_convert_are_compared_as_text() -> None:
    nines = "9" * 5_000
    assert as_number(nines) is None
    assert mark(nines, nines) == "correct"
    assert mark(nines[:-1] + "8", nines) != "correct"


def test_only_plain_numbers_have_a_value() -> None:
    assert [as_number(text) for text in ("1/2", "1e3", "1,000", "x", "", "+", ".", "--1")] == [None] * 8
    assert as_number("-0.5") == as_number("-.50")


def test_braces_that_are_text_do_not_close_a_box() -> None:
    assert last_boxed(r"\boxed{\{1\}}") == r"\{1\}"
    assert last_boxed(r"\boxed{1 \}") is None
    assert last_boxed("no box {5}") is None
    assert last_boxed("} \\boxed{5} }") == "5"


def test_a_long_answer_is_compared_without_its_latex() -> None:
    long = "\\frac{1}{2} " * 300
    assert normalise_answer(long).startswith("\\frac{1}{2} \\frac")
    assert mark(f"\\boxed{{{long}}}", long.upper().replace("FRAC", "frac")) == "correct"


def test_declared_answers_of_real_solutions_are_their_references(shared_data: Path) -> None:
    lines = (shared_data / "gsm8k" / "gsm8k_train_1000.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    answers = [row["solution"].rpartition("####")[2].strip() for row in rows]
    assert [mark(f"It costs.\n**Answer:** ${answer}", answer) for answer in answers] == ["correct"] * len(rows)
    wrong = [mark(f"Answer: {other}", answer) for answer, other in pairwise(answers)]
    same = sum(answer == other for answer, other in pairwise(answers))
    assert wrong.count("correct") == same < 50
