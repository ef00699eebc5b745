"""Every trace with its verdict, graded on the text that would be exported.

46 % of the published s1K teaches an answer that was judged wrong; here nothing is selected without the mark `correct`.
A grader that cannot decide says `unscored` and why: a broken grader must not look like a weak teacher.
"""

from collections import Counter
from collections.abc import Iterator

import dagster as dg

from s1_assets.domain.alongside import Alongside
from s1_assets.ports import Address, LazyTable
from s1_assets.records.attempts import ScoredTrace, Trace
from s1_assets.records.models import Reply
from s1_assets.records.questions import Question, SetAside
from s1_assets.records.tables import TABLES, read_rows, write_rows
from s1_assets.resources.artifact import Artifact, Recipe
from s1_assets.resources.house import House
from s1_assets.resources.options import Options
from s1_assets.resources.partitions import OWNERS, SOURCES
from s1_assets.resources.plots import bars
from s1_assets.resources.verdicts import Regrading


class GradingOptions(Options):
    """None yet: a source's catalogue entry names its grader."""


RECIPE = Recipe(GradingOptions, lambda house, partition, options: {"grader": house.grader_of(partition or "")})


@dg.asset(partitions_def=SOURCES, group_name="grading", code_version="1", kinds={"parquet"}, owners=OWNERS)
def scored_traces(
    context: dg.AssetExecutionContext,
    config: GradingOptions,
    house: House,
    raw_questions: LazyTable,
    raw_traces: LazyTable,
) -> Artifact:
    """One row per trace: its texts and the verdict on its answer."""
    regrading = Regrading(house, Address("scored_traces", context.partition_key), ScoredTrace)
    marks: Counter[str] = Counter()
    set_aside: list[SetAside] = []

    def scored() -> Iterator[ScoredTrace]:
        questions = Alongside(read_rows(Question, raw_questions.to_batches()), key=lambda row: row.question_id)
        question: Question | None = None
        for trace in read_rows(Trace, raw_traces.to_batches()):
            if question is None or question.question_id != trace.question_id:
                question = questions.first_at(trace.question_id)
            if question is None:
                set_aside.append(
                    SetAside(trace.trace_id, "scored_traces", "question_gone", f"question {trace.question_id}")
                )
                continue
            row = _scored(question, trace, regrading)
            marks[row.mark] += 1
            yield row

    return Artifact(
        write_rows(TABLES["scored_traces"], scored()),
        RECIPE.effective(house, context.partition_key, config),
        set_aside,
        facts=lambda: {"came": raw_traces.count_rows(), **regrading.counts(), **dict(sorted(marks.items()))},
        plot=lambda: bars(f"{context.partition_key}: verdicts", marks),
    )


def _scored(question: Question, trace: Trace, regrading: Regrading[ScoredTrace]) -> ScoredTrace:
    verdict, fingerprint = regrading.verdict(question, Reply(trace.status, answer=trace.answer))
    return ScoredTrace(
        question_id=trace.question_id,
        trace_id=trace.trace_id,
        source=trace.source,
        subject=question.subject,
        question=trace.question,
        reference_answer=question.reference_answer,
        model=trace.model,
        status=trace.status,
        thinking=trace.thinking,
        thinking_kind=trace.thinking_kind,
        answer=trace.answer,
        thinking_tokens=trace.thinking_tokens,
        token_counter=trace.token_counter,
        mark=verdict.mark,
        score=verdict.score,
        grader=verdict.grader,
        grader_version=verdict.version,
        grader_reason=verdict.reason,
        extracted=verdict.extracted,
        detail=verdict.detail,
        fingerprint=fingerprint,
    )
