"""Batches in any order come out in the order of their table, in bounded memory."""

import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s1_assets.adapters.storage.ordering import SortSizes, sorted_batches
from s1_assets.errors import ContractError
from s1_assets_tests.adapters.storage.samples import NOTES, notes, table_of_batches

TINY = SortSizes(run=4_000, piece=500, batch=3_000)


def shuffled(count: int, per_batch: int, text_bytes: int = 40, seed: int = 1) -> Iterator[pa.RecordBatch]:
    rows = table_of_batches([notes(count, text_bytes=text_bytes)])
    order = list(range(count))
    random.Random(seed).shuffle(order)
    for start in range(0, count, per_batch):
        yield rows.take(order[start : start + per_batch]).combine_chunks().to_batches()[0]


@pytest.mark.parametrize("sizes", [TINY, None], ids=["spooled", "in memory"])
def test_rows_come_out_in_order(tmp_path: Path, sizes: SortSizes | None) -> None:
    spool = tmp_path / "new" / "spool"
    found = table_of_batches(sorted_batches(shuffled(3_000, 70), NOTES, spool, sizes))
    assert found.equals(table_of_batches([notes(3_000)]))
    assert spool.exists() == (sizes is TINY)
    assert list(tmp_path.rglob("*.*")) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=60), st.integers(1, 9))
def test_equal_keys_keep_the_order_they_came_in(tmp_path: Path, keys: list[tuple[int, int]], per_batch: int) -> None:
    rows = [
        {"id": str(a), "part": b, "text": str(number), "score": None, "kept": True, "tags": None, "origin": None}
        for number, (a, b) in enumerate(keys)
    ]
    batches = [
        pa.RecordBatch.from_pylist(rows[start : start + per_batch], schema=NOTES.schema)
        for start in range(0, len(rows), per_batch)
    ]
    found = table_of_batches(sorted_batches(batches, NOTES, tmp_path, SortSizes(run=300, piece=100, batch=200)))
    assert found.to_pylist() == sorted(rows, key=lambda row: (row["id"], row["part"]))


def test_nothing_comes_out_of_nothing(tmp_path: Path) -> None:
    assert list(sorted_batches([], NOTES, tmp_path)) == []
    assert list(sorted_batches([notes(0)], NOTES, tmp_path)) == []
    assert table_of_batches(sorted_batches([notes(0), notes(1)], NOTES, tmp_path)).num_rows == 1


def test_batches_that_come_out_are_bounded(tmp_path: Path) -> None:
    sizes = SortSizes(run=1 << 20, piece=1 << 16, batch=1 << 18)
    found = list(sorted_batches(shuffled(1_000, 50, text_bytes=10_000), NOTES, tmp_path, sizes))
    assert max(batch.nbytes for batch in found) < 2 * sizes.batch
    assert sum(batch.num_rows for batch in found) == 1_000


def test_another_schema_is_refused_and_a_producers_error_passes(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="missing"):
        list(sorted_batches([notes(1).drop_columns(["text"])], NOTES, tmp_path))

    def failing() -> Iterator[pa.RecordBatch]:
        yield from shuffled(300, 30)
        raise ConnectionResetError("the source hung up")  # an OSError that is none of the disk's

    with pytest.raises(ConnectionResetError, match="the source hung up"):
        list(sorted_batches(failing(), NOTES, tmp_path, TINY))
    assert list(tmp_path.iterdir()) == []


def test_a_consumer_that_stops_leaves_nothing(tmp_path: Path) -> None:
    found = sorted_batches(shuffled(3_000, 70), NOTES, tmp_path, TINY)
    assert next(iter(found)).num_rows
    found.close()  # type: ignore[attr-defined]  # a generator
    assert list(tmp_path.iterdir()) == []
