"""One IO manager for every table: Parquet under versioned manifests, on local disk, S3 or GCS.

Output: an `Artifact`, or a Table, a RecordBatchReader or an iterator of batches. Input: always one lazy table
(`pyarrow.dataset.Dataset`), whatever the number of partitions. Missing partitions of a fan-in are named, and tolerated
only where the input's metadata says `allow_missing_partitions`.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pyarrow as pa

from s1_assets.domain.fingerprints import table_fingerprint
from s1_assets.errors import ContractError, StorageError
from s1_assets.ports import Address, LazyTable
from s1_assets.records.tables import table_of
from s1_assets.resources.artifact import Artifact
from s1_assets.resources.house import House
from s1_assets.resources.metadata import table_metadata

ALLOW_MISSING = "allow_missing_partitions"


class TableIOManager(dg.IOManager):
    """Stores what assets return and opens what they ask for."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._opened: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
        """By run and consuming asset, then input asset, then partition: the content hash of what was opened."""

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        artifact = obj if isinstance(obj, Artifact) else Artifact(_batches(obj))
        asset = context.asset_key.to_user_string()
        address = Address(asset, context.partition_key if context.has_asset_partitions else None)
        inputs = {name: opened for name, opened in self._opened.pop((context.run_id, asset), {}).items() if opened}
        tables = self.house.tables
        before = tables.current(address)
        version = tables.write(
            address,
            table_of(asset),
            _batches(artifact.batches),
            lambda: artifact.set_aside,
            table_fingerprint(asset, context.asset_spec.code_version, artifact.effective, inputs),
            lambda: {**artifact.facts(), "run": context.run_id},
        )
        _set_data_version(context, version.content_hash)
        context.add_output_metadata(
            {
                **table_metadata(version, tables.read(version), artifact.set_aside),
                **_shown(artifact.facts()),
                "rewritten": before is None or before.content_hash != version.content_hash,
                **_plot(artifact),
            }
        )

    def load_input(self, context: dg.InputContext) -> LazyTable:
        asset = context.asset_key.to_user_string()
        wanted: list[str | None] = list(context.asset_partition_keys) if context.has_asset_partitions else [None]
        found = {key: self.house.tables.current(Address(asset, key)) for key in wanted}
        missing = [key for key, version in found.items() if version is None]
        if missing:
            self._report_missing(context, asset, missing)
        versions = {key: version for key, version in found.items() if version is not None}
        opened = self._opened.setdefault((context.step_context.run_id, _consumer(context)), {}).setdefault(asset, {})
        opened.update({key or "": version.content_hash for key, version in versions.items()})
        return self.house.tables.read_many(table_of(asset), versions.values())

    def _report_missing(self, context: dg.InputContext, asset: str, missing: list[str | None]) -> None:
        names = ", ".join(str(Address(asset, key)) for key in missing)
        tolerated = bool((context.definition_metadata or {}).get(ALLOW_MISSING))
        if not tolerated:
            raise StorageError(f"not materialised yet, and needed here: {names}; materialise it first")
        context.log.warning(f"not materialised yet, left out: {names}")


def _consumer(context: dg.InputContext) -> str:
    """The asset whose step asks for the input; empty where something else does, a check for one."""
    definition = context.step_context.assets_def
    return definition.key.to_user_string() if definition is not None else ""


def _set_data_version(context: dg.OutputContext, content_hash: str) -> None:
    """Give Dagster the content hash as the data version.

    Known only now, after the stream was consumed; the step context takes it up for the materialisation event.
    """
    context.step_context.set_data_version(context.asset_key, dg.DataVersion(content_hash))


def _batches(value: Any) -> Any:
    if isinstance(value, pa.Table):
        return value.to_batches()
    if isinstance(value, pa.RecordBatch):
        return [value]
    if hasattr(value, "__iter__") and not isinstance(value, str | bytes | Mapping):
        return value
    raise ContractError(
        f"an asset returned {type(value).__name__}; "
        "accepted are Artifact, Table, RecordBatchReader and iterators of batches"
    )


def _shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as metadata: numbers plot over time, mappings are shown as JSON."""
    return {
        key: dg.MetadataValue.json(dict(fact)) if isinstance(fact, Mapping) else fact for key, fact in facts.items()
    }


def _plot(artifact: Artifact) -> dict[str, Any]:
    drawn = artifact.plot() if artifact.plot else None
    return {"plot": dg.MetadataValue.md(drawn)} if drawn else {}
