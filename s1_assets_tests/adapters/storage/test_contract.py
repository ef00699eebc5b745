"""A producer that breaks its contract is told where, and nothing is cast or sorted for it."""

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s1_assets.adapters.storage.contract import check_batches
from s1_assets.errors import ContractError
from s1_assets.records.tables import Table
from s1_assets_tests.adapters.storage.samples import NOTES, notes

KEYED = Table(
    "keyed", object, pa.schema([pa.field("a", pa.string(), False), pa.field("b", pa.int64(), False)]), ("a", "b")
)


def keyed(keys: list[tuple[str, int]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"a": a, "b": b} for a, b in keys], schema=KEYED.schema)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.text("aé\U0001f600\uffff", max_size=2), st.integers(-2, 2)), max_size=8), st.integers(0, 8)
)
def test_exactly_the_strictly_ascending_rows_pass(keys: list[tuple[str, int]], cut: int) -> None:
    batches = [keyed(keys[:cut]), keyed([]), keyed(keys[cut:])]
    if all(before < after for before, after in pairwise(keys)):
        assert sum(batch.num_rows for batch in check_batches(KEYED, batches)) == len(keys)
    else:
        with pytest.raises(ContractError, match=r"must ascend in a, b with no key twice; row \d"):
            list(check_batches(KEYED, batches))


def test_the_two_keys_and_the_row_are_named() -> None:
    told = r"row 3 \(counting from 0\) is out of order: \('b', 1\) after \('b', 2\)"
    for cut in (0, 1, 3):
        keys = [("a", 1), ("a", 2), ("b", 2), ("b", 1)]
        with pytest.raises(ContractError, match=told):
            list(check_batches(KEYED, [keyed(keys[:cut]), keyed(keys[cut:])]))
    with pytest.raises(ContractError, match=r"is twice the same key: \('a', 1\) after \('a', 1\)"):
        list(check_batches(KEYED, [keyed([("a", 1)]), keyed([("a", 1)])]))


def test_a_null_where_none_may_be_is_named_with_its_row_and_key() -> None:
    bad = notes(4).set_column(4, NOTES.schema.field("kept"), pa.array([True, True, None, True]))
    told = r"table 'notes', column 'kept' may not be null; row 12 \(counting from 0\), with key \('00000006', 0\), is"
    with pytest.raises(ContractError, match=told):
        shifted = notes(4, start=10).set_column(4, NOTES.schema.field("kept"), bad.column("kept"))
        list(check_batches(NOTES, [notes(10), shifted]))


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (NOTES.schema.remove(2), r"missing \['text'\], not asked for \[\]"),
        (NOTES.schema.append(pa.field("more", pa.int8())), r"missing \[\], not asked for \['more'\]"),
        (pa.schema(list(NOTES.schema)[::-1]), "the columns in another order"),
        (
            NOTES.schema.set(2, pa.field("text", pa.string())),
            "column 'text' must be large_string, nullable; got string",
        ),
        (
            NOTES.schema.set(1, pa.field("part", pa.int64())),
            "column 'part' must be int64, never null; got int64, nullable",
        ),
    ],
)
def test_another_schema_is_refused_even_without_rows(schema: pa.Schema, told: str) -> None:
    with pytest.raises(ContractError, match=f"table 'notes'.*{told}"):
        list(check_batches(NOTES, [pa.RecordBatch.from_pylist([], schema=schema)]))


def test_metadata_of_a_schema_is_free() -> None:
    assert len(list(check_batches(NOTES, [notes(3).replace_schema_metadata({"made": "by hand"})]))) == 1
