"""A project folder as a user's clone, and the real command lines in it, each a process of its own."""

import json
import os
import shutil
import signal
import subprocess
import sysconfig
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg

from s1_assets.automation.plan import nodes_of
from s1_assets.definitions import defs
from s1_assets.ports import Address, TableStore
from s1_assets.resources.settings import Settings, read_settings
from s1_assets.resources.storage import open_tables

ROOT = Path(__file__).parents[1]
PROJECT_FILES = ("dagster.yaml", "workspace.yaml", "pyproject.toml")
LIMIT_S = 240
OURS = ("S1_", "GEMINI_", "GOOGLE_", "OPENAI_", "S3_", "AWS_", "HF_", "HUGGINGFACE", "DAGSTER_", "STORAGE_EMULATOR_")

Done = subprocess.CompletedProcess[str]


@dataclass
class Project:
    """A folder like a fresh clone, and commands run in it as a user would."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    """Variables that the user has set; none of ours comes from whoever runs the tests."""

    @classmethod
    def at(cls, folder: Path, **environment: str) -> "Project":
        """A new project: the three files that make a folder one, and nothing else."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in PROJECT_FILES:
            shutil.copy(ROOT / name, folder)
        return cls(folder, environment)

    def s1(self, *arguments: str, expect: int = 0) -> Done:
        """Run a verb to its end; fails with what it printed if the exit status is another than `expect`."""
        return self.call("s1", *arguments, expect=expect)

    def json(self, *arguments: str, expect: int = 0) -> Any:
        return json.loads(self.s1(*arguments, "--json", expect=expect).stdout)

    def materialize(self, *arguments: str, expect: int = 0) -> Done:
        """`dagster asset materialize` on our definitions."""
        return self.call("dagster", "asset", "materialize", "-m", "s1_assets.definitions", *arguments, expect=expect)

    def call(self, name: str, *arguments: str, expect: int = 0) -> Done:
        done = subprocess.run(
            [script(name), *arguments],
            cwd=self.folder,
            env=self.variables(),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == expect, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.logs()}"
        return done

    def start(self, name: str, *arguments: str, log: Path) -> "subprocess.Popen[bytes]":
        """Start a command with a process group of its own that listens to SIGINT; its output goes to `log`."""
        with log.open("wb") as out:
            return subprocess.Popen(
                [script(name), *arguments],
                cwd=self.folder,
                env=self.variables(),
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # A shell's background job has SIGINT ignored, and Dagster would inherit that.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    def catalogue(self, text: str, name: str = "tests.yaml") -> None:
        """Lay entries over the packaged catalogue."""
        folder = self.folder / ".s1" / "sources"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    def logs(self) -> str:
        return "\n".join(log.read_text()[-3_000:] for log in sorted((self.folder / ".s1" / "logs").glob("*.log")))

    def variables(self) -> dict[str, str]:
        """The whole environment of a process in this project."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {**kept, "COLUMNS": "200", **self.environment}

    def tables(self) -> TableStore:
        """This project's tables, opened as its own processes open them."""
        settings = read_settings(self.variables())
        local = replace(settings, storage=str(self.folder / Settings.storage))
        return open_tables(local if settings.storage == Settings.storage else settings)

    def data_versions(self, *sources: str) -> dict[str, str | None]:
        """By table, the content hash of its newest version; None where nothing is stored."""
        tables = self.tables()
        versions = {str(address): tables.current(address) for address in addresses(*sources)}
        return {name: version.content_hash if version else None for name, version in versions.items()}


def script(name: str) -> str:
    """A command of the environment that the tests run in, as pip installed it."""
    return str(Path(sysconfig.get_path("scripts")) / name)


def addresses(*sources: str) -> list[Address]:
    """Every table of the graph, for these sources where it is partitioned."""
    found = []
    for name, node in nodes_of(defs()).items():
        found += [Address(name, source) for source in sources] if node.partitions else [Address(name)]
    return found


def seen_by_dagster(instance: dg.DagsterInstance, *sources: str) -> dict[str, str | None]:
    """By table, the data version of its newest materialisation in Dagster's own history."""
    return {str(address): _data_version(instance, address) for address in addresses(*sources)}


def _data_version(instance: dg.DagsterInstance, address: Address) -> str | None:
    partitions = None if address.partition is None else [address.partition]
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(address.asset), asset_partitions=partitions)
    for record in instance.fetch_materializations(wanted, limit=1).records:
        assert record.asset_materialization is not None and record.asset_materialization.tags is not None
        return record.asset_materialization.tags["dagster/data_version"]
    return None
