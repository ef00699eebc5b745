"""Weak models' attempts at every question, each with its verdict: what difficulty is measured by.

The s1 paper (section 2.2: https://arxiv.org/abs/2501.19393) asks two small models once each. One row is one attempt of
one student; a reply that was truncated or refused is a row too, and says so.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
from pydantic import Field

from s1_assets.domain.calls import call_key
from s1_assets.domain.identity import attempt_id
from s1_assets.ports import Address, LazyTable
from s1_assets.records.attempts import Attempt
from s1_assets.records.models import ModelRequest, Reply
from s1_assets.records.questions import Question
from s1_assets.records.tables import TABLES, read_rows, write_rows
from s1_assets.resources.artifact import Artifact, Recipe
from s1_assets.resources.asking import Asking, ask_how
from s1_assets.resources.house import House
from s1_assets.resources.options import PromptOptions
from s1_assets.resources.partitions import OWNERS, SOURCES
from s1_assets.resources.plots import bars
from s1_assets.resources.verdicts import Regrading


class StudentOptions(PromptOptions):
    """How the students of `S1_STUDENTS` are asked."""

    samples: int = Field(default=1, ge=1, le=64)
    """Attempts per student and question."""


RECIPE = Recipe(
    StudentOptions,
    lambda house, partition, options: {
        "students": [student.facts() for student in _students(house, options)],
        "grader": house.grader_of(partition or ""),
    },
)


def _students(house: House, options: StudentOptions) -> list[Asking]:
    return [ask_how(house.models, model, "student", options) for model in house.settings.students]


@dg.asset(
    partitions_def=SOURCES,
    group_name="difficulty",
    code_version="1",
    kinds={"parquet", "llm"},
    owners=OWNERS,
)
def student_attempts(
    context: dg.AssetExecutionContext, config: StudentOptions, house: House, raw_questions: LazyTable
) -> Artifact:
    """One attempt per student, question and sample, with its verdict."""
    students = _students(house, config)
    came = raw_questions.count_rows() * len(students) * config.samples
    model = house.model(context, "student", students)
    replies = model.answer_each(
        lambda: _sittings(read_rows(Question, raw_questions.to_batches()), students, config.samples), came
    )
    regrading = Regrading(house, Address("student_attempts", context.partition_key), Attempt)
    endings: Counter[str] = Counter()
    return Artifact(
        write_rows(TABLES["student_attempts"], _graded(replies, regrading, endings)),
        RECIPE.effective(house, context.partition_key, config),
        facts=lambda: {
            "came": came,
            "students": ", ".join(str(student.model) for student in students),
            **model.counts(),
            **regrading.counts(),
            "endings": dict(sorted(endings.items())),
        },
        plot=lambda: bars(f"{context.partition_key}: how attempts ended", endings),
    )


@dataclass(frozen=True, slots=True)
class _Sitting:
    """One attempt to be made."""

    question: Question
    attempt_id: str
    request: ModelRequest


def _sittings(
    questions: Iterable[Question], students: Sequence[Asking], samples: int
) -> Iterator[tuple[_Sitting, ModelRequest]]:
    """All calls, in the order in which the attempts are stored."""
    for question in questions:
        sittings = [
            _Sitting(
                question,
                attempt_id(question.question_id, str(student.model), index),
                student.request(question.question, index),
            )
            for student in students
            for index in range(samples)
        ]
        for sitting in sorted(sittings, key=lambda sitting: sitting.attempt_id):
            yield sitting, sitting.request


def _graded(
    replies: Iterable[tuple[_Sitting, Reply]], regrading: Regrading[Attempt], endings: Counter[str]
) -> Iterator[Attempt]:
    for sitting, reply in replies:
        verdict, fingerprint = regrading.verdict(sitting.question, reply)
        ending = verdict.mark if reply.status == "ok" else reply.status
        endings[f"{sitting.request.model}: {ending}"] += 1
        yield Attempt(
            question_id=sitting.question.question_id,
            attempt_id=sitting.attempt_id,
            student=str(sitting.request.model),
            sample_index=sitting.request.sample_index,
            status=reply.status,
            status_reason=reply.reason,
            answer=reply.answer,
            output_tokens=reply.thinking_tokens + reply.answer_tokens,
            token_counter=reply.token_counter,
            mark=verdict.mark,
            grader=verdict.grader,
            grader_version=verdict.version,
            grader_reason=verdict.reason,
            extracted=verdict.extracted,
            detail=verdict.detail,
            call_key=call_key(sitting.request),
            fingerprint=fingerprint,
        )
