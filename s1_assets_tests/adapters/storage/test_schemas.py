"""Every table of the house can be stored, with any values that its schema allows."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s1_assets.adapters.storage.content_hash import content_hash
from s1_assets.adapters.storage.ordering import sorted_batches
from s1_assets.ports import Address
from s1_assets.records.tables import SET_ASIDE, TABLES, Table
from s1_assets_tests.adapters.storage.backends import Backend

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


def cells(kind: pa.DataType) -> st.SearchStrategy[Any]:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return TEXT
    if pa.types.is_list(kind):
        return st.lists(st.none() | cells(kind.value_type), max_size=3)
    return {pa.int64(): st.integers(-(2**63), 2**63 - 1), pa.float64(): st.floats(), pa.bool_(): st.booleans()}[kind]


def rows_of(table: Table) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = {field.name: st.none() | cells(field.type) if field.nullable else cells(field.type) for field in table.schema}
    return st.lists(
        st.fixed_dictionaries(row), max_size=8, unique_by=lambda one: tuple(one[name] for name in table.order)
    )


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_rows_of_every_table_come_back(tmp_path: Path, table: Table, data: st.DataObject) -> None:
    rows = pa.RecordBatch.from_pylist(data.draw(rows_of(table)), schema=table.schema)
    ordered = list(sorted_batches([rows], table, tmp_path))
    disk = Backend("disk", str(tmp_path / "root"))
    store = disk.store(TABLES.__getitem__)
    version = store.write(Address(table.name, "p"), table, ordered)
    back = store.read(version).to_table()
    assert back.schema == table.schema
    assert repr(back.to_pylist()) == repr([row for batch in ordered for row in batch.to_pylist()])
    assert content_hash(table.schema, back.to_batches(), SET_ASIDE.schema) == version.content_hash
