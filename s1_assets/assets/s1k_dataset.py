"""s1K: hard, sound and varied questions, each with one verified trace; what a model is trained on.

The first eight columns are those of the published set (https://huggingface.co/datasets/simplescaling/s1K); ids,
licence, model and verdict stand beside them, so that every row can say why it is in.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeVar

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from s1_assets.domain.selection.s1k import STAGES
from s1_assets.domain.selection.s1k_rows import s1k_row
from s1_assets.errors import ContractError
from s1_assets.ports import LazyTable
from s1_assets.records.attempts import ScoredTrace
from s1_assets.records.decisions import Decision
from s1_assets.records.questions import Question
from s1_assets.records.tables import TABLES, read_rows, write_rows
from s1_assets.resources.artifact import Artifact, Recipe
from s1_assets.resources.house import House
from s1_assets.resources.options import Options
from s1_assets.resources.partitions import OWNERS
from s1_assets.resources.plots import bars

Row = TypeVar("Row")

_FROM_EXISTING_SOURCES = dg.AssetIn(metadata={"allow_missing_partitions": True})


class DatasetOptions(Options):
    """None: what is in the set is decided by `s1k_decisions`."""


RECIPE = Recipe(DatasetOptions)


@dg.asset(
    ins=dict.fromkeys(("raw_questions", "scored_traces"), _FROM_EXISTING_SOURCES),
    group_name="selection",
    code_version="1",
    kinds={"parquet"},
    owners=OWNERS,
)
def s1k_dataset(
    config: DatasetOptions, house: House, s1k_decisions: LazyTable, raw_questions: LazyTable, scored_traces: LazyTable
) -> Artifact:
    """One row per selected question, in the columns of the published s1K and ours."""
    drawn = _drawn(s1k_decisions)
    questions = {row.question_id: row for row in _rows_at(Question, raw_questions, "question_id", list(drawn))}
    traces = {row.question_id: row for row in _rows_at(ScoredTrace, scored_traces, "trace_id", list(drawn.values()))}
    _check_complete(drawn, questions, traces)
    sources = Counter(questions[question_id].source for question_id in drawn)
    models = Counter(trace.model for trace in traces.values())
    correct = sum(trace.mark == "correct" for trace in traces.values())
    return Artifact(
        write_rows(TABLES["s1k_dataset"], (s1k_row(questions[name], traces[name]) for name in sorted(drawn))),
        RECIPE.effective(house, None, config),
        facts=lambda: {
            "came": len(drawn),
            "sources": dict(sorted(sources.items())),
            "source_count": len(sources),
            "models": dict(sorted(models.items())),
            "verified_correct": correct,
        },
        plot=lambda: bars("s1K: rows by source", sources),
    )


def _check_complete(
    drawn: Mapping[str, str], questions: Mapping[str, Question], traces: Mapping[str, ScoredTrace]
) -> None:
    """Decisions that are older than the tables they speak of name rows that are gone."""
    gone = [name for name in drawn if name not in questions or name not in traces]
    if gone:
        raise ContractError(
            f"s1k_decisions selects {len(gone)} rows that no enabled source holds any more, {gone[0]} among them; "
            "materialise s1k_decisions first"
        )


def _drawn(decisions: LazyTable) -> dict[str, str]:
    """By selected question, its trace."""
    rows = read_rows(Decision, decisions.to_batches())
    return {
        row.question_id: row.trace_id
        for row in rows
        if row.stage == STAGES[-1] and row.kept and row.trace_id is not None
    }


def _rows_at(kind: type[Row], table: LazyTable, column: str, wanted: list[str]) -> Iterator[Row]:
    """The rows of `table` whose `column` is among `wanted`: only these are kept in memory."""
    chosen = pa.array(wanted, pa.string())
    for batch in table.to_batches():
        yield from read_rows(kind, [batch.filter(pc.is_in(batch.column(column), value_set=chosen))])
