"""What has to run: the tables whose making has changed since they were stored.

Every manifest records a fingerprint of what made its table: code version, options and settings in effect, input data
versions, a source's state. Here the same fingerprint is computed without running anything; a table whose fingerprint
stands is left alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import dagster as dg

from s1_assets.assets import (
    difficulty_labels,
    raw_questions,
    raw_traces,
    s1k_dataset,
    s1k_decisions,
    scored_traces,
    student_attempts,
    trace_candidates,
)
from s1_assets.automation.workers import Options
from s1_assets.domain.fingerprints import table_fingerprint
from s1_assets.ports import Address, Version
from s1_assets.resources.artifact import Recipe
from s1_assets.resources.house import House

ASSET_MODULES = (
    raw_questions,
    student_attempts,
    difficulty_labels,
    trace_candidates,
    raw_traces,
    scored_traces,
    s1k_decisions,
    s1k_dataset,
)
"""Every artifact's file, which has the name of its asset and a `RECIPE`."""

ASKING = ("student_attempts", "raw_traces")
"""Assets whose rows are replies of models."""
RECIPES: Mapping[str, Recipe[Any]] = {module.__name__.rpartition(".")[2]: module.RECIPE for module in ASSET_MODULES}


@dataclass(frozen=True, slots=True)
class Node:
    """An asset as planning sees it."""

    name: str
    inputs: tuple[str, ...]
    code_version: str | None
    partitions: tuple[str, ...] | None
    """Keys of its partitions; None where it has none."""


def nodes_of(definitions: dg.Definitions) -> dict[str, Node]:
    """The graph's assets by name, each after its inputs."""
    graph = definitions.resolve_asset_graph()
    nodes = {}
    for key in graph.toposorted_asset_keys:
        node = graph.get(key)
        keys = tuple(node.partitions_def.get_partition_keys()) if node.partitions_def else None
        inputs = tuple(sorted(parent.to_user_string() for parent in node.parent_keys))
        nodes[key.to_user_string()] = Node(key.to_user_string(), inputs, node.code_version, keys)
    return nodes


class Plan:
    """What has to run, looked at once: the stored versions are read when first asked for, and then remembered."""

    def __init__(self, house: House, nodes: Mapping[str, Node], options: Options, retry_failed: bool = False) -> None:
        self._house, self._nodes, self._options, self._retry_failed = house, nodes, options, retry_failed
        self._current = cache(house.tables.current)

    def stale_assets(self, selected: Sequence[str], partition: str | None) -> list[str]:
        """Of the selected assets of one partition (None: the unpartitioned ones), those that have to run, inputs first.

        An asset has to run when it was never stored, when its fingerprint has changed, or when one of its inputs has
        to run.

        Raises:
            SourceUnreadable: If a source's state cannot be told.
        """
        stale: list[str] = []
        for name, node in self._nodes.items():
            if name not in selected or (node.partitions is None) != (partition is None):
                continue
            if any(parent in stale for parent in node.inputs) or not self._stands(node, partition):
                stale.append(name)
        return stale

    def _stands(self, node: Node, partition: str | None) -> bool:
        current = self._current(Address(node.name, partition))
        if current is None or not self._house.tables.is_whole(current):
            return False
        if self._retry_failed and self._holds_failed(current):
            return False
        recipe = RECIPES[node.name]
        options = recipe.options(**self._options.get(node.name, {}))
        effective = recipe.effective(self._house, partition, options)
        inputs = {parent: self._input_versions(self._nodes[parent], partition) for parent in node.inputs}
        found = {parent: versions for parent, versions in inputs.items() if versions}
        return current.fingerprint == table_fingerprint(node.name, node.code_version, effective, found)

    def _holds_failed(self, version: Version) -> bool:
        """Whether a table of replies holds some that failed."""
        if version.address.asset not in ASKING:
            return False
        replies = self._house.tables.read(version).to_batches(columns=["status"])
        return any("failed" in batch.column(0).to_pylist() for batch in replies)

    def _input_versions(self, node: Node, partition: str | None) -> dict[str, str]:
        """Content hashes of what the asset would read of an input: its own partition, or all of them in a fan-in."""
        wanted: Iterable[str | None] = (partition,)
        if node.partitions is None:
            wanted = (None,)
        elif partition is None:
            wanted = node.partitions
        versions = {key or "": self._current(Address(node.name, key)) for key in wanted}
        return {key: version.content_hash for key, version in versions.items() if version is not None}
