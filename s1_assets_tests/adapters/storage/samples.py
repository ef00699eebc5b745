"""Tables and rows for the tests of the store."""

import random
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from s1_assets.ports import Address
from s1_assets.records.questions import SetAside
from s1_assets.records.tables import Table

NOTES = Table(
    "notes",
    object,
    pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("part", pa.int64(), nullable=False),
            pa.field("text", pa.large_string()),
            pa.field("score", pa.float64()),
            pa.field("kept", pa.bool_(), nullable=False),
            pa.field("tags", pa.list_(pa.large_string())),
            pa.field("origin", pa.struct([pa.field("file", pa.string()), pa.field("line", pa.int32())])),
        ]
    ),
    order=("id", "part"),
)
"""Every kind of column that our tables have, and a key of two."""

HERE = Address("notes", "gsm8k")
"""Where most tests write."""

ASIDE = (SetAside("b", "quality", "empty_question", ""), SetAside("a", "quality", "malformed_json", "line 3: {"))


def contract_of(_asset: str) -> Table:
    return NOTES


def notes(count: int, *, text_bytes: int = 40, seed: int = 0, start: int = 0) -> pa.RecordBatch:
    """Rows in order, with nulls here and there; their text cannot be compressed much."""
    draw = random.Random(f"{seed}:{start}")
    rows = []
    for number in range(start, start + count):
        rows.append(
            {
                "id": f"{number // 2:08d}",
                "part": number % 2,
                "text": None if number % 7 == 3 else draw.randbytes(text_bytes // 2).hex(),
                "score": None if number % 5 == 1 else draw.random(),
                "kept": number % 3 == 0,
                "tags": None if number % 11 == 5 else ["é" * (number % 4), None][: number % 3],
                "origin": None if number % 13 == 7 else {"file": "a.jsonl", "line": None if number % 2 else number},
            }
        )
    return batch_of(rows)


def batch_of(rows: list[dict[str, Any]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=NOTES.schema)


def much(megabytes: int, *, seed: int = 0) -> Iterator[pa.RecordBatch]:
    """About so many megabytes of rows, half of that once stored, in batches of one megabyte."""
    for number in range(megabytes):
        yield notes(100, text_bytes=12_000, seed=seed, start=number * 100)


def table_of_batches(batches: Any) -> pa.Table:
    return pa.Table.from_batches(list(batches), schema=NOTES.schema)
