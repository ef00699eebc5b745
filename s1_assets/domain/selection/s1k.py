"""The s1K recipe: a thousand hard, sound and varied questions, each with one verified trace.

Three filters of the s1 paper, section 2.2 (https://arxiv.org/abs/2501.19393): quality, difficulty, diversity. Stricter
in one point: only traces marked correct are taken, where 46 % of the published set teaches an answer judged wrong.
Every question gets a decision from every stage it meets, so that in = out + dropped by reason at each of them.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from s1_assets.domain.question_quality import Flaw
from s1_assets.domain.selection.draw import draw_across_subjects
from s1_assets.records.attempts import Difficulty
from s1_assets.records.decisions import Decision
from s1_assets.records.models import Status
from s1_assets.records.verdicts import Mark

STAGES = ("quality", "difficulty", "trace", "verdict", "diversity")
"""In this order; a decision's `stage_number` is the position here, from 1."""


@dataclass(frozen=True, slots=True)
class Considered:
    """What the recipe needs to know of one question; its texts stay in their tables."""

    question_id: str
    source: str
    subject: str
    flaw: Flaw | None
    difficulty: Difficulty | None
    """None: no label was made for this question yet."""
    difficulty_evidence: str
    traces: tuple["ConsideredTrace", ...] = ()


@dataclass(frozen=True, slots=True)
class ConsideredTrace:
    trace_id: str
    status: Status
    has_thinking: bool
    has_answer: bool
    mark: Mark
    verdict_reason: str
    verdict_evidence: str
    tokens: int


@dataclass(frozen=True, slots=True)
class S1KPlan:
    size: int = 1_000
    seed: int = 0
    keep_unknown: bool = False
    """Let questions of unknown difficulty pass, as hard ones do."""


def decide_s1k(questions: Iterable[Considered], plan: S1KPlan) -> list[Decision]:
    """Every stage's decision on every question it met, in the order of (question_id, stage_number)."""
    decisions: list[Decision] = []
    sound: list[tuple[Considered, ConsideredTrace]] = []
    for question in questions:
        trace = None
        for number, (stage, verdict) in enumerate(_judge(question, plan), start=1):
            decisions.append(_decision(question, number, stage, verdict))
            trace = verdict.trace
            if not verdict.kept:
                break
        else:
            assert trace is not None  # the last stage before the draw always names its trace
            sound.append((question, trace))
    decisions.extend(_draw(sound, plan))
    decisions.sort(key=lambda decision: (decision.question_id, decision.stage_number))
    return decisions


@dataclass(frozen=True, slots=True)
class _Verdict:
    kept: bool
    reason: str
    evidence: str
    trace: ConsideredTrace | None = None


def judge_question(
    flaw: Flaw | None, difficulty: Difficulty | None, difficulty_evidence: str, keep_unknown: bool
) -> Iterator[tuple[str, bool, str, str]]:
    """The stages that cost nothing, as (stage, kept, reason, evidence): what is known before a teacher is asked."""
    yield "quality", flaw is None, flaw.reason if flaw else "whole", flaw.evidence if flaw else ""
    if difficulty is None:
        yield "difficulty", keep_unknown, "not_labelled", "no difficulty label was made for this question"
    elif difficulty == "unknown":
        yield "difficulty", keep_unknown, "difficulty_unknown", difficulty_evidence
    else:
        reason = "hard" if difficulty == "hard" else "solved_by_a_student"
        yield "difficulty", difficulty == "hard", reason, difficulty_evidence


def _judge(question: Considered, plan: S1KPlan) -> Iterator[tuple[str, _Verdict]]:
    free = judge_question(question.flaw, question.difficulty, question.difficulty_evidence, plan.keep_unknown)
    for stage, kept, reason, evidence in free:
        yield stage, _Verdict(kept, reason, evidence)
    usable = [trace for trace in question.traces if _trace_flaw(trace) is None]
    yield "trace", _judge_traces(question.traces, usable)
    yield "verdict", _judge_verdicts(usable)


def _trace_flaw(trace: ConsideredTrace) -> str | None:
    if trace.status != "ok":
        return trace.status
    if not trace.has_thinking:
        return "empty_thinking"
    return None if trace.has_answer else "empty_answer"


def _judge_traces(traces: Sequence[ConsideredTrace], usable: Sequence[ConsideredTrace]) -> _Verdict:
    if usable:
        return _Verdict(True, "usable", f"{len(usable)} of {len(traces)} traces usable", usable[0])
    if not traces:
        return _Verdict(False, "no_trace", "the teacher was not asked, or its answer is not stored yet")
    return _Verdict(False, _trace_flaw(traces[0]) or "", f"none of {len(traces)} traces usable", traces[0])


def _judge_verdicts(usable: Sequence[ConsideredTrace]) -> _Verdict:
    """The first trace marked correct, in the order of the samples."""
    for trace in usable:
        if trace.mark == "correct":
            return _Verdict(True, "correct", trace.verdict_reason, trace)
    first = usable[0]
    evidence = f"{first.verdict_reason}: {first.verdict_evidence}" if first.verdict_evidence else first.verdict_reason
    return _Verdict(False, first.mark, evidence, first)


def _draw(sound: Sequence[tuple[Considered, ConsideredTrace]], plan: S1KPlan) -> Iterator[Decision]:
    by_subject: Mapping[str, list[tuple[Considered, ConsideredTrace]]] = defaultdict(list)
    for pair in sorted(sound, key=lambda pair: pair[0].question_id):
        by_subject[pair[0].subject].append(pair)
    lengths = {subject: [trace.tokens for _, trace in pairs] for subject, pairs in by_subject.items()}
    drawn = draw_across_subjects(lengths, plan.size, Random(plan.seed))
    places = {pair: place for place, pair in enumerate(drawn, start=1)}
    for subject, pairs in by_subject.items():
        longest_first = sorted(-length for length in lengths[subject])
        for index, (question, trace) in enumerate(pairs):
            place = places.get((subject, index))
            longer = bisect_left(longest_first, -trace.tokens)
            rank = f"{longer} of {len(pairs)} in {subject} have a longer trace"
            verdict = (
                _Verdict(True, "drawn", f"number {place} of {len(drawn)}; {rank}", trace)
                if place
                else _Verdict(False, "not_drawn", f"{plan.size} rows were drawn without it; {rank}", trace)
            )
            yield _decision(question, len(STAGES), "diversity", verdict)


def _decision(question: Considered, number: int, stage: str, verdict: _Verdict) -> Decision:
    trace_id = verdict.trace.trace_id if verdict.trace else None
    return Decision(
        question.question_id,
        number,
        stage,
        trace_id,
        question.source,
        question.subject,
        verdict.kept,
        verdict.reason,
        verdict.evidence,
    )
