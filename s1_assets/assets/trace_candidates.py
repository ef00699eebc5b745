"""The questions that the teacher is asked: filters that cost nothing come first, so that no trace is paid for a row
known to be dropped.

s1 asked its teacher about all 59,029 questions and dropped half of them afterwards by filters that never looked at the
trace. `trace_all` restores that order. The recipe of a data set applies the same filters again, so both orders select
the same rows.
"""

from collections import Counter
from collections.abc import Iterator

import dagster as dg

from s1_assets.domain.alongside import Alongside
from s1_assets.domain.difficulty import describe_label
from s1_assets.domain.question_quality import find_flaw
from s1_assets.domain.selection.s1k import judge_question
from s1_assets.ports import LazyTable
from s1_assets.records.attempts import Candidate, DifficultyLabel
from s1_assets.records.questions import Question, SetAside
from s1_assets.records.tables import TABLES, read_rows, write_rows
from s1_assets.resources.artifact import Artifact, Recipe
from s1_assets.resources.house import House
from s1_assets.resources.options import Options
from s1_assets.resources.partitions import OWNERS, SOURCES
from s1_assets.resources.plots import bars


class CandidateOptions(Options):
    trace_all: bool = False
    """Ask the teacher about every question, as s1 did; filters then drop rows after they were paid for."""
    keep_unknown: bool = False
    """Let questions of unknown difficulty pass."""


RECIPE = Recipe(CandidateOptions)


@dg.asset(partitions_def=SOURCES, group_name="traces", code_version="1", kinds={"parquet"}, owners=OWNERS)
def trace_candidates(
    context: dg.AssetExecutionContext,
    config: CandidateOptions,
    house: House,
    raw_questions: LazyTable,
    difficulty_labels: LazyTable,
) -> Artifact:
    """One row per question that is worth a trace; the others are set aside with the stage and reason that dropped
    them.
    """
    set_aside: list[SetAside] = []
    questions = read_rows(Question, raw_questions.to_batches())
    labels = Alongside(read_rows(DifficultyLabel, difficulty_labels.to_batches()), key=lambda row: row.question_id)

    def candidates() -> Iterator[Candidate]:
        for question in questions:
            label = labels.first_at(question.question_id)
            dropped = None if config.trace_all else _dropped(question, label, config.keep_unknown)
            if dropped is not None:
                set_aside.append(dropped)
                continue
            difficulty = label.difficulty if label else "unknown"
            yield Candidate(question.question_id, question.source, question.question, question.subject, difficulty)

    return Artifact(
        write_rows(TABLES["trace_candidates"], candidates()),
        RECIPE.effective(house, context.partition_key, config),
        set_aside=set_aside,
        facts=lambda: {"came": raw_questions.count_rows()},
        plot=lambda: bars(f"{context.partition_key}: set aside", Counter(row.reason for row in set_aside)),
    )


def _dropped(question: Question, label: DifficultyLabel | None, keep_unknown: bool) -> SetAside | None:
    """The first free filter that drops the question, or None."""
    difficulty = label.difficulty if label else None
    evidence = describe_label(label) if label else ""
    for stage, kept, reason, why in judge_question(find_flaw(question.question), difficulty, evidence, keep_unknown):
        if not kept:
            return SetAside(question.question_id, stage, reason, why)
    return None
