"""Why a question is in a data set, or out of it; and the rows that are in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of `s1k_decisions`: what one stage said about one question. A question has a row for each stage it
    met.
    """

    question_id: str
    stage_number: int
    """Position of the stage in the recipe, from 1: rows of one question read in this order."""
    stage: str
    trace_id: str | None
    source: str
    subject: str
    kept: bool
    reason: str
    evidence: str


@dataclass(frozen=True, slots=True)
class S1KRow:
    """One row of `s1k_dataset`: the eight columns of the published s1K, then ours."""

    solution: str | None
    question: str
    cot_type: str
    """`math`, `science` or `coding`."""
    source_type: str
    metadata: str
    """JSON object of the source row (the published set holds the text of a Python dict)."""
    cot: None
    """Always null, as published."""
    thinking_trajectories: list[str]
    attempt: str
    """The teacher's answer: the text that was graded."""
    question_id: str
    trace_id: str
    source: str
    subject: str
    language: str
    licence: str
    model: str
    thinking_kind: str
    thinking_tokens: int
    reference_answer: str | None
    grader: str
    grader_version: str
