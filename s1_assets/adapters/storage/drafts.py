"""A version being written: Parquet files in a folder of their own, hashed while they are written, dropped unless kept.

Row groups are cut by bytes in memory, not by rows, so that reading costs the same for short and for very long rows.
Long text is written without a dictionary and without statistics: both cost time and are of no use to a reader.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from s1_assets.adapters.storage.content_hash import BackgroundHash
from s1_assets.adapters.storage.contract import check_batches
from s1_assets.adapters.storage.files import Sink
from s1_assets.adapters.storage.places import Place
from s1_assets.errors import StorageError
from s1_assets.records.tables import SET_ASIDE, Table

COMPRESSION = "zstd"
COMPRESSION_LEVEL = 3
"""Measured on question text, one core: level 2 344 MB/s and 3.3 times smaller, 3 276 MB/s and 3.5, 5 165 and 3.7."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How tables are cut."""

    row_group: int = 32 << 20
    """Bytes in memory: row groups hold at least this and less than twice as much, unless a single row is larger."""
    file: int = 1 << 30
    """Bytes stored: the file that passes this is the last to get a row group."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a draft holds once it is complete."""

    content_hash: str
    rows: int
    set_aside: int
    files: tuple[str, ...]
    set_aside_files: tuple[str, ...]
    bytes: int


class Draft:
    """New files of one version. As a context manager it drops them at the end unless `keep` was called."""

    def __init__(self, place: Place, folder: str, sizes: Sizes) -> None:
        self._place = place
        self._folder = folder
        self._sizes = sizes
        self._open: _Part | None = None
        self._stored: dict[str, int] = {}
        self._kept = False

    def __enter__(self) -> "Draft":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._kept:
            return
        if error is None:
            self.drop()
            return
        try:
            self.drop()
        except StorageError as second:  # the first error is the one to tell
            error.add_note(f"and what was written so far could not be dropped: {second}")

    def fill(self, table: Table, batches: Iterable[pa.RecordBatch], set_aside: Iterable[pa.RecordBatch]) -> Written:
        """Store all rows. `set_aside` is not looked at before the last of `batches`.

        Raises:
            ContractError: If a row breaks its table's contract.
            StorageError: If the place cannot be written.
        """
        with BackgroundHash(table.schema, SET_ASIDE.schema) as running:
            rows, files = self._store(table, batches, "part-{:05d}.parquet", running.add_rows)
            aside, aside_files = self._store(SET_ASIDE, set_aside, "set-aside.parquet", running.add_set_aside)
            content_hash = running.hexdigest()
        return Written(content_hash, rows, aside, files, aside_files, sum(self._stored.values()))

    def check_complete(self) -> None:
        """Make sure that every file is there as it was written.

        Raises:
            StorageError: If something else deleted or cut a file in the meantime.
        """
        if self._stored and dict(self._place.sizes(self._folder)) != self._stored:
            raise StorageError(
                f"files vanished from {self._place.location(self._folder)} while they were being written"
            )

    def keep(self, kept: bool = True) -> None:
        self._kept = kept

    def drop(self) -> None:
        """Delete everything written so far."""
        part, self._open = self._open, None
        try:
            if part is not None:
                part.discard()
        finally:
            if self._stored:
                self._place.drop(self._folder)
                self._stored = {}

    def _store(
        self, table: Table, batches: Iterable[pa.RecordBatch], name: str, hashed: Any
    ) -> tuple[int, tuple[str, ...]]:
        rows, files = 0, list[str]()
        roll_at = self._sizes.file if "{" in name else None
        for group in _row_groups(check_batches(table, batches), self._sizes.row_group):
            for batch in group:
                hashed(batch)
                rows += batch.num_rows
            if self._open is None:
                files.append(f"{self._folder}/{name.format(len(files))}")
                self._stored[files[-1]] = 0
                self._open = _Part(self._place, files[-1], table.schema)
            self._open.write(group)
            if roll_at is not None and self._open.size >= roll_at:
                self._finish_part(files[-1])
        if self._open is not None:
            self._finish_part(files[-1])
        return rows, tuple(files)

    def _finish_part(self, path: str) -> None:
        if self._open is not None:
            self._stored[path] = self._open.close()
            self._open = None


class _Part:
    """One Parquet file being written."""

    def __init__(self, place: Place, path: str, schema: pa.Schema) -> None:
        from pyarrow.parquet import ParquetWriter

        self._sink: Sink = place.open_new(path)
        try:
            self._writer = ParquetWriter(self._sink, schema, **writer_options(schema))
        except BaseException:
            self._sink.discard()
            raise

    @property
    def size(self) -> int:
        return self._sink.written

    def write(self, group: list[pa.RecordBatch]) -> None:
        rows = pa.Table.from_batches(group)
        self._writer.write_table(rows, row_group_size=rows.num_rows)

    def close(self) -> int:
        self._writer.close()
        self._sink.close()
        return self._sink.written

    def discard(self) -> None:
        self._sink.discard()
        with suppress(Exception):  # writes its footer into the dead sink; whatever it has to say, it is not the cause
            self._writer.close()


def writer_options(schema: pa.Schema) -> dict[str, Any]:
    """Keyword arguments of `pyarrow.parquet.ParquetWriter` for one of our tables."""
    short = [field.name for field in schema if not _is_long(field.type)]
    return {
        "compression": COMPRESSION,
        "compression_level": COMPRESSION_LEVEL,
        "use_dictionary": short or False,
        "write_statistics": short or False,
    }


def _is_long(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_nested(kind))


def _row_groups(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[list[pa.RecordBatch]]:
    waiting: list[pa.RecordBatch] = []
    waiting_bytes = 0
    for batch in batches:
        for piece in _halved(batch, size):
            waiting.append(piece)
            waiting_bytes += piece.nbytes
            if waiting_bytes >= size:
                yield waiting
                waiting, waiting_bytes = [], 0
    if waiting:
        yield waiting


def _halved(batch: pa.RecordBatch, size: int) -> Iterator[pa.RecordBatch]:
    """Slices below `size` bytes each, or of one row; halving copes with a few huge rows among small ones."""
    if batch.num_rows > 1 and batch.nbytes > size:
        middle = batch.num_rows // 2
        yield from _halved(batch.slice(0, middle), size)
        yield from _halved(batch.slice(middle), size)
    else:
        yield batch
