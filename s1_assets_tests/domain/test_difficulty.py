import json
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from s1_assets.domain.difficulty import describe_label, label_difficulty
from s1_assets.records.attempts import Attempt
from s1_assets.records.models import Status
from s1_assets.records.verdicts import Mark
from s1_assets_tests.records import attempt

ATTEMPTS = st.lists(
    st.builds(
        attempt,
        student=st.sampled_from(["brief", "hasty"]),
        mark=st.sampled_from(get_args(Mark)),
        status=st.sampled_from(get_args(Status)),
    ),
    max_size=8,
)


def made(*marks: str) -> list[Attempt]:
    return [attempt(student="brief", mark=mark) for mark in marks]


def test_hard_is_what_no_student_solves() -> None:
    label = label_difficulty("q", made("incorrect", "incorrect"), minimum=2)
    assert (label.difficulty, label.reason, label.pass_rate) == ("hard", "no_student_solved_it", 0.0)


def test_one_right_attempt_among_many_is_enough_to_call_it_solved() -> None:
    label = label_difficulty("q", made("incorrect", "unscored", "correct"), minimum=9)
    assert (label.difficulty, label.scored_attempts, label.correct_attempts) == ("solved", 2, 1)
    assert label.pass_rate == 0.5


def test_an_unanswered_question_is_not_a_hard_one() -> None:
    label = label_difficulty("q", made("unscored", "unscored"), minimum=1)
    assert (label.difficulty, label.reason, label.pass_rate) == ("unknown", "too_few_scored_attempts", None)
    assert label_difficulty("q", [], minimum=0).difficulty == "unknown"


def test_too_few_scored_attempts_leave_it_unknown() -> None:
    assert label_difficulty("q", made("incorrect", "unscored"), minimum=2).difficulty == "unknown"
    assert label_difficulty("q", made("incorrect", "incorrect"), minimum=2).difficulty == "hard"


@given(ATTEMPTS, st.integers(0, 9))
def test_the_label_follows_from_the_counts_alone(attempts: list[Attempt], minimum: int) -> None:
    label = label_difficulty("q", attempts, minimum)
    marks = [one.mark for one in attempts]
    assert label.correct_attempts == marks.count("correct")
    assert label.scored_attempts == marks.count("correct") + marks.count("incorrect")
    assert (label.difficulty == "solved") == ("correct" in marks)
    if label.difficulty == "hard":
        assert marks.count("incorrect") >= max(minimum, 1)
    assert label == label_difficulty("q", attempts[::-1], minimum)


@given(ATTEMPTS)
def test_every_attempt_is_told_once_under_its_student(attempts: list[Attempt]) -> None:
    told = json.loads(label_difficulty("q", attempts, 1).students)
    assert sum(sum(endings.values()) for endings in told.values()) == len(attempts)
    assert list(told) == sorted({one.student for one in attempts})


def test_a_reply_that_is_not_ok_is_told_by_its_status() -> None:
    label = label_difficulty("q", [attempt(student="b", status="truncated", mark="unscored"), *made("incorrect")], 1)
    assert json.loads(label.students) == {"b": {"truncated": 1}, "brief": {"incorrect": 1}}
    assert describe_label(label) == "0 of 1 scored attempts correct (b: 1 truncated; brief: 1 incorrect)"


def test_an_unknown_difficulty_says_which_setting_helps() -> None:
    assert "S1_STUDENTS" in describe_label(label_difficulty("q", [], 1))
    assert "S1_STUDENTS" not in describe_label(label_difficulty("q", made("incorrect"), 1))
