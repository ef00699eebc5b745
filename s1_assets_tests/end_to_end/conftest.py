"""Fixtures of the tests that run the real command line."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from s1_assets_tests.project import Project

Started = subprocess.Popen[bytes]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A folder like a fresh clone."""
    return Project.at(tmp_path / "project")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which `s1 run` was made once, for tests that only look; they change nothing in it."""
    project = Project.at(tmp_path_factory.mktemp("made") / "project")
    project.s1("run", "--sources", "gcd", "--limit", "25")
    return project


@pytest.fixture
def ended() -> Iterator[Callable[[Started], Started]]:
    """Processes given to it are gone when the test ends, whatever happened."""
    started: list[Started] = []

    def remember(process: Started) -> Started:
        started.append(process)
        return process

    yield remember
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
