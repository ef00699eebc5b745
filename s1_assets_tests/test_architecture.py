"""What holds the house together and no import can see: floors, stages, names, and what may not be loaded or written."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from packaging.requirements import Requirement

from s1_assets.automation import reload
from s1_assets.definitions import defs
from s1_assets_tests.project import ROOT, Project, script

STAGES = ("questions", "difficulty", "traces", "grading", "selection")
"""An asset's group; no asset depends on a later one."""
ASSET_KEYS = Path(__file__).parent / "cases" / "asset_keys.txt"
TOP_LEVEL = {"pyproject.toml", "s1_assets", "s1_assets_tests", "workspace.yaml", "dagster.yaml", "README.md", "LICENSE"}
HEAVY = (
    "pyarrow.dataset dagster_aws dagster_gcp datasets reasoning_gym matplotlib torch vllm ray pandas boto3 google.cloud"
)
BUILD = """
import sys
from s1_assets.definitions import defs
repository = defs().get_repository_def()
assert repository.get_all_jobs() and repository.asset_graph.asset_check_keys
print(*sorted(set(sys.argv[1].split()) & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def graph() -> AssetGraph:
    return defs().resolve_asset_graph()


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def in_git() -> list[str]:
    """Files that git holds, or would hold: what it ignores does not count."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip(f"not a git checkout: {listed.stderr.strip()}")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_data_and_imports_flow_one_way() -> None:
    done = subprocess.run([script("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " 0 broken" in done.stdout


def test_a_group_is_a_stage_and_no_asset_depends_on_a_later_one(graph: AssetGraph) -> None:
    stage_of = {key: STAGES.index(graph.get(key).group_name) for key in graph.get_all_asset_keys()}
    later = [
        f"{key.to_user_string()} depends on {parent.to_user_string()}"
        for key in stage_of
        for parent in graph.get(key).parent_keys
        if stage_of[parent] > stage_of[key]
    ]
    assert later == []


def test_the_list_of_assets_changes_only_on_purpose(graph: AssetGraph) -> None:
    keys = sorted(key.to_user_string() for key in graph.get_all_asset_keys())
    assert keys == ASSET_KEYS.read_text().split(), f"if this is meant, write the new keys to {ASSET_KEYS}"


def test_every_asset_says_what_it_is(graph: AssetGraph) -> None:
    faults = []
    for node in graph.asset_nodes:
        owned = {"code version": node.code_version, "kinds": node.kinds, "owners": node.owners}
        told = {"description": node.description, "group": node.group_name != "default"}
        faults += [f"{node.key.to_user_string()} has no {name}" for name, said in (owned | told).items() if not said]
    assert faults == []


def test_every_option_says_what_it_does() -> None:
    """People meet options in the launchpad, where a name alone does not help."""
    silent = [
        f"{node.name}.{name}"
        for node in defs().resolve_implicit_global_asset_job_def().nodes
        if (schema := node.definition.config_schema)
        for name, option in getattr(schema.config_type, "fields", {}).items()
        if not option.description
    ]
    assert silent == []


def test_definitions_load_with_an_empty_environment_and_import_nothing_heavy(tmp_path: Path) -> None:
    project = Project.at(tmp_path)
    loaded = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:s1_assets", "-c", BUILD, HEAVY],
        cwd=project.folder, env={}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.split() == []
    assert not (tmp_path / ".s1").exists(), "loading definitions writes nothing"


def test_every_entrance_leads_to_the_same_location(pyproject: dict[str, Any]) -> None:
    workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text())
    (entrance,) = workspace["load_from"]
    dg_project = pyproject["tool"]["dg"]["project"]
    assert entrance["python_module"] == {
        "module_name": dg_project["code_location_target_module"],
        "location_name": dg_project["code_location_name"],
    }
    assert dg_project["code_location_name"] == reload.LOCATION


def test_dagsters_storage_is_relative_and_in_one_folder() -> None:
    config = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    folders = list(_values_of("base_dir", config))
    assert len(folders) == 3
    assert all(Path(folder).parts[0] == ".dagster" for folder in folders)
    assert config["telemetry"] == config["nux"] == {"enabled": False}


def _values_of(wanted: str, config: Any) -> Iterator[str]:
    for name, value in config.items():
        if name == wanted:
            yield value
        elif isinstance(value, dict):
            yield from _values_of(wanted, value)


def test_the_top_level_holds_only_what_is_agreed() -> None:
    top = {name.split("/")[0] for name in in_git()}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


def test_no_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    registries = [
        "py" + "pi.org",
        "python" + "hosted.org",
        "npm" + "js.org",
        "npm" + "js.com",
        "conda.ana" + "conda.org",
    ]
    homes = ["/ro" + "ot/", "/ho" + r"me/\w", "/Us" + r"ers/\w", "/wo" + "rk/", r"[A-Z]:\\Us" + "ers", "/opt/" + "py"]
    forbidden = re.compile("|".join([*map(re.escape, registries), *(rf"(?<![\w.~}}]){home}" for home in homes)]))
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in in_git()
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), 1)
        if forbidden.search(line) or str(ROOT) in line
    ]
    assert found == []


def test_every_dependency_has_a_lower_bound(pyproject: dict[str, Any]) -> None:
    project = pyproject["project"]
    named = [*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)]
    unbounded = [
        name for name in named if not any(bound.operator in (">=", "~=", "==") for bound in Requirement(name).specifier)
    ]
    assert unbounded == []
