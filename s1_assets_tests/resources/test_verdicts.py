"""Verdicts over two versions of a stored table: only what changed is graded again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from s1_assets.domain.grading.exact import Exact
from s1_assets.ports import Address, Grader, TableStore
from s1_assets.records.attempts import ScoredTrace
from s1_assets.records.models import Reply, Status
from s1_assets.records.questions import Question
from s1_assets.records.tables import TABLES, write_rows
from s1_assets.records.verdicts import Verdict
from s1_assets.resources.house import House
from s1_assets.resources.verdicts import Regrading
from s1_assets_tests.records import question, scored_trace

ADDRESS = Address("scored_traces", "mine")
QUESTIONS = [question(question_id=f"{number:032x}", reference_answer=str(number)) for number in range(5)]
REPLIES = [Reply("ok", answer=f"\\boxed{{{number if number != 3 else 0}}}") for number in range(5)]


@dataclass
class Counting:
    """The exact grader under any version, counting what it is asked."""

    version: str = "1"
    name: str = "exact"
    asked: list[str] = field(default_factory=list)

    def grade(self, answer: str, question: Question) -> Verdict:
        self.asked.append(question.question_id)
        verdict = Exact().grade(answer, question)
        return Verdict(verdict.mark, self.name, self.version, verdict.reason, verdict.extracted, verdict.detail)


@dataclass
class SmallHouse:
    """What a regrading asks of the house: tables and a grader."""

    tables: TableStore
    of_tests: Grader

    def grader(self, name: str) -> Grader:
        return self.of_tests


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TableStore:
    monkeypatch.chdir(tmp_path)
    return House().tables


def regraded(
    tables: TableStore, grader: Grader, questions: Sequence[Question] = QUESTIONS, replies: Sequence[Reply] = REPLIES
) -> tuple[Regrading[ScoredTrace], list[str]]:
    """Grade and store a version of the table; the marks."""
    regrading = Regrading(cast(House, SmallHouse(tables, grader)), ADDRESS, ScoredTrace)
    rows = []
    for one, reply in zip(questions, replies, strict=True):
        verdict, fingerprint = regrading.verdict(one, reply)
        rows.append(
            scored_trace(question_id=one.question_id, trace_id=one.question_id, mark=verdict.mark, score=verdict.score,
                         grader=verdict.grader, grader_version=verdict.version, grader_reason=verdict.reason,
                         extracted=verdict.extracted, detail=verdict.detail, fingerprint=fingerprint)
        )  # fmt: skip
    tables.write(ADDRESS, TABLES["scored_traces"], write_rows(TABLES["scored_traces"], rows))
    return regrading, [row.mark for row in rows]


def test_unchanged_rows_are_taken_over_with_the_same_verdicts(tables: TableStore) -> None:
    _, marks = regraded(tables, Counting())
    grader = Counting()
    regrading, again = regraded(tables, grader)
    assert marks == again == ["correct", "correct", "correct", "incorrect", "correct"]
    assert grader.asked == []
    assert regrading.counts() == {"verdicts_taken_over": 5, "graded": 0}


def test_a_taken_over_verdict_is_whole(tables: TableStore) -> None:
    first = Regrading(cast(House, SmallHouse(tables, Counting())), ADDRESS, ScoredTrace)
    made = [first.verdict(one, reply) for one, reply in zip(QUESTIONS, REPLIES, strict=True)]
    regraded(tables, Counting())
    second = Regrading(cast(House, SmallHouse(tables, Counting())), ADDRESS, ScoredTrace)
    assert [second.verdict(one, reply) for one, reply in zip(QUESTIONS, REPLIES, strict=True)] == made


def test_a_new_version_of_the_grader_grades_everything_again(tables: TableStore) -> None:
    regraded(tables, Counting("1"))
    grader = Counting("2")
    regrading, _ = regraded(tables, grader)
    assert len(grader.asked) == regrading.graded == 5


def test_a_changed_reference_grades_its_row_alone(tables: TableStore) -> None:
    regraded(tables, Counting())
    grader = Counting()
    changed = [question(question_id=one.question_id, reference_answer="0" if n == 3 else one.reference_answer)
               for n, one in enumerate(QUESTIONS)]  # fmt: skip
    _, marks = regraded(tables, grader, questions=changed)
    assert grader.asked == [QUESTIONS[3].question_id]
    assert marks == ["correct"] * 5


def test_a_changed_answer_or_setting_of_the_grader_grades_its_row_alone(tables: TableStore) -> None:
    regraded(tables, Counting())
    grader = Counting()
    replies = [Reply("ok", answer="9") if n == 1 else reply for n, reply in enumerate(REPLIES)]
    changed = [question(question_id=one.question_id, reference_answer=one.reference_answer,
                        grader_spec='{"a": 1}' if n == 4 else "{}") for n, one in enumerate(QUESTIONS)]  # fmt: skip
    _, marks = regraded(tables, grader, changed, replies)
    assert grader.asked == [QUESTIONS[1].question_id, QUESTIONS[4].question_id]
    assert marks[1] == "incorrect"


def test_rows_that_come_and_go_leave_the_others_alone(tables: TableStore) -> None:
    regraded(tables, Counting(), QUESTIONS[::2], REPLIES[::2])
    grader = Counting()
    regraded(tables, grader)
    assert grader.asked == [QUESTIONS[1].question_id, QUESTIONS[3].question_id]
    grader = Counting()
    regraded(tables, grader, QUESTIONS[1:2], REPLIES[1:2])
    assert grader.asked == []


def test_what_is_no_answer_is_unscored_with_its_status_and_never_graded(tables: TableStore) -> None:
    grader = Counting()
    regrading = Regrading(cast(House, SmallHouse(tables, grader)), ADDRESS, ScoredTrace)
    verdict, _ = regrading.verdict(QUESTIONS[0], Reply("truncated", answer="\\boxed{0}"))
    assert (verdict.mark, verdict.reason) == ("unscored", "truncated")
    assert grader.asked == []


def test_the_same_answer_with_another_status_has_another_fingerprint(tables: TableStore) -> None:
    regrading = Regrading(cast(House, SmallHouse(tables, Counting())), ADDRESS, ScoredTrace)
    statuses: tuple[Status, ...] = ("ok", "truncated", "failed")
    assert len({regrading.verdict(QUESTIONS[0], Reply(status, answer="0"))[1] for status in statuses}) == 3
