"""The same run gives the same data versions everywhere: on disk, S3 and GCS, by `s1` and by Dagster's own command."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from s1_assets_tests.adapters.storage.backends import Backend
from s1_assets_tests.adapters.storage.conftest import (  # noqa: F401  (servers as fixtures)
    ceph,
    gcs_emulator,
    moto,
)
from s1_assets_tests.project import Project, seen_by_dagster

SOURCES = ("gcd", "chain_sum")
RUN = ("run", "--sources", ",".join(SOURCES), "--limit", "12")
LIMIT = json.dumps({"ops": {"raw_questions": {"config": {"limit": 12}}}})


@pytest.fixture(scope="module")
def on_disk() -> Iterator[Project]:
    """A project in which `s1 run` has ended well, with default storage."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project.at(Path(folder))
        report = project.json(*RUN)
        assert report["failed"] == []
        assert report["rows"] > 0
        yield project


@pytest.mark.parametrize("name", ["moto", "ceph", "gcs_emulator"])
def test_data_versions_are_those_of_the_disk(
    name: str, on_disk: Project, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend: Backend = request.getfixturevalue(name)
    project = Project.at(tmp_path, **_settings(backend.fresh()))
    for variable, value in project.environment.items():
        monkeypatch.setenv(variable, value)  # google's client reads the emulator's place from the environment only
    project.s1(*RUN)
    assert project.data_versions(*SOURCES) == on_disk.data_versions(*SOURCES)
    assert not (tmp_path / ".s1" / "data").exists()


def test_every_table_has_a_data_version_and_dagster_shows_the_same(
    on_disk: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = on_disk.data_versions(*SOURCES)
    assert None not in stored.values()
    monkeypatch.chdir(on_disk.folder)
    monkeypatch.setenv("DAGSTER_HOME", str(on_disk.folder))
    with dg.DagsterInstance.get() as instance:
        assert seen_by_dagster(instance, *SOURCES) == stored


def test_a_second_run_starts_no_run(on_disk: Project) -> None:
    report = on_disk.json(*RUN)
    assert (report["runs"], report["unchanged"]) == (0, len(SOURCES))
    assert report["calls"] == {"asked": 0, "from_ledger": 0, "paid_again": 0}


def test_dagsters_own_command_does_the_same_work(on_disk: Project, tmp_path: Path) -> None:
    project = Project.at(tmp_path)
    for source in SOURCES:
        project.materialize("--select", "*", "--partition", source, "--config-json", LIMIT)
    assert project.data_versions(*SOURCES) == on_disk.data_versions(*SOURCES)
    assert project.json(*RUN)["runs"] == 0


def test_an_unknown_partition_is_refused_by_dagster(on_disk: Project) -> None:
    refused = on_disk.materialize("--select", "raw_questions", "--partition", "gdc", expect=1)
    assert "DagsterInvalidSubsetError" in refused.stderr
    assert "partition key `gdc`" in refused.stderr


def test_a_missing_partition_is_refused_by_dagster(on_disk: Project) -> None:
    refused = on_disk.materialize("--select", "raw_questions", expect=1)
    assert "Asset has partitions, but no '--partition' option was provided" in refused.stderr


def test_an_asset_without_its_input_is_one_message(tmp_path: Path) -> None:
    failed = Project.at(tmp_path).materialize("--select", "scored_traces", "--partition", "gcd", expect=1)
    assert "not materialised yet, and needed here: " in failed.stderr + failed.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--sources", "gdc"), "there is no source 'gdc'"),
        (("run", "--sources", "s1_aime"), "'s1_aime' is not enabled: s1 sources enable s1_aime"),
        (("run", "--select", "raw_trace"), "--select 'raw_trace'"),
        (("run", "--set", "raw_traces.sample=2"), "sample"),
        (("show", "raw_traces:gdc"), "there is no source 'gdc'"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line_with_status_1(
    arguments: tuple[str, ...], message: str, on_disk: Project
) -> None:
    refused = on_disk.s1(*arguments, expect=1)
    assert refused.stdout == ""
    assert refused.stderr.startswith("s1: ")
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_failed_source_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    project = Project.at(tmp_path)
    project.s1("sources", "add", "broken", "--kind", "table", "--location", "nowhere.jsonl", "--question", "question")
    report = project.json("run", "--sources", "broken,gcd", "--select", "raw_questions", expect=1)
    assert [failure["source"] for failure in report["failed"]] == ["broken"]
    assert "nowhere.jsonl" in report["failed"][0]["error"]
    assert project.data_versions("gcd")["raw_questions:gcd"]


def _settings(backend: Backend) -> dict[str, str]:
    """A store as a user names it."""
    if backend.uri.startswith("s3://"):
        return {
            "S1_STORAGE": backend.uri,
            "S3_ENDPOINT": backend.endpoint,
            "S3_ACCESS_KEY": backend.access_key,
            "S3_SECRET_KEY": backend.secret_key,
            "S3_REGION": "us-east-1",
        }
    return {
        "S1_STORAGE": backend.uri,
        "STORAGE_EMULATOR_HOST": backend.endpoint,
        "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
    }
