"""The other verbs of `s1`, and options that change what a run does."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from s1_assets_tests.project import Project

RUN = ("run", "--sources", "gcd,dice", "--limit", "25")


def test_asking_the_teacher_about_everything_selects_the_same_rows(project: Project) -> None:
    filtered = project.json(*RUN)
    everything = project.json(*RUN, "--set", "trace_candidates.trace_all=true")
    assert everything["rows"] == filtered["rows"] > 0
    assert everything["data_version"] == filtered["data_version"]
    assert everything["calls"]["asked"] > 0  # for rows that the free filters would have kept from the teacher
    assert everything["funnel"] == filtered["funnel"]


def test_a_disabled_source_keeps_its_tables_and_leaves_the_set(project: Project) -> None:
    before = project.json(*RUN)
    assert set(before["sources"]) == {"gcd", "dice"}
    told = project.s1("sources", "disable", "dice").stdout
    assert "off, its tables stay" in told
    alone = project.s1("run", "--sources", "gcd", "--select", "s1k_dataset", expect=1)
    assert "materialise s1k_decisions first" in alone.stdout
    after = project.json("run", "--sources", "gcd", "--limit", "25")
    assert set(after["sources"]) == {"gcd"}
    (gone, *_) = project.json("show", "raw_questions:dice", "--head", "1")
    assert "its source is disabled now" in project.json("why", gone["question_id"])["outcome"]
    assert list((project.folder / ".s1" / "data" / "raw_traces" / "dice").rglob("*.parquet"))
    assert "dice" in project.s1("run", "--sources", "dice", expect=1).stderr
    project.s1("sources", "enable", "dice")
    again = project.json(*RUN)
    assert again["calls"]["asked"] == 0
    assert again["data_version"] == before["data_version"]


def test_packaged_sources_of_the_papers_are_listed_and_off(made: Project) -> None:
    listed = {row["source"]: row for row in made.json("sources", "--all")}
    assert sum(row["enabled"] for row in listed.values()) >= 12
    for key in ("s1_numinamath", "s1_math", "skyt1_apps", "skyt1_taco"):
        assert listed[key]["enabled"] is False
    shown = made.s1("sources").stdout
    assert "s1_math" not in shown
    assert "more are packaged and off" in shown


def test_checking_a_source_shows_ten_rows_as_they_are_mapped(made: Project) -> None:
    rows = made.json("sources", "check", "gcd")
    assert len(rows) == 10
    assert all(row["question"] and row["reference_answer"] for row in rows)
    assert "no source 'gdc'" in made.s1("sources", "check", "gdc", expect=1).stderr


def test_a_table_leaves_as_a_file_that_others_read(made: Project, tmp_path: Path) -> None:
    rows = made.json("show", "s1k_dataset", "--head", "1000")
    for ending in ("jsonl", "csv", "parquet"):
        told = made.s1("show", "s1k_dataset", "--out", str(tmp_path / f"s1k.{ending}")).stdout
        assert f"{len(rows)} rows written" in told
    assert pq.read_table(tmp_path / "s1k.parquet").to_pylist() == rows
    assert [json.loads(line) for line in (tmp_path / "s1k.jsonl").read_text().splitlines()] == rows
    with (tmp_path / "s1k.csv").open(newline="") as file:
        assert [row["question"] for row in csv.DictReader(file)] == [row["question"] for row in rows]


def test_pruning_drops_old_versions_and_keeps_what_is_current(project: Project) -> None:
    first = project.json("run", "--sources", "gcd", "--limit", "15")
    second = project.json("run", "--sources", "gcd", "--limit", "20")
    assert first["data_version"] != second["data_version"]
    told = project.s1("prune").stdout
    assert "0 versions" not in told
    assert project.json("run", "--sources", "gcd", "--limit", "20")["runs"] == 0
    assert project.s1("prune").stdout.startswith("0 versions and 0 files dropped")


def test_options_come_from_a_file_and_the_command_line_wins(project: Project) -> None:
    (project.folder / "options.yaml").write_text("raw_questions: {limit: 20}\ns1k_decisions: {size: 3}\n")
    told = project.json("run", "--sources", "gcd", "--config", "options.yaml")
    assert told["funnel"]["quality"]["came"] == 20
    assert told["rows"] == 3
    told = project.json("run", "--sources", "gcd", "--config", "options.yaml", "--set", "s1k_decisions.size=2")
    assert told["rows"] == 2


def test_settings_come_from_the_env_file_and_the_shell_wins(project: Project) -> None:
    (project.folder / ".env").write_text("S1_STORAGE=elsewhere\n")
    only = ("run", "--sources", "gcd", "--limit", "5", "--select", "raw_questions")
    project.s1(*only)
    assert (project.folder / "elsewhere" / "raw_questions").is_dir()
    project.environment["S1_STORAGE"] = "shell"
    project.s1(*only)
    assert (project.folder / "shell" / "raw_questions").is_dir()


def test_an_env_file_on_the_command_line_keeps_the_other_one_out_of_every_process(project: Project) -> None:
    (project.folder / ".env").write_text("S1_TEACHER=solver:student-brief-v1\n")
    (project.folder / "other.env").write_text("S1_STORAGE=other\n")
    run = ("run", "--sources", "gcd", "--limit", "25", "--env", "other.env")
    told = project.json(*run)
    assert {spent["model"] for spent in told["spending"] if spent["asset"] == "raw_traces"} == {"solver:teacher-v1"}
    assert project.json(*run)["runs"] == 0


def test_the_model_of_a_collectors_file_is_the_teacher(made: Project) -> None:
    (made.folder / "config.json").write_text('{"collector": {"model_name": "gemini-3.8-flash"}}')
    told = made.s1("run", "--sources", "gcd", "--limit", "25", "--config", "config.json", expect=1).stderr
    assert "gemini:gemini-3.8-flash" in told
    assert "no key: set GEMINI_API_KEY" in told


@pytest.mark.parametrize(("sources", "told"), [(",", "names none"), ("gcd,nosuch", "no source 'nosuch'")])
def test_sources_that_cannot_be_run_are_told(made: Project, sources: str, told: str) -> None:
    assert told in made.s1("run", "--sources", sources, expect=1).stderr


def test_a_limit_that_limits_nothing_is_refused(made: Project) -> None:
    told = made.s1("run", "--sources", "gcd", "--limit", "3", "--select", "raw_traces", expect=1).stderr
    assert "--limit takes fewer questions into raw_questions" in told


def test_a_table_whose_file_is_gone_is_made_again(project: Project) -> None:
    run = ("run", "--sources", "gcd", "--limit", "15")
    before = project.json(*run)
    for table in ("scored_traces/gcd", "s1k_dataset/_"):
        for file in (project.folder / ".s1" / "data" / table).rglob("*.parquet"):
            file.unlink()
    after = project.json(*run)
    assert after["failed"] == []
    assert after["calls"]["asked"] == 0
    assert after["data_version"] == before["data_version"]
    assert len(project.json("show", "s1k_dataset", "--head", "100")) == before["rows"]
    assert project.json(*run)["runs"] == 0


def test_the_funnel_keeps_its_numbers_where_the_output_goes_to_a_file(made: Project) -> None:
    told = Project(made.folder, {"COLUMNS": "60"}).s1("run", "--sources", "gcd", "--limit", "25").stdout
    assert [line.split()[:3] for line in told.splitlines() if line.startswith("quality")] == [["quality", "25", "25"]]
    assert "are the embedded model's" in told


def test_dagster_begins_no_second_store_outside_the_project(made: Project, tmp_path: Path) -> None:
    elsewhere = Project(tmp_path)
    told = elsewhere.materialize("--select", "raw_questions", "--partition", "gcd", expect=1).stderr
    assert "not a project root" in told
    assert not (tmp_path / ".s1").exists()


def test_a_source_named_twice_is_made_once(made: Project) -> None:
    assert made.json("run", "--sources", "gcd,gcd", "--limit", "25")["unchanged"] == 1


def test_a_dagster_selection_with_all_that_follows(project: Project) -> None:
    project.s1("run", "--sources", "gcd", "--limit", "10", "--select", "*difficulty_labels")
    stored = {path.name for path in (project.folder / ".s1" / "data").iterdir()}
    assert stored == {"raw_questions", "student_attempts", "difficulty_labels"}


def test_a_setting_that_does_nothing_yet_is_told(made: Project) -> None:
    paying = Project(made.folder, {"S1_SANDBOX": "docker"})
    assert "S1_SANDBOX is set and has no effect" in paying.s1("run", "--sources", "gcd", "--limit", "25").stdout
