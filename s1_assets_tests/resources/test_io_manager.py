"""The IO manager under real Dagster runs, on local disk."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from s1_assets.ports import Address, LazyTable
from s1_assets.records.attempts import Candidate
from s1_assets.records.tables import TABLES, write_rows
from s1_assets.resources.artifact import Artifact
from s1_assets.resources.house import House
from s1_assets.resources.io_manager import TableIOManager

TABLE = TABLES["trace_candidates"]
PARTS = dg.StaticPartitionsDefinition(["a", "b", "c"])


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def batches(*names: str) -> list[pa.RecordBatch]:
    rows = [Candidate(name, "a", f"question {name}", "logic", "hard") for name in names]
    return list(write_rows(TABLE, rows, rows_per_batch=2))


def produce(value: Callable[[str], Any]) -> dg.AssetsDefinition:
    @dg.asset(name="trace_candidates", partitions_def=PARTS, code_version="1")
    def produced(context: dg.AssetExecutionContext) -> Any:
        return value(context.partition_key)

    return produced


def materialise(
    *assets: dg.AssetsDefinition, partition: str | None = None, select: list[str] | None = None, instance: Any = None
) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        list(assets),
        partition_key=partition,
        selection=select,
        instance=instance,
        resources={"io_manager": TableIOManager(House())},
        raise_on_error=False,
    )


def stored(partition: str) -> Any:
    version = House().tables.current(Address("trace_candidates", partition))
    assert version is not None
    return version


SHAPES: dict[str, Callable[[list[pa.RecordBatch]], Any]] = {
    "table": pa.Table.from_batches,
    "reader": lambda found: pa.RecordBatchReader.from_batches(TABLE.schema, found),
    "iterator": iter,
    "artifact": Artifact,
}


def _constant(value: Any) -> Callable[[str], Any]:
    return lambda _: value


def test_every_shape_of_output_is_stored_alike() -> None:
    versions = set()
    for shape in SHAPES.values():
        value = shape(batches("1", "2", "3"))
        assert materialise(produce(_constant(value)), partition="a").success
        versions.add((stored("a").rows, stored("a").content_hash))
    assert len(versions) == 1
    assert versions.pop()[0] == 3


def test_the_data_version_in_dagster_is_the_content_hash() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        materialise(produce(lambda _: iter(batches("1", "2"))), partition="a", instance=instance)
        record = instance.get_latest_data_version_record(dg.AssetKey("trace_candidates"), partition_key="a")
        assert record is not None and record.asset_materialization is not None
        tags = record.asset_materialization.tags or {}
    assert tags["dagster/data_version"] == stored("a").content_hash
    assert tags["dagster/data_version_is_user_provided"] == "true"


def test_what_is_made_again_unchanged_flips_nothing() -> None:
    asset = produce(lambda _: iter(batches("1", "2")))
    materialise(asset, partition="a")
    first = stored("a")
    materialise(asset, partition="a")
    assert stored("a") == first


def read_as(seen: list[Any], metadata: dict[str, Any] | None = None) -> dg.AssetsDefinition:
    @dg.asset(name="s1k_dataset", ins={"trace_candidates": dg.AssetIn(metadata=metadata or {})})
    def fan_in(trace_candidates: LazyTable) -> dg.MaterializeResult[Any]:
        seen.append(trace_candidates)
        return dg.MaterializeResult(value=iter(()))

    return fan_in


@pytest.mark.parametrize("partitions", [["a"], ["a", "c"], ["a", "b", "c"]], ids=["one", "two", "all"])
def test_an_input_is_one_lazy_table_whatever_the_number_of_partitions(partitions: list[str]) -> None:
    asset, seen = produce(lambda key: iter(batches(f"{key}1", f"{key}2"))), list[Any]()
    for partition in partitions:
        materialise(asset, partition=partition)
    consumer = read_as(seen, {"allow_missing_partitions": True})
    assert materialise(asset, consumer, select=["s1k_dataset"]).success
    assert isinstance(seen[0], LazyTable)
    read = seen[0].to_batches(columns=["question_id"])
    ids = [question_id for batch in read for question_id in batch.column(0).to_pylist()]
    assert sorted(ids) == sorted(f"{key}{number}" for key in partitions for number in "12")


def test_no_partition_at_all_is_an_empty_table_where_gaps_are_allowed() -> None:
    seen: list[Any] = []
    consumer = read_as(seen, {"allow_missing_partitions": True})
    assert materialise(produce(lambda key: iter(())), consumer, select=["s1k_dataset"]).success
    assert seen[0].count_rows() == 0
    assert seen[0].schema.names == TABLE.schema.names


def test_missing_partitions_are_named_and_fail_the_asset_that_does_not_allow_them() -> None:
    asset, seen = produce(lambda key: iter(batches(key))), list[Any]()
    materialise(asset, partition="b")
    failed = materialise(asset, read_as(seen), select=["s1k_dataset"])
    assert not failed.success
    told = str([event.step_failure_data.error for event in failed.all_events if event.is_step_failure])
    assert "trace_candidates:a, trace_candidates:c" in told
    assert seen == []


def test_a_writer_that_raises_half_way_leaves_the_old_version_readable() -> None:
    materialise(produce(lambda _: iter(batches("1", "2"))), partition="a")
    before = stored("a")

    def broken(_: str) -> Iterator[pa.RecordBatch]:
        yield from batches("1", "2", "3", "4")
        raise OSError("the producer broke")

    assert not materialise(produce(broken), partition="a").success
    assert stored("a") == before
    assert House().tables.read(before).count_rows() == 2


def test_a_table_that_breaks_its_contract_is_refused_by_name() -> None:
    wrong = pa.table({"question_id": ["1"], "surprise": ["x"]})
    failed = materialise(produce(lambda _: wrong), partition="a")
    told = str([event.step_failure_data.error for event in failed.all_events if event.is_step_failure])
    assert "ContractError" in told
    assert "trace_candidates" in told


def test_metadata_shows_counts_schema_preview_and_reasons() -> None:
    result = materialise(produce(lambda _: iter(batches("1", "2", "3"))), partition="a")
    metadata = result.asset_materializations_for_node("trace_candidates")[0].metadata
    assert metadata["dagster/row_count"].value == 3
    schema = metadata["dagster/column_schema"].value
    assert isinstance(schema, dg.TableSchema)
    assert [column.name for column in schema.columns] == TABLE.schema.names
    assert "question 1" in str(metadata["preview"].value)
