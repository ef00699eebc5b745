"""The real command line in a project folder of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 240
OURS = ("S1_", "GEMINI_", "GOOGLE_", "OPENAI_", "S3_", "AWS_", "HF_", "HUGGINGFACE_", "DAGSTER_", "STORAGE_EMULATOR_")


@dataclass
class Project:
    """A folder like a fresh clone, and `s1` run in it as a user would."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "s1_assets.cli", *arguments]

    def s1(self, *arguments: str, expect: int = 0) -> "subprocess.CompletedProcess[str]":
        """Run a verb to its end; fails with what it printed if the exit status is another than `expect`."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == expect, f"exit status {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.logs()}"
        return done

    def json(self, *arguments: str, expect: int = 0) -> Any:
        return json.loads(self.s1(*arguments, "--json", expect=expect).stdout)

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    def catalogue(self, text: str, name: str = "tests.yaml") -> None:
        """Lay entries over the packaged catalogue."""
        folder = self.folder / ".s1" / "sources"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    def logs(self) -> str:
        return "\n".join(log.read_text()[-3_000:] for log in sorted((self.folder / ".s1" / "logs").glob("*.log")))

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return {**kept, "COLUMNS": "200", **self.environment}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return Project(tmp_path)


@pytest.fixture
def ended() -> Iterator[Callable[["subprocess.Popen[str]"], "subprocess.Popen[str]"]]:
    """Processes given to it are gone when the test ends, whatever happened."""
    started: list[subprocess.Popen[str]] = []

    def remember(process: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
        started.append(process)
        return process

    yield remember
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def wait_until(happens: Callable[[], bool], limit_s: float = 60, what: str = "it") -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + limit_s
    while not happens():
        assert time.monotonic() < end, f"{what} did not happen within {limit_s} s"
        time.sleep(0.05)
