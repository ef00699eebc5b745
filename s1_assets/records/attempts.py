"""A student's attempt at a question, and what all attempts together say about its difficulty."""

from dataclasses import dataclass
from typing import Literal

from s1_assets.records.models import Status, ThinkingKind
from s1_assets.records.verdicts import Mark

Difficulty = Literal["hard", "solved", "unknown"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One row of `student_attempts`."""

    question_id: str
    attempt_id: str
    student: str
    sample_index: int
    status: Status
    status_reason: str
    answer: str
    output_tokens: int
    token_counter: str
    mark: Mark
    grader: str
    grader_version: str
    grader_reason: str
    extracted: str
    detail: str
    call_key: str
    """Key of the call in the ledger."""
    fingerprint: str
    """Of all that the mark depends on; a row whose fingerprint stands is taken over instead of graded again."""


@dataclass(frozen=True, slots=True)
class DifficultyLabel:
    """One row of `difficulty_labels`."""

    question_id: str
    difficulty: Difficulty
    reason: str
    scored_attempts: int
    """Attempts marked `correct` or `incorrect`; only these count."""
    correct_attempts: int
    pass_rate: float | None
    """`correct_attempts / scored_attempts`; None where nothing was scored."""
    students: str
    """JSON object: by student, how its attempts ended."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row of `trace_candidates`: a question that the teacher is asked."""

    question_id: str
    source: str
    question: str
    subject: str
    difficulty: Difficulty


@dataclass(frozen=True, slots=True)
class Trace:
    """One row of `raw_traces`: a teacher's thinking and answer, or why there is none."""

    question_id: str
    trace_id: str
    source: str
    question: str
    model: str
    served_model: str
    """The model that really answered, in the provider's words."""
    prompt_version: str
    """`bare-v1`, or `custom-` and a digest of the texts around the question."""
    sample_index: int
    status: Status
    status_reason: str
    thinking: str
    thinking_kind: ThinkingKind
    answer: str
    finish_reason: str
    thinking_tokens: int
    answer_tokens: int
    token_counter: str
    """Who counted: `usage` of the provider, or the name of a counter of ours."""
    call_key: str
    """Key of the call in the ledger."""


@dataclass(frozen=True, slots=True)
class ScoredTrace:
    """One row of `scored_traces`: a trace with its verdict, graded on the text that would be exported."""

    question_id: str
    trace_id: str
    source: str
    subject: str
    question: str
    reference_answer: str | None
    model: str
    status: Status
    thinking: str
    thinking_kind: ThinkingKind
    answer: str
    thinking_tokens: int
    token_counter: str
    mark: Mark
    score: float | None
    grader: str
    grader_version: str
    grader_reason: str
    extracted: str
    detail: str
    fingerprint: str
