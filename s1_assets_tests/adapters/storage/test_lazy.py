"""Lazy data sets: nothing is read before it is asked for, and no more than is needed."""

import time
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from s1_assets.adapters.storage.places import open_place
from s1_assets.adapters.storage.tables import ParquetTables
from s1_assets.errors import ContractError, StorageError
from s1_assets.records.tables import Table
from s1_assets_tests.adapters.storage.backends import SMALL, Backend
from s1_assets_tests.adapters.storage.samples import HERE, NOTES, contract_of, much, notes, table_of_batches


def test_filters_columns_and_heads(disk: Backend) -> None:
    store = disk.store(contract_of)
    rows = store.read(store.write(HERE, NOTES, [notes(1000)]))
    late = rows.filter(ds.field("id") >= "00000400").filter(ds.field("kept"))
    wanted = [row for row in notes(1000).to_pylist() if row["id"] >= "00000400" and row["kept"]]
    for found in (late.to_table(), table_of_batches(late.to_batches())):
        assert found.to_pylist() == wanted
    assert late.count_rows() == len(wanted)
    assert late.head(2).to_pylist() == wanted[:2]
    assert rows.head(3, columns=["id"]).to_pydict() == {"id": ["00000000", "00000000", "00000001"]}
    none = rows.filter(ds.field("id") == "x")
    assert (none.head(3, columns=["part"]).column_names, none.head(3).num_rows) == (["part"], 0)
    assert [batch.num_rows for batch in rows.to_batches(batch_size=400)] == [400, 400, 200]
    doubled = rows.to_batches(columns={"twice": ds.field("part") * 2})
    assert pa.Table.from_batches(doubled).column("twice").to_pylist() == [0, 2] * 500
    assert rows.to_table().take([5, 3]).num_rows == rows.take([5, 3]).num_rows == 2


def test_nothing_is_opened_before_rows_are_asked_for(disk: Backend) -> None:
    store = disk.store(contract_of)
    version = store.write(HERE, NOTES, [notes(10)])
    (Path(disk.uri) / version.files[0]).unlink()
    rows = store.read_many(NOTES, [version] * 1000)
    assert rows.schema == NOTES.schema
    with pytest.raises(StorageError, match=r"part-00000.parquet.*it is not there"):
        next(iter(rows.to_batches()))
    with pytest.raises(StorageError, match=r"part-00000.parquet.*it is not there"):
        rows.to_table()


def test_rows_written_under_another_contract_are_not_passed_off(disk: Backend) -> None:
    version = disk.store(contract_of).write(HERE, NOTES, [notes(10)])
    more = pa.schema([*NOTES.schema, pa.field("more", pa.int64(), nullable=False)])
    later = ParquetTables(open_place(disk.uri), lambda _: Table("notes", object, more, NOTES.order), SMALL)
    rows = later.read(version)
    for read in (rows.to_table, partial(rows.head, 1), partial(next, rows.to_batches())):
        with pytest.raises(ContractError, match=r"written under another contract: materialize .*missing \['more'\]"):
            read()


def test_a_slow_reader_is_not_run_over(disk: Backend) -> None:
    store = disk.store(contract_of)
    version = store.write(HERE, NOTES, much(100))
    before = pa.total_allocated_bytes()
    batches = store.read(version).to_batches()
    for _ in range(5):
        next(batches)
        time.sleep(0.05)
    assert pa.total_allocated_bytes() - before < 20 << 20
    batches.close()
