"""A project folder as a user's clone, and the real command lines in it, each a process of its own."""

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg

from s1_assets.automation.plan import nodes_of
from s1_assets.definitions import defs
from s1_assets.ports import Address, TableStore
from s1_assets.resources.settings import Settings
from s1_assets.resources.storage import open_tables

ROOT = Path(__file__).parents[1]
PROJECT_FILES = ("dagster.yaml", "workspace.yaml", "pyproject.toml")
WAIT_S = 240
_OWN = ("S1_", "S3_", "DAGSTER", "GEMINI", "GOOGLE", "OPENAI", "AWS_", "HF_", "HUGGINGFACE", "STORAGE_", "COV_")


@dataclass(frozen=True)
class Project:
    """A folder with the three files that make a project, and nothing else until something runs in it."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables beside those of a shell in which nothing of ours is set."""

    @classmethod
    def at(cls, folder: Path, **environment: str) -> "Project":
        folder.mkdir(parents=True, exist_ok=True)
        for name in PROJECT_FILES:
            shutil.copy(ROOT / name, folder)
        return cls(folder, environment)

    def having(self, **environment: str) -> "Project":
        """The same folder with further variables."""
        return replace(self, environment={**self.environment, **environment})

    @property
    def variables(self) -> dict[str, str]:
        """The whole environment of a process in this project."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
        return {**clean, **self.environment}

    def s1(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.call("s1", *arguments)

    def materialize(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`dagster asset materialize` on our definitions."""
        return self.call("dagster", "asset", "materialize", "-m", "s1_assets.definitions", *arguments)

    def call(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [script(program), *arguments],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
        )

    def tables(self, settings: Settings) -> TableStore:
        """Where this project's tables live, for settings as its processes read them."""
        local = "://" not in settings.storage
        return open_tables(replace(settings, storage=str(self.folder / settings.storage)) if local else settings)


def script(name: str) -> str:
    """A command of the environment that the tests run in, as pip installed it."""
    return str(Path(sysconfig.get_path("scripts")) / name)


def addresses(*sources: str) -> list[Address]:
    """Every table of the graph for these sources."""
    found = []
    for name, node in nodes_of(defs()).items():
        found += [Address(name, source) for source in sources] if node.partitions else [Address(name)]
    return found


def data_versions(tables: TableStore, wanted: list[Address]) -> dict[str, str | None]:
    """By address, the content hash of the newest version; None where nothing is stored."""
    versions = {str(address): tables.current(address) for address in wanted}
    return {name: version.content_hash if version else None for name, version in versions.items()}


def seen_by_dagster(instance: dg.DagsterInstance, wanted: list[Address]) -> dict[str, str | None]:
    """By address, the data version of the newest materialisation in Dagster's own history."""
    return {str(address): _data_version(instance, address) for address in wanted}


def _data_version(instance: dg.DagsterInstance, address: Address) -> str | None:
    partitions = None if address.partition is None else [address.partition]
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(address.asset), asset_partitions=partitions)
    for record in instance.fetch_materializations(wanted, limit=1).records:
        tags: Any = record.asset_materialization.tags if record.asset_materialization else {}
        return str(tags["dagster/data_version"])
    return None
