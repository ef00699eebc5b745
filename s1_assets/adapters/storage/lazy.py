"""Lazy data sets over stored files that keep memory bounded however slowly they are read.

pyarrow's own scanner reads up to two million rows ahead and lets a gigabyte wait for a slow consumer. Here `to_batches`
goes row group by row group with two read ahead. Import this module inside functions only: it loads
`pyarrow.dataset`.

Not covered: `scanner()` and what stands on it (`to_table`, `take`, `sort_by`, `join`) read as pyarrow does.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds  # noqa: TID253 - this module is itself imported only when a table is read

from s1_assets.adapters.storage.contract import check_schema
from s1_assets.adapters.storage.places import Place
from s1_assets.errors import ContractError, StorageError
from s1_assets.records.tables import Table

_AHEAD = 2
"""Row groups decoded while the consumer works; one alone reads at 0.6 of pyarrow's own speed, two at all of it."""
_ROWS_PER_BATCH = 131_072
"""pyarrow's default; long rows come in smaller batches, since none spans two row groups."""


def lazy_dataset(place: Place, table: Table, files: Iterable[str]) -> Any:
    """A `pyarrow.dataset.Dataset` over files of one table, in the order given; nothing is opened yet."""
    paths = list(files)
    if not paths:
        return ds.InMemoryDataset(table.schema.empty_table())
    form = ds.ParquetFileFormat()
    filesystem = place.filesystem()
    fragments = [form.make_fragment(place.location(path), filesystem) for path in paths]
    return StoredRows(fragments, table.schema, form, filesystem).belonging_to(place, table)


class StoredRows(ds.FileSystemDataset):  # type: ignore[misc]  # pyarrow ships no types
    """Stored files of one table, checked against its contract when they are opened."""

    def belonging_to(self, place: Place, table: Table) -> "StoredRows":
        """Say where the files lie and what they must hold; pyarrow's constructor has no room for it."""
        self._place, self._table = place, table
        return self

    def filter(self, expression: Any) -> "StoredRows":
        """The same rows under a further filter."""
        narrowed: StoredRows = super().filter(expression)
        return narrowed.belonging_to(self._place, self._table)

    def scanner(self, **options: Any) -> Any:
        """pyarrow's scanner, once every file has been seen to keep the contract.

        Raises:
            ContractError: If a file was written under another schema.
            StorageError: If a file is gone or damaged.
        """
        for fragment in self._get_fragments(None):
            self._check(fragment)
        return super().scanner(**options)

    def to_batches(
        self, columns: Any = None, filter: Any = None, batch_size: int = _ROWS_PER_BATCH, **options: Any
    ) -> Iterator[pa.RecordBatch]:
        """Rows in stored order, with at most four row groups in memory.

        Raises:
            ContractError: If a file was written under another schema.
            StorageError: If a file is gone or damaged.
        """
        for name in ("batch_readahead", "fragment_readahead"):
            options.pop(name, None)  # there are `_AHEAD` row groups, always
        chosen = self._scanner_options({"filter": filter}).get("filter")

        def load(row_group: Any) -> list[pa.RecordBatch]:
            with self._translating(row_group.path):
                batches = row_group.to_batches(
                    schema=self.schema, columns=columns, filter=chosen, batch_size=batch_size, **options
                )
                return [batch for batch in batches if batch.num_rows]

        with ThreadPoolExecutor(_AHEAD, "read-ahead") as reader:
            ahead = deque[Future[list[pa.RecordBatch]]]()
            for row_group in self._row_groups(chosen):
                ahead.append(reader.submit(load, row_group))
                if len(ahead) > _AHEAD:
                    yield from _handed_out(ahead.popleft().result())
            while ahead:
                yield from _handed_out(ahead.popleft().result())

    def head(self, num_rows: int, **options: Any) -> pa.Table:
        """The first rows, without reading more row groups than hold them."""
        batches, missing = [], num_rows
        rows = self.to_batches(**options)
        for batch in rows:
            batches.append(batch.slice(0, missing))
            missing -= batches[-1].num_rows
            if missing <= 0:
                break
        rows.close()  # type: ignore[attr-defined]  # a generator
        if not batches:
            return super().scanner(**options).projected_schema.empty_table()
        return pa.Table.from_batches(batches)

    def _row_groups(self, chosen: Any) -> Iterator[Any]:
        for fragment in self._get_fragments(chosen):
            self._check(fragment)
            yield from fragment.split_by_row_group(chosen, schema=self.schema)

    def _check(self, fragment: Any) -> None:
        with self._translating(fragment.path):
            schema = fragment.physical_schema
        try:
            check_schema(self._table, schema)
        except ContractError as error:
            raise ContractError(
                f"{fragment.path} was written under another contract: materialize its asset again ({error})"
            ) from error

    @contextmanager
    def _translating(self, location: str) -> Iterator[None]:
        path = location.removeprefix(self._place.location("")).lstrip("/")
        try:
            with self._place.translating(path):
                yield
        except pa.ArrowInvalid as error:
            raise StorageError(f"{location} is damaged ({error}): materialize its asset again") from error


def _handed_out(batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each batch, forgotten here as soon as the consumer has it."""
    batches.reverse()
    while batches:
        yield batches.pop()
