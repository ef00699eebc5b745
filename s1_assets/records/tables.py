"""One Arrow schema per asset: the contract between assets.

Every table is stored in the order of its `order` columns, which together are unique. No column depends on how a row was
obtained (attempts, timings, run, key, cost, wall clock): those live in the ledger and in metadata. Metadata of a source
is JSON text, so that one schema fits every source.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import pyarrow as pa

from s1_assets.errors import ContractError
from s1_assets.records.attempts import Attempt, Candidate, DifficultyLabel, ScoredTrace, Trace
from s1_assets.records.decisions import Decision, S1KRow
from s1_assets.records.questions import Question, SetAside

Row = TypeVar("Row")

ROWS_PER_BATCH = 1_000
"""Rows that travel together between assets: enough to be fast, few enough that 20 kB rows stay at 20 MB."""


@dataclass(frozen=True)
class Table:
    """The contract of one asset's table."""

    name: str
    row: type
    schema: pa.Schema
    order: tuple[str, ...]
    """Rows are stored in ascending order of these columns, no two rows equal in all of them."""


def _text(name: str, nullable: bool = False) -> pa.Field:
    return pa.field(name, pa.large_string(), nullable=nullable)


def _word(name: str, nullable: bool = False) -> pa.Field:
    return pa.field(name, pa.string(), nullable=nullable)


def _count(name: str) -> pa.Field:
    return pa.field(name, pa.int64(), nullable=False)


_QUESTIONS = pa.schema(
    [
        _word("question_id"),
        _word("source"),
        _word("locator"),
        _text("question"),
        _text("reference_answer", nullable=True),
        _text("solution", nullable=True),
        _word("subject"),
        _word("language"),
        _word("licence"),
        _word("grader"),
        _text("grader_spec"),
        _text("metadata"),
        _word("revision"),
    ]
)
_ATTEMPTS = pa.schema(
    [
        _word("question_id"),
        _word("attempt_id"),
        _word("student"),
        _count("sample_index"),
        _word("status"),
        _word("status_reason"),
        _text("answer"),
        _count("output_tokens"),
        _word("token_counter"),
        _word("mark"),
        _word("grader"),
        _word("grader_version"),
        _word("grader_reason"),
        _text("extracted"),
        _text("detail"),
        _word("call_key"),
        _word("fingerprint"),
    ]
)
_LABELS = pa.schema(
    [
        _word("question_id"),
        _word("difficulty"),
        _word("reason"),
        _count("scored_attempts"),
        _count("correct_attempts"),
        pa.field("pass_rate", pa.float64()),
        _word("students"),
    ]
)
_CANDIDATES = pa.schema(
    [_word("question_id"), _word("source"), _text("question"), _word("subject"), _word("difficulty")]
)
_TRACES = pa.schema(
    [
        _word("question_id"),
        _word("trace_id"),
        _word("source"),
        _text("question"),
        _word("model"),
        _word("served_model"),
        _word("prompt_version"),
        _count("sample_index"),
        _word("status"),
        _word("status_reason"),
        _text("thinking"),
        _word("thinking_kind"),
        _text("answer"),
        _word("finish_reason"),
        _count("thinking_tokens"),
        _count("answer_tokens"),
        _word("token_counter"),
        _word("call_key"),
    ]
)
_SCORED = pa.schema(
    [
        _word("question_id"),
        _word("trace_id"),
        _word("source"),
        _word("subject"),
        _text("question"),
        _text("reference_answer", nullable=True),
        _word("model"),
        _word("status"),
        _text("thinking"),
        _word("thinking_kind"),
        _text("answer"),
        _count("thinking_tokens"),
        _word("token_counter"),
        _word("mark"),
        pa.field("score", pa.float64()),
        _word("grader"),
        _word("grader_version"),
        _word("grader_reason"),
        _text("extracted"),
        _text("detail"),
        _word("fingerprint"),
    ]
)
_DECISIONS = pa.schema(
    [
        _word("question_id"),
        _count("stage_number"),
        _word("stage"),
        _word("trace_id", nullable=True),
        _word("source"),
        _word("subject"),
        pa.field("kept", pa.bool_(), nullable=False),
        _word("reason"),
        _text("evidence"),
    ]
)
_S1K = pa.schema(
    [
        _text("solution", nullable=True),
        _text("question"),
        _word("cot_type"),
        _word("source_type"),
        _text("metadata"),
        _word("cot", nullable=True),
        pa.field("thinking_trajectories", pa.list_(pa.large_string()), nullable=False),
        _text("attempt"),
        _word("question_id"),
        _word("trace_id"),
        _word("source"),
        _word("subject"),
        _word("language"),
        _word("licence"),
        _word("model"),
        _word("thinking_kind"),
        _count("thinking_tokens"),
        _text("reference_answer", nullable=True),
        _word("grader"),
        _word("grader_version"),
    ]
)

SET_ASIDE = Table(
    "set_aside",
    SetAside,
    pa.schema([_word("id"), _word("stage"), _word("reason"), _text("evidence")]),
    order=("id", "stage"),
)
"""Beside every table, under the same manifest: the rows that could not go on."""

TABLES = {
    table.name: table
    for table in (
        Table("raw_questions", Question, _QUESTIONS, order=("question_id",)),
        Table("student_attempts", Attempt, _ATTEMPTS, order=("question_id", "attempt_id")),
        Table("difficulty_labels", DifficultyLabel, _LABELS, order=("question_id",)),
        Table("trace_candidates", Candidate, _CANDIDATES, order=("question_id",)),
        Table("raw_traces", Trace, _TRACES, order=("question_id", "trace_id")),
        Table("scored_traces", ScoredTrace, _SCORED, order=("question_id", "trace_id")),
        Table("s1k_decisions", Decision, _DECISIONS, order=("question_id", "stage_number")),
        Table("s1k_dataset", S1KRow, _S1K, order=("question_id",)),
    )
}


def table_of(asset: str) -> Table:
    """The contract of an asset's table.

    Raises:
        ContractError: If the asset has none.
    """
    if asset not in TABLES:
        raise ContractError(f"asset {asset!r} has no table; tables exist for {', '.join(TABLES)}")
    return TABLES[asset]


def read_rows(kind: type[Row], batches: Iterable[pa.RecordBatch]) -> Iterator[Row]:
    """Records of `kind` from batches that hold at least its columns."""
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    for batch in batches:
        columns = [batch.column(name).to_pylist() for name in names]
        for values in zip(*columns, strict=True):
            yield kind(*values)


def write_rows(table: Table, rows: Iterable[Any], rows_per_batch: int = ROWS_PER_BATCH) -> Iterator[pa.RecordBatch]:
    """Batches of `table` from its records, a bounded number of rows at a time."""
    names = table.schema.names
    remaining = iter(rows)
    while chunk := list(islice(remaining, rows_per_batch)):
        columns = [
            pa.array([getattr(row, name) for row in chunk], type=field.type)
            for name, field in zip(names, table.schema, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=table.schema)
