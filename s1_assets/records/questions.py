"""A question with everything known about it before anyone tries to answer it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """One row of `raw_questions`."""

    question_id: str
    """128-bit content id of (source, question text), 32 hex digits: `domain.identity.question_id`."""
    source: str
    """Key of the catalogue entry that the question came from."""
    locator: str
    """Where in the source: `FILE#LINE`, or `#ROW` of a generated or hosted data set. Lines and rows count from 1."""
    question: str
    reference_answer: str | None
    """The answer that the source declares right; None where it has none (such rows can never be marked correct)."""
    solution: str | None
    """The source's own worked solution."""
    subject: str
    language: str
    """ISO 639-1 code."""
    licence: str
    """SPDX identifier where one exists, else the source's own words."""
    grader: str
    """Name of the grader that compares an answer with `reference_answer`."""
    grader_spec: str
    """JSON object: the grader's own settings for this row."""
    metadata: str
    """JSON object: every further field of the source row."""
    revision: str
    """The state of the source that this row was read from: a pinned revision, a generator's version, a digest."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that cannot go on, with the reason."""

    id: str
    """`question_id`, `trace_id`, or `SOURCE:FILE#LINE` where there is no readable question."""
    stage: str
    reason: str
    """A word or two that can be counted: `malformed_json`, `empty_question`, `difficulty_unknown`."""
    evidence: str
    """What was seen, for a person: at most 300 characters."""
