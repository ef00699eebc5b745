"""Rows in the columns of the published s1K."""

from s1_assets.records.attempts import ScoredTrace
from s1_assets.records.decisions import S1KRow
from s1_assets.records.questions import Question

_SCIENCE = ("physics", "chemistry", "biology", "science", "medicine")


def s1k_row(question: Question, trace: ScoredTrace) -> S1KRow:
    """The training row of a question and its verified trace."""
    return S1KRow(
        solution=question.solution if question.solution is not None else question.reference_answer,
        question=question.question,
        cot_type=_cot_type(question),
        source_type=f"{question.source}/{question.subject}",
        metadata=question.metadata,
        cot=None,
        thinking_trajectories=[trace.thinking],
        attempt=trace.answer,
        question_id=question.question_id,
        trace_id=trace.trace_id,
        source=question.source,
        subject=question.subject,
        language=question.language,
        licence=question.licence,
        model=trace.model,
        thinking_kind=trace.thinking_kind,
        thinking_tokens=trace.thinking_tokens,
        reference_answer=question.reference_answer,
        grader=trace.grader,
        grader_version=trace.grader_version,
    )


def _cot_type(question: Question) -> str:
    """The published set's word for the kind of reasoning."""
    if question.grader == "code":
        return "coding"
    return "science" if question.subject.casefold() in _SCIENCE else "math"
