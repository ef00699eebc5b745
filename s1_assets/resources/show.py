"""Looking into stored tables, and writing them to a file that other programs read."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from s1_assets.errors import StorageError
from s1_assets.ports import Address, LazyTable, Version
from s1_assets.records.tables import TABLES, table_of
from s1_assets.resources.house import House

FORMATS = (".jsonl", ".csv", ".parquet")


def open_table(house: House, wanted: str) -> tuple[Version | None, LazyTable]:
    """The table that `ASSET` or `ASSET:PARTITION` names; of a partitioned asset without a partition all enabled ones.

    Returns:
        Its version, None where several were joined, and its rows.

    Raises:
        StorageError: If there is no such table, or nothing is stored under it yet.
    """
    asset, _, partition = wanted.partition(":")
    if asset not in TABLES:
        raise StorageError(
            f"there is no asset {asset!r}; accepted are {', '.join(TABLES)}, each with :PARTITION or not"
        )
    if partition and partition not in house.catalogue.sources:
        raise StorageError(f"there is no source {partition!r}; `s1 sources --all` lists them")
    keys: list[str | None] = [partition] if partition else [None, *house.catalogue.enabled]
    found = [version for key in keys if (version := house.tables.current(Address(asset, key))) is not None]
    if not found:
        raise StorageError(f"nothing is stored under {wanted} yet; `s1 run` makes it")
    return (found[0] if len(found) == 1 else None), house.tables.read_many(table_of(asset), found)


def head(table: LazyTable, count: int) -> list[dict[str, Any]]:
    """The first rows, no more of the table being read than they need."""
    rows: list[dict[str, Any]] = []
    for batch in table.to_batches(batch_size=max(1, min(count, 1_000))):
        rows.extend(batch.slice(0, count - len(rows)).to_pylist())
        if len(rows) >= count:
            break
    return rows


def write_file(table: LazyTable, path: Path, limit: int | None = None) -> int:
    """Write rows to a `.jsonl`, `.csv` or `.parquet` file, whole or not at all; the number of rows.

    Raises:
        StorageError: If the ending is another one, or the file cannot be written.
    """
    if path.suffix not in FORMATS:
        raise StorageError(f"--out {path}: accepted are files ending in {', '.join(FORMATS)}")
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        rows = _write(table, draft, path.suffix, limit)
        draft.replace(path)
    except OSError as error:
        raise StorageError(f"--out {path}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
    return rows


def _write(table: LazyTable, path: Path, ending: str, limit: int | None) -> int:
    batches = _limited(table, limit)
    if ending == ".parquet":
        import pyarrow.parquet as pq

        rows = 0
        with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
        return rows
    with path.open("w", encoding="utf-8", newline="") as file:
        return _write_jsonl(file, batches) if ending == ".jsonl" else _write_csv(file, batches, table.schema.names)


def _limited(table: LazyTable, limit: int | None) -> Iterator[pa.RecordBatch]:
    left = limit
    for batch in table.to_batches():
        if left is not None:
            batch = batch.slice(0, left)
            left -= batch.num_rows
        yield batch
        if left == 0:
            return


def _write_jsonl(file: TextIO, batches: Iterator[pa.RecordBatch]) -> int:
    rows = 0
    for batch in batches:
        for row in batch.to_pylist():
            file.write(f"{json.dumps(row, ensure_ascii=False)}\n")
            rows += 1
    return rows


def _write_csv(file: TextIO, batches: Iterator[pa.RecordBatch], names: list[str]) -> int:
    """Lists as JSON text, since CSV has none."""
    writer, rows = csv.DictWriter(file, names), 0
    writer.writeheader()
    for batch in batches:
        for row in batch.to_pylist():
            writer.writerow(
                {k: json.dumps(v, ensure_ascii=False) if isinstance(v, list) else v for k, v in row.items()}
            )
            rows += 1
    return rows
