"""Records with everything that a test does not care about filled in."""

from dataclasses import replace
from typing import Any

from s1_assets.records.attempts import Attempt, ScoredTrace
from s1_assets.records.models import Message, ModelName, ModelRequest
from s1_assets.records.questions import Question

_QUESTION = Question(
    question_id="0" * 32,
    source="mine",
    locator="rows.jsonl#1",
    question="What is 2 + 3?",
    reference_answer="5",
    solution=None,
    subject="arithmetic",
    language="en",
    licence="MIT",
    grader="exact",
    grader_spec="{}",
    metadata="{}",
    revision="r1",
)
_ATTEMPT = Attempt(
    question_id="0" * 32,
    attempt_id="a" * 32,
    student="solver:brief",
    sample_index=0,
    status="ok",
    status_reason="",
    answer="5",
    output_tokens=10,
    token_counter="approximate-v1",
    mark="correct",
    grader="exact",
    grader_version="1",
    grader_reason="same_text",
    extracted="5",
    detail="",
    call_key="c" * 40,
    fingerprint="f" * 32,
)
_SCORED = ScoredTrace(
    question_id="0" * 32,
    trace_id="1" * 32,
    source="mine",
    subject="arithmetic",
    question="What is 2 + 3?",
    reference_answer="5",
    model="solver:teacher-v1",
    status="ok",
    thinking="2 and 3 are 5",
    thinking_kind="raw",
    answer="5",
    thinking_tokens=7,
    token_counter="approximate-v1",
    mark="correct",
    score=1.0,
    grader="exact",
    grader_version="1",
    grader_reason="same_text",
    extracted="5",
    detail="",
    fingerprint="f" * 32,
)


def question(**changes: Any) -> Question:
    return replace(_QUESTION, **changes)


def attempt(**changes: Any) -> Attempt:
    return replace(_ATTEMPT, **changes)


def scored_trace(**changes: Any) -> ScoredTrace:
    return replace(_SCORED, **changes)


def request(text: str = "2+3?", model: str = "teacher-v1", **changes: Any) -> ModelRequest:
    return ModelRequest(ModelName("solver", model), (Message("user", text),), **changes)
