"""The content hash sees values and schema, and nothing else."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s1_assets.adapters.storage.content_hash import content_hash
from s1_assets.errors import ContractError
from s1_assets.records.tables import SET_ASIDE
from s1_assets_tests.adapters.storage.samples import NOTES, notes, table_of_batches

CELL = {
    "id": st.text(max_size=3),
    "part": st.integers(-(2**63), 2**63 - 1),
    "text": st.none() | st.text(max_size=5),
    "score": st.none() | st.floats(),
    "kept": st.booleans(),
    "tags": st.none() | st.lists(st.none() | st.text(max_size=2), max_size=3),
    "origin": st.none()
    | st.fixed_dictionaries({"file": st.none() | st.text(max_size=2), "line": st.none() | st.integers(0, 9)}),
}
ROWS = st.lists(st.fixed_dictionaries(CELL), max_size=12)


def hash_of(*batches: pa.RecordBatch) -> str:
    return content_hash(batches[0].schema, batches, SET_ASIDE.schema)


def one_column(values: list[object], kind: pa.DataType, name: str = "x", nullable: bool = True) -> str:
    schema = pa.schema([pa.field(name, kind, nullable=nullable)])
    return hash_of(pa.record_batch([pa.array(values, kind)], schema=schema))


@settings(max_examples=60, deadline=None)
@given(ROWS, st.data())
def test_layout_does_not_matter(rows: list[dict[str, object]], data: st.DataObject) -> None:
    whole = pa.RecordBatch.from_pylist(rows, schema=NOTES.schema)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    bounds = zip([0, *cuts], [*cuts, len(rows)], strict=True)
    assert hash_of(*(whole.slice(start, end - start) for start, end in bounds)) == hash_of(whole)

    padded = pa.RecordBatch.from_pylist([*rows[:2], *rows, *rows[:3]], schema=NOTES.schema)
    assert hash_of(padded.slice(len(rows[:2]), len(rows))) == hash_of(whole)


@settings(max_examples=60, deadline=None)
@given(ROWS, ROWS)
def test_other_values_have_another_hash(some: list[dict[str, object]], others: list[dict[str, object]]) -> None:
    one = pa.RecordBatch.from_pylist(some, schema=NOTES.schema)
    other = pa.RecordBatch.from_pylist(others, schema=NOTES.schema)
    same = repr(one.to_pylist()) == repr(other.to_pylist())  # repr tells 0.0 from -0.0 and holds all NaNs equal
    assert (hash_of(one) == hash_of(other)) == same


def test_parquet_in_between_does_not_matter(tmp_path: Path) -> None:
    rows = table_of_batches([notes(500)])
    for number, compression in enumerate(("zstd", "none")):
        pq.write_table(rows, tmp_path / f"{number}.parquet", row_group_size=97 + number, compression=compression)
        back = pq.read_table(tmp_path / f"{number}.parquet", schema=NOTES.schema)
        assert hash_of(*back.to_batches()) == hash_of(notes(500))


def test_what_lies_under_a_null_does_not_matter() -> None:
    mask = pa.py_buffer(bytes([0b00000101]))
    clean = pa.array(["a", None, "c"], pa.large_string())
    offsets = pa.array([0, 1, 8, 9], pa.int64()).buffers()[1]
    dirty = pa.Array.from_buffers(pa.large_string(), 3, [mask, offsets, pa.py_buffer(b"agarbagec")])
    numbers = pa.Array.from_buffers(pa.int64(), 3, [mask, pa.array([1, 99, 3]).buffers()[1]])
    inner = pa.array([1, 7, 7, 3])
    lists = pa.Array.from_buffers(
        pa.list_(pa.int64()), 3, [mask, pa.array([0, 1, 3, 4], pa.int32()).buffers()[1]], children=[inner]
    )
    structs = pa.Array.from_buffers(pa.struct([("a", pa.int64())]), 3, [mask], children=[pa.array([1, 99, 3])])
    for made, wanted in (
        (dirty, clean),
        (numbers, pa.array([1, None, 3])),
        (lists, pa.array([[1], None, [3]])),
        (structs, pa.array([{"a": 1}, None, {"a": 3}])),
    ):
        assert made.equals(wanted)
        assert hash_of(pa.record_batch([made], ["x"])) == hash_of(pa.record_batch([wanted], ["x"]))


def test_names_types_nullability_and_order_matter() -> None:
    text = pa.string()
    hashes = [
        one_column(["a"], text),
        one_column(["a"], text, name="y"),
        one_column(["a"], text, nullable=False),
        one_column(["a"], pa.large_string()),
        one_column([b"a"], pa.binary()),
        one_column([1], pa.int64()),
        one_column([1], pa.int32()),
        one_column([1], pa.timestamp("us")),
        one_column([1], pa.timestamp("us", "UTC")),
        one_column([["a"]], pa.list_(text)),
        one_column([["a"]], pa.list_(pa.field("item", text, nullable=False))),
        one_column([["a"]], pa.large_list(text)),
        one_column([{"a": "a"}], pa.struct([("a", text)])),
        one_column([{"a": "a"}], pa.struct([pa.field("a", text, nullable=False)])),
        one_column(["a", "b"], text),
        one_column(["b", "a"], text),
        one_column(["ab", ""], text),
        one_column([None], text),
        one_column([""], text),
        one_column([[]], pa.list_(text)),
        one_column([None], pa.list_(text)),
        one_column([None], pa.null()),
        one_column([None, None], pa.null()),
    ]
    assert len(set(hashes)) == len(hashes)


def test_rows_and_set_aside_rows_are_told_apart() -> None:
    aside = pa.RecordBatch.from_pylist([{"id": "a", "stage": "s", "reason": "r", "evidence": "e"}], SET_ASIDE.schema)
    schema = SET_ASIDE.schema
    assert content_hash(schema, [aside], schema) != content_hash(schema, [], schema, [aside])


def test_a_type_without_canonical_form_is_refused() -> None:
    for kind in (pa.dictionary(pa.int32(), pa.string()), pa.decimal128(5), pa.string_view()):
        with pytest.raises(ContractError, match=r"column 'x' has type .* no canonical form"):
            content_hash(pa.schema([("x", kind)]), [], SET_ASIDE.schema)
