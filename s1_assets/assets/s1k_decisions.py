"""Why each question is in s1K, or out of it: what every stage of the recipe said about every question of every enabled
source.

The recipe is `domain.selection.s1k` (s1 paper, section 2.2: https://arxiv.org/abs/2501.19393). Counts add up at every
stage: came = kept + dropped by reason.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from s1_assets.domain.difficulty import describe_label
from s1_assets.domain.funnel import StageCount, count_stages
from s1_assets.domain.question_quality import find_flaw
from s1_assets.domain.selection.s1k import Considered, ConsideredTrace, S1KPlan, decide_s1k
from s1_assets.ports import LazyTable
from s1_assets.records.attempts import DifficultyLabel
from s1_assets.records.tables import TABLES, read_rows, write_rows
from s1_assets.resources.artifact import Artifact, Recipe
from s1_assets.resources.house import House
from s1_assets.resources.options import LARGEST_SEED, MOST_ROWS, Options
from s1_assets.resources.partitions import OWNERS
from s1_assets.resources.plots import bars

_FROM_EXISTING_SOURCES = dg.AssetIn(metadata={"allow_missing_partitions": True})
_QUESTION_COLUMNS = ["question_id", "source", "subject", "question"]
_TRACE_COLUMNS = [
    "question_id",
    "trace_id",
    "status",
    "thinking",
    "answer",
    "thinking_tokens",
    "mark",
    "grader_reason",
    "detail",
]


class S1KOptions(Options):
    size: int = Field(default=1_000, gt=0, le=MOST_ROWS)
    """Rows wanted; fewer are taken where fewer survive, and the run says so."""
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)
    """Of the draw over subjects; the same seed gives the same rows on any machine."""
    keep_unknown: bool = False
    """Let questions of unknown difficulty pass, as hard ones do."""


RECIPE = Recipe(S1KOptions)


@dg.asset(
    ins=dict.fromkeys(("raw_questions", "difficulty_labels", "scored_traces"), _FROM_EXISTING_SOURCES),
    group_name="selection",
    code_version="1",
    kinds={"parquet"},
    owners=OWNERS,
)
def s1k_decisions(
    config: S1KOptions,
    house: House,
    raw_questions: LazyTable,
    difficulty_labels: LazyTable,
    scored_traces: LazyTable,
) -> Artifact:
    """One row per question and stage it met: kept or dropped, with reason and evidence."""
    questions = _considered(raw_questions, _labels(difficulty_labels), _traces(scored_traces))
    decisions = decide_s1k(questions, S1KPlan(config.size, config.seed, config.keep_unknown))
    funnel = count_stages(decisions)
    return Artifact(
        write_rows(TABLES["s1k_decisions"], decisions),
        RECIPE.effective(house, None, config),
        facts=lambda: {
            "came": raw_questions.count_rows(),
            "funnel": {stage.stage: _as_fact(stage) for stage in funnel},
            "size_wanted": config.size,
        },
        plot=lambda: bars("s1K: questions kept by each stage", {stage.stage: stage.kept for stage in funnel}),
    )


def _considered(
    raw_questions: LazyTable, labels: dict[str, DifficultyLabel], traces: dict[str, list[ConsideredTrace]]
) -> Iterator[Considered]:
    """Questions with what is known of them; texts are looked at and let go."""
    for batch in raw_questions.to_batches(columns=_QUESTION_COLUMNS):
        for question_id, source, subject, text in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            label = labels.get(question_id)
            yield Considered(
                question_id,
                source,
                subject,
                find_flaw(text),
                label.difficulty if label else None,
                describe_label(label) if label else "",
                tuple(traces.get(question_id, ())),
            )


def _labels(difficulty_labels: LazyTable) -> dict[str, DifficultyLabel]:
    return {label.question_id: label for label in read_rows(DifficultyLabel, difficulty_labels.to_batches())}


def _traces(scored_traces: LazyTable) -> dict[str, list[ConsideredTrace]]:
    """By question, what the recipe needs to know of its traces, in the order of their ids."""
    found: dict[str, list[ConsideredTrace]] = {}
    for batch in scored_traces.to_batches(columns=_TRACE_COLUMNS):
        for row in batch.to_pylist():
            found.setdefault(row["question_id"], []).append(_considered_trace(row))
    return found


def _considered_trace(row: dict[str, Any]) -> ConsideredTrace:
    return ConsideredTrace(
        row["trace_id"],
        row["status"],
        bool(row["thinking"].strip()),
        bool(row["answer"].strip()),
        row["mark"],
        row["grader_reason"],
        row["detail"],
        row["thinking_tokens"],
    )


def _as_fact(stage: StageCount) -> dict[str, Any]:
    return {"came": stage.came, "kept": stage.kept, "dropped": dict(sorted(stage.dropped.items()))}
