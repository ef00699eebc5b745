import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1_assets.domain.catalogue.columns import holds
from s1_assets.domain.catalogue.mapping import MOST_BYTES, question_of
from s1_assets.domain.catalogue.plain import json_text
from s1_assets.domain.grading.answers import last_boxed
from s1_assets.records.questions import Question, SetAside
from s1_assets.records.sources import Condition, SourceRow
from s1_assets_tests.domain.catalogue.entry import TABLE, source_from


def mapped(values: dict[str, Any], **options: Any) -> Question:
    found = question_of(source_from(TABLE, **options), SourceRow("rows.jsonl#7", values), "r1")
    assert isinstance(found, Question), found
    return found


def refused(values: dict[str, Any], **options: Any) -> SetAside:
    found = question_of(source_from(TABLE, **options), SourceRow("rows.jsonl#7", values), "r1")
    assert isinstance(found, SetAside), found
    assert found.id == "mine:rows.jsonl#7"
    assert found.stage == "raw_questions"
    return found


def test_a_row_becomes_a_question_with_everything_known_of_it() -> None:
    found = mapped({"question": "2+2?", "answer": 4, "solution": " ", "level": 5, "tags": ["b", "a"]})
    assert (found.question, found.reference_answer, found.solution) == ("2+2?", "4", None)
    assert (found.subject, found.language, found.licence, found.grader) == ("arithmetic", "en", "MIT", "exact")
    assert (found.locator, found.revision, found.grader_spec) == ("rows.jsonl#7", "r1", "{}")
    assert found.metadata == '{"answer": 4, "level": 5, "tags": ["b", "a"]}'


def test_text_is_kept_as_it_is() -> None:
    assert mapped({"question": "  a\r\ncafe\u0301 "}).question == "  a\r\ncafe\u0301 "


def test_a_column_taken_whole_is_not_repeated_in_the_metadata_but_a_cut_one_is() -> None:
    rules = {"question": "question", "reference_answer": {"names": "solution", "strip_before": "####"}}
    found = mapped({"question": "q", "solution": "so 3\n#### 3 \n"}, fields=rules)
    assert found.reference_answer == "3"
    assert json.loads(found.metadata) == {"solution": "so 3\n#### 3 \n"}


def test_a_mark_that_is_absent_leaves_no_reference_answer() -> None:
    rules = {"question": "question", "reference_answer": {"names": "solution", "strip_before": "####"}}
    assert mapped({"question": "q", "solution": "no mark"}, fields=rules).reference_answer is None


def test_what_follows_a_mark_can_be_cut_off_and_something_put_before() -> None:
    rule = {"names": "input", "strip_before": "Clue:", "strip_after": "Answer:", "prefix": "Solve: "}
    assert mapped({"input": "Hi Clue: a b (3) Answer: x"}, fields={"question": rule}).question == "Solve: a b (3)"


def test_the_last_closed_box_is_the_answer() -> None:
    rules = {"question": "question", "reference_answer": {"names": "solution", "boxed": True}}
    solution = r"first \boxed{1}, then \boxed{\frac{a}{b}} and \boxed{unclosed"
    assert mapped({"question": "q", "solution": solution}, fields=rules).reference_answer == r"\frac{a}{b}"
    assert last_boxed("\\boxed{" * 200_000) is None


def test_names_are_tried_in_turn_past_missing_and_null_ones() -> None:
    assert mapped({"b": None, "c": "here"}, fields={"question": ["a", "b", "c"]}).question == "here"


def test_dotted_names_reach_into_mappings_and_lists() -> None:
    rules = {"question": "item.text", "reference_answer": "answers.0", "solution": "answers.-1.deep"}
    found = mapped({"item": {"text": "q"}, "answers": ["6", {"deep": "s"}]}, fields=rules)
    assert (found.question, found.reference_answer, found.solution) == ("q", "6", "s")
    assert mapped({"question": "q", "answers": []}, fields=rules | {"question": "question"}).reference_answer is None


def test_a_template_joins_passage_question_and_options() -> None:
    rules = {"question": {"template": "{passage?}\n\n{question}\n{options}"}}
    row = {"question": "Which?", "options": ["(A) 1", "(B) {2}"]}
    assert mapped({"passage": "P.", **row}, fields=rules).question == "P.\n\nWhich?\n(A) 1\n(B) {2}"
    assert mapped({"passage": None, **row}, fields=rules).question == "Which?\n(A) 1\n(B) {2}"
    assert refused({"passage": "P.", "question": "Which?"}, fields=rules).reason == "missing_question"
    assert refused({**row, "question": None}, fields=rules).reason == "null_question"


def test_doubled_braces_in_a_template_are_braces() -> None:
    assert mapped({"q": "1"}, fields={"question": {"template": "{{x}} = {q}"}}).question == "{x} = 1"


def test_options_of_a_list_are_lettered_in_their_order() -> None:
    options = {"choices": {"columns": "options", "index": "label"}}
    rules = {"question": {"template": "{question}\n{choices_text}"}, "reference_answer": "choices_letter"}
    found = mapped({"question": "Q", "options": ["x", "y", "z"], "label": 2}, fields=rules, **options)
    assert (found.question, found.reference_answer) == ("Q\n(A) x\n(B) y\n(C) z", "C")


def test_the_place_of_the_right_option_gives_nothing_away() -> None:
    options = {"choices": {"columns": ["right", "wrong 1", "wrong 2", "wrong 3"], "correct": "right"}}
    rules = {"question": {"template": "{q}\n{choices_text}"}, "reference_answer": "choices_letter"}
    letters = []
    for number in range(200):
        row = {"q": "Q", "right": f"r{number}", **{f"wrong {i}": f"w{number}{i}" for i in (1, 2, 3)}}
        found = mapped(row, fields=rules, **options)
        assert f"({found.reference_answer}) r{number}" in found.question
        letters.append(found.reference_answer)
    assert all(30 <= letters.count(letter) <= 75 for letter in "ABCD")


def test_a_subject_of_the_row_comes_before_the_entrys() -> None:
    rules = {"question": "question", "subject": "topic", "language": "lang"}
    found = mapped({"question": "q", "topic": "geometry", "lang": "EN"}, fields=rules)
    assert (found.subject, found.language) == ("geometry", "en")
    assert mapped({"question": "q", "topic": None}, fields=rules).subject == "arithmetic"
    assert mapped({"question": "q"}, fields=rules, subject=None).subject == "unknown"


@pytest.mark.parametrize(
    ("values", "reason", "evidence"),
    [
        ({"prompt": "q", "id": 1}, "missing_question", "no column 'question'; the row has prompt, id"),
        ({}, "missing_question", "the row has no columns at all"),
        ({"question": None}, "null_question", "column 'question': null"),
        ({"question": float("nan")}, "null_question", "column 'question': null"),
        ({"question": ""}, "empty_question", "no text but ''"),
        ({"question": " \n\t"}, "empty_question", "no text but"),
        ({"question": "half \ud83d pair"}, "wrong_encoding", "question: not UTF-8, or half a surrogate pair"),
        ({"question": "q", "more": {"x": "\udcff"}}, "wrong_encoding", "metadata: not UTF-8"),
        ({"question": "q", "\udcff": 1}, "wrong_encoding", "metadata"),
        ({"question": "q" * (MOST_BYTES + 1)}, "too_large", "10,000,001 bytes; accepted: at most 10,000,000"),
        ({"question": "q", "image": b"x" * (MOST_BYTES + 1)}, "too_large", "column 'image' holds 10,000,001 bytes"),
        ({"question": "q", "tests": ["é" * 3_000_000] * 2}, "too_large", "metadata holds 12,"),
    ],
)  # fmt: skip
def test_a_row_that_is_no_question_is_set_aside_with_its_reason(
    values: dict[str, Any], reason: str, evidence: str
) -> None:
    found = refused(values)
    assert found.reason == reason
    assert evidence in found.evidence
    assert len(found.evidence) <= 300
    assert found.evidence.encode()


def test_ten_megabytes_exactly_are_accepted() -> None:
    assert len(mapped({"question": "q" * MOST_BYTES}).question) == MOST_BYTES


def test_a_cell_nested_too_deep_is_set_aside() -> None:
    deep: object = float("nan")
    for _ in range(5_000):
        deep = [deep]
    assert refused({"question": "q", "deep": deep}).reason == "too_deep"


def test_a_rows_own_fault_goes_on() -> None:
    row = SourceRow("rows.jsonl#\udcff#1", {}, "malformed_json", "x" * 900)
    found = question_of(source_from(TABLE), row, "r1")
    assert isinstance(found, SetAside)
    assert (found.reason, len(found.evidence), found.id) == ("malformed_json", 300, "mine:rows.jsonl#\\udcff#1")


def test_values_that_json_does_not_know_are_made_safe() -> None:
    values = {
        "b": b"\x00\xff",
        "image": b"x" * 100_000,
        "nan": float("nan"),
        "inf": float("inf"),
        "on": datetime(2024, 1, 31, 10, 30),  # noqa: DTZ001
        "day": date(2024, 1, 31),
        "at": time(10, 30),
        "took": timedelta(seconds=90),
        "price": Decimal("1.10"),
        5: "number key",
    }
    found = json.loads(json_text(values))
    assert found["b"] == {"base64": "AP8="}
    assert found["image"]["bytes"] == 100_000
    assert (found["nan"], found["inf"], found["5"]) == (None, "inf", "number key")
    assert (found["on"], found["day"], found["at"]) == ("2024-01-31T10:30:00", "2024-01-31", "10:30:00")
    assert (found["took"], found["price"]) == (90.0, "1.10")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["question", "answer", "solution", "x", "y"]), JSON))
def test_any_row_is_a_question_or_set_aside(values: dict[str, Any]) -> None:
    found = question_of(source_from(TABLE), SourceRow("f#1", values), "r1")
    if isinstance(found, Question):
        assert found.question.strip()
        assert isinstance(json.loads(found.metadata), dict)
        assert found.metadata.encode()
    else:
        assert found.reason
        assert found.evidence.encode()


@pytest.mark.parametrize(
    ("test", "wanted", "kept", "dropped"),
    [
        ("equals", 5, [5, 5.0, "5"], [4, "05", None, True]),
        ("equals", "5", ["5", 5], ["5 ", None]),
        ("not_equals", 5, [4, None, "x"], [5, "5"]),
        ("in", ("a", "b"), ["a"], ["c", None]),
        ("not_in", ("a", "b"), ["c", None], ["a"]),
        ("at_least", 3, [3, 4.5, "3", "10"], [2, "2", "x", None, float("nan")]),
        ("at_most", 2022, [2022, "1983"], [2023, "", None]),
        ("at_least", "2020-01-01", ["2020-01-01", "2021"], ["2019-12-31", None]),
        ("matches", "^ab", ["abc"], ["cab", None]),
        ("present", None, ["x", 0, False], [None, "", [], float("nan")]),
        ("absent", None, [None, "", []], ["x", 0]),
        ("equals", True, [True, "true"], [False, 1]),
    ],
)
def test_a_condition_keeps_and_drops(test: Any, wanted: object, kept: list[object], dropped: list[object]) -> None:
    for value in kept:
        assert holds(Condition("c", test, wanted), {"c": value}), value
    for value in dropped:
        assert not holds(Condition("c", test, wanted), {"c": value}), value


def test_a_missing_column_is_absent() -> None:
    assert holds(Condition("c", "absent"), {})
    assert not holds(Condition("c", "equals", "x"), {})
