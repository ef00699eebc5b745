"""A table whose making stands is left alone by the next run, so a change of code that changes a result has to change a
version: an asset's `code_version`, or that of the grader, prompt or embedded model that decides.

`cases/results.json` holds what a small run gave. `S1_TEST_PIN=1 pytest THIS_FILE` writes it anew.
"""

import json
import os
from importlib.metadata import version
from pathlib import Path

import pytest

from s1_assets_tests.project import Project, addresses

CASE = Path(__file__).parents[1] / "cases" / "results.json"
PIN = os.environ.get("S1_TEST_PIN")
SOURCES = ("gcd", "chain_sum", "circuit_logic")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """By table, the fingerprint of its making and the hash of its content."""
    project = Project.at(tmp_path_factory.mktemp("pinned") / "project")
    project.s1("run", "--sources", ",".join(SOURCES), "--limit", "20")
    tables = project.tables()
    versions = {str(address): tables.current(address) for address in addresses(*SOURCES)}
    return {name: [found.fingerprint, found.content_hash] for name, found in versions.items() if found}


def test_the_same_making_gives_the_same_result(found: dict[str, list[str]]) -> None:
    generator = version("reasoning-gym")
    if PIN:
        CASE.write_text(f"{json.dumps({'reasoning_gym': generator, 'tables': found}, indent=1)}\n")
    pinned = json.loads(CASE.read_text())
    if pinned["reasoning_gym"] != generator:
        pytest.skip(f"the results are known for reasoning-gym {pinned['reasoning_gym']}, here is {generator}")
    assert set(found) == set(pinned["tables"])
    for name, (fingerprint, content) in found.items():
        was_fingerprint, was_content = pinned["tables"][name]
        assert fingerprint != was_fingerprint or content == was_content, (
            f"{name} has another content and no version says so: raise its code_version, or that of what it uses"
        )
    assert found == pinned["tables"], "versions have changed: write the results anew with S1_TEST_PIN=1, and look"
