"""What has to run: the tables whose making has changed since they were stored.

Every manifest records a fingerprint of what made its table: code version, options and settings in effect, input data
versions, a source's state. Here the same fingerprint is computed without running anything; a table whose fingerprint
stands is left alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from s1_assets.ports import Address
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


def stale_assets(
    house: House, nodes: Mapping[str, Node], selected: Sequence[str], partition: str | None, options: Options
) -> list[str]:
    """Of the selected assets of one partition (None: the unpartitioned ones), those that have to run, inputs first.

    An asset has to run when it was never stored, when its fingerprint has changed, or when one of its inputs has to
    run.

    Raises:
        SourceUnreadable: If a source's state cannot be told.
    """
    stale: list[str] = []
    for name, node in nodes.items():
        if name not in selected or (node.partitions is None) != (partition is None):
            continue
        if any(parent in stale for parent in node.inputs) or not _stands(house, nodes, node, partition, options):
            stale.append(name)
    return stale


def _stands(house: House, nodes: Mapping[str, Node], node: Node, partition: str | None, options: Options) -> bool:
    current = house.tables.current(Address(node.name, partition))
    if current is None:
        return False
    recipe = RECIPES[node.name]
    effective = recipe.effective(house, partition, recipe.options(**options.get(node.name, {})))
    inputs = {parent: _input_versions(house, nodes[parent], partition) for parent in node.inputs}
    found = {parent: versions for parent, versions in inputs.items() if versions}
    return current.fingerprint == table_fingerprint(node.name, node.code_version, effective, found)


def _input_versions(house: House, node: Node, partition: str | None) -> dict[str, str]:
    """Content hashes of what the asset would read of an input: its own partition, or all of them in a fan-in."""
    wanted: Iterable[str | None] = (partition,)
    if node.partitions is None:
        wanted = (None,)
    elif partition is None:
        wanted = node.partitions
    versions = {key or "": house.tables.current(Address(node.name, key)) for key in wanted}
    return {key: version.content_hash for key, version in versions.items() if version is not None}
