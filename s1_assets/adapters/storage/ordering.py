"""Bring an unordered stream of batches into the order of its table, in bounded memory.

Small inputs are sorted in memory. Larger ones become sorted runs in one temporary Arrow file, and only the keys stay in
memory: their global order says which rows of which run come next, so every run is read once, from front to back.
Memory: the keys, one run while it is being sorted, then one small batch per run.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from s1_assets.adapters.storage.contract import check_schema
from s1_assets.adapters.storage.disk import translating_disk_errors
from s1_assets.records.tables import Table


@dataclass(frozen=True, slots=True)
class SortSizes:
    """How much is held in memory, in bytes."""

    run: int = 64 << 20
    """Sorted at once; an input that is smaller never touches the disk."""
    piece: int = 512 << 10
    """Read back at once from each run."""
    batch: int = 16 << 20
    """Handed out at once."""


def sorted_batches(
    batches: Iterable[pa.RecordBatch], table: Table, spool_dir: str | Path, sizes: SortSizes | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of `batches` in ascending order of `table.order`; equal keys keep the order they came in.

    The temporary file has no name, so nothing is left even after kill -9.

    Args:
        batches: Batches of `table` in any order.
        table: Its schema and order.
        spool_dir: Folder on a disk with room for all rows; made if missing.
        sizes: How much is held in memory.

    Raises:
        ContractError: If a batch has another schema.
        StorageError: If the temporary file cannot be written.
    """
    sizes = sizes or SortSizes()
    runs = _sorted_runs(batches, table, sizes.run)
    begun = list(islice(runs, 2))
    if len(begun) < 2:
        for run in begun:
            yield from _by_bytes(run, sizes.batch)
        return
    with _unnamed_file(spool_dir) as spool:
        plan = _spool(chain(_let_go(begun), runs), table, spool, spool_dir, sizes)
        yield from _merge(plan, spool, spool_dir, sizes.batch)


@contextmanager
def _unnamed_file(folder: str | Path) -> Iterator[Any]:
    with translating_disk_errors(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed below
    try:
        yield file
    finally:
        with suppress(OSError):  # a full disk makes it fail on what is still buffered; that was told before
            file.close()


@dataclass(frozen=True, slots=True)
class _Plan:
    """Of what was spooled: the pieces of each run, and for each row in final order the run it comes from."""

    pieces: list[range]
    run_of: Any
    bytes: int


def _let_go(runs: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    while runs:
        yield runs.pop(0)


def _sorted_runs(batches: Iterable[pa.RecordBatch], table: Table, size: int) -> Iterator[pa.RecordBatch]:
    waiting: list[pa.RecordBatch] = []
    waiting_bytes = 0
    for batch in batches:
        check_schema(table, batch.schema)
        waiting.append(batch)
        waiting_bytes += batch.nbytes
        if waiting_bytes >= size:
            yield _sorted(waiting, table)
            waiting_bytes = 0
    if waiting_bytes:
        yield _sorted(waiting, table)


def _sorted(batches: list[pa.RecordBatch], table: Table) -> pa.RecordBatch:
    """All rows of `batches` in order; empties the list, so that they are not held twice."""
    rows = pa.concat_batches(batches)
    batches.clear()
    return rows.take(_order(pa.Table.from_batches([rows.select(list(table.order))]), table))


def _order(keys: pa.Table, table: Table) -> Any:
    return pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in table.order])


def _spool(runs: Iterator[pa.RecordBatch], table: Table, spool: Any, spool_dir: str | Path, sizes: SortSizes) -> _Plan:
    keys, pieces, lengths, total, written = [], [], [], 0, 0
    with translating_disk_errors(spool_dir):
        writer = pa.ipc.new_file(pa.PythonFile(spool, "w"), table.schema)
    for run in runs:  # the producer's own errors are none of the spool's
        start = written
        with translating_disk_errors(spool_dir):
            for piece in _by_bytes(run, sizes.piece):
                writer.write_batch(piece)
                written += 1
        pieces.append(range(start, written))
        lengths.append(run.num_rows)
        total += run.nbytes
        keys.append(run.select(list(table.order)))
    with translating_disk_errors(spool_dir):
        writer.close()
        spool.flush()
    order = _order(pa.Table.from_batches(keys), table).to_numpy()
    run_of = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)[order]
    return _Plan(pieces, run_of, total)


def _merge(plan: _Plan, spool: Any, spool_dir: str | Path, size: int) -> Iterator[pa.RecordBatch]:
    rows_at_once = max(1, len(plan.run_of) * size // max(1, plan.bytes))
    with translating_disk_errors(spool_dir):
        reader = pa.ipc.open_file(pa.PythonFile(spool, "r"))
    runs = [_Run(reader, pieces) for pieces in plan.pieces]
    for start in range(0, len(plan.run_of), rows_at_once):
        run_of = plan.run_of[start : start + rows_at_once]
        present, counts = np.unique(run_of, return_counts=True)
        with translating_disk_errors(spool_dir):
            parts = [part for run, count in zip(present, counts, strict=True) for part in runs[run].take(int(count))]
        # The parts lie run by run; a stable sort by run tells where each row of the final order lies in them.
        place_in_parts = np.empty(len(run_of), dtype=np.int64)
        place_in_parts[np.argsort(run_of, kind="stable")] = np.arange(len(run_of))
        yield pa.concat_batches(parts).take(pa.array(place_in_parts))


class _Run:
    """A sorted run on disk, read from front to back."""

    def __init__(self, reader: Any, pieces: range) -> None:
        self._reader = reader
        self._pieces = iter(pieces)
        self._rest: pa.RecordBatch | None = None

    def take(self, count: int) -> Iterator[pa.RecordBatch]:
        while count:
            if self._rest is None or not self._rest.num_rows:
                self._rest = self._reader.get_batch(next(self._pieces))
            part = self._rest.slice(0, count)
            self._rest = self._rest.slice(part.num_rows)
            count -= part.num_rows
            yield part


def _by_bytes(batch: pa.RecordBatch, size: int) -> Iterator[pa.RecordBatch]:
    rows = max(1, batch.num_rows * size // max(1, batch.nbytes))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)
