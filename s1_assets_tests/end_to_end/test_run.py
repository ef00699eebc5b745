"""`s1 run` as a newcomer meets it: from questions to s1K, again, grown, killed, changed."""

import signal
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from s1_assets_tests.project import Project
from s1_assets_tests.waiting import wait_until

SMALL = "gcd,chain_sum,dice"
FEWER = "gcd: {size: 100}\nchain_sum: {size: 100}\ndice: {size: 100}\n"


def calls(project: Project) -> int:
    with sqlite3.connect(project.folder / ".s1" / "ledger.db") as ledger:
        return int(ledger.execute("select count(*) from calls").fetchone()[0])


def tables_on_disk(project: Project) -> dict[str, int]:
    """Every stored file with the time of its last change."""
    data = project.folder / ".s1" / "data"
    return {str(path.relative_to(data)): path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file()}


def funnel_adds_up(report: dict[str, Any]) -> None:
    came = None
    for stage in ("quality", "difficulty", "trace", "verdict", "diversity"):
        count = report["funnel"][stage]
        assert count["came"] == count["kept"] + sum(count["dropped"].values())
        assert came is None or count["came"] == came
        came = count["kept"]
    assert came == report["rows"]


def test_the_second_run_asks_nothing_and_rewrites_nothing(project: Project) -> None:
    first = project.json("run", "--sources", SMALL, "--limit", "30")
    before = tables_on_disk(project)
    second = project.json("run", "--sources", SMALL, "--limit", "30")
    assert first["calls"]["asked"] > 0
    assert first["rows"] > 0
    funnel_adds_up(first)
    assert second["calls"] == {"asked": 0, "from_ledger": 0, "paid_again": 0}
    assert second["runs"] == 0
    assert second["data_version"] == first["data_version"]
    assert tables_on_disk(project) == before


def test_a_limited_run_is_a_part_of_the_full_one_that_is_not_paid_again(project: Project) -> None:
    project.catalogue("gcd: {size: 60}\n")
    small = project.json("run", "--sources", "gcd", "--limit", "20")
    full = project.json("run", "--sources", "gcd")
    ids_small = small["calls"]["asked"]
    assert full["calls"]["from_ledger"] >= ids_small
    again = project.json("run", "--sources", "gcd", "--limit", "20")
    assert again["calls"]["asked"] == 0


def test_a_source_that_grows_asks_only_for_its_new_questions(project: Project) -> None:
    project.catalogue("gcd: {size: 50}\n")
    project.s1("run", "--sources", "gcd")
    before = calls(project)
    project.catalogue("gcd: {size: 55}\n")
    grown = project.json("run", "--sources", "gcd")
    assert grown["calls"]["asked"] == calls(project) - before
    assert 10 <= grown["calls"]["asked"] <= 15  # five questions, two students, and a teacher for the hard ones
    rows = {row["source"]: row for row in project.json("sources")}
    assert rows["gcd"]["rows"] == 55


def test_another_teacher_reasks_the_traces_and_nothing_else(project: Project) -> None:
    project.s1("run", "--sources", "gcd", "--limit", "20")
    before = tables_on_disk(project)
    project.environment["S1_TEACHER"] = "solver:student-brief-v1"
    changed = project.json("run", "--sources", "gcd", "--limit", "20")
    assert changed["runs"] == 2
    rewritten = {path.split("/")[0] for path in set(tables_on_disk(project)) - set(before)}
    assert rewritten == {"raw_traces", "scored_traces", "s1k_decisions", "s1k_dataset"}
    del project.environment["S1_TEACHER"]
    assert project.json("run", "--sources", "gcd", "--limit", "20")["calls"]["asked"] == 0


def test_a_killed_run_goes_on_where_it_was(project: Project, ended: Any) -> None:
    project.catalogue(FEWER)
    process = ended(project.start("s1", "run", "--sources", SMALL, log=project.folder.parent / "told"))
    ledger = project.folder / ".s1" / "ledger.db"
    wait_until(lambda: ledger.exists() and _count(ledger) >= 100, what="the 100th paid answer")
    process.kill()
    process.wait()
    wait_until(lambda: not _workers(project.folder), what="the end of the killed run's workers")
    paid = calls(project)
    report = project.json("run", "--sources", SMALL)
    assert report["failed"] == []
    assert calls(project) == paid + report["calls"]["asked"]
    unbroken = Project.at(project.folder.parent / "unbroken")
    unbroken.catalogue(FEWER)
    whole = unbroken.json("run", "--sources", SMALL)
    assert whole["data_version"] == report["data_version"]
    assert whole["calls"]["asked"] == calls(project)


def _count(ledger: Path) -> int:
    try:
        with sqlite3.connect(ledger) as connection:
            return int(connection.execute("select count(*) from calls").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def _workers(folder: Path) -> list[int]:
    """Our worker processes in that folder."""
    import psutil

    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        try:
            if (process.info["cmdline"] or [])[-2:] == ["s1_assets.cli", "worker"] and process.cwd() == str(folder):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_a_source_that_fails_is_named_and_the_others_go_on(project: Project) -> None:
    project.catalogue(
        """
gone:
  kind: table
  title: A file that is not there
  enabled: true
  location: nowhere.jsonl
  licence: MIT
  language: en
  subject: none
  grader: exact
  fields: {question: question}
"""
    )
    report = project.json("run", "--sources", "gone,gcd", "--limit", "10", expect=1)
    assert [failed["source"] for failed in report["failed"]] == ["gone"]
    assert "nowhere.jsonl" in report["failed"][0]["error"]
    assert report["rows"] > 0


def test_bad_rows_are_set_aside_and_a_question_nobody_can_answer_is_unknown_not_hard(project: Project) -> None:
    lines = [
        '{"question": "Why is the sky blue?", "answer": "scattering"}',
        '{"question": "broken',
        '{"question": ""}',
        '{"answer": "3"}',
    ]
    (project.folder / "mine.jsonl").write_text("\n".join(lines))
    project.s1(
        "sources",
        "add",
        "mine",
        "--kind",
        "table",
        "--location",
        "mine.jsonl",
        "--question",
        "question",
        "--answer",
        "answer",
    )
    report = project.json("run", "--sources", "mine")
    assert report["set_aside_when_read"] == {"malformed_json": 1, "empty_question": 1, "missing_question": 1}
    life = project.json("why", "mine:mine.jsonl#2")
    assert life["set_aside"][0]["reason"] == "malformed_json"
    assert report["funnel"]["difficulty"]["dropped"] == {"difficulty_unknown": 1}
    life = project.json("why", "mine:mine.jsonl#1")
    assert life["label"]["difficulty"] == "unknown"
    assert "S1_STUDENTS" in life["outcome"]
    assert "S1_STUDENTS" in project.s1("run", "--sources", "mine").stdout


def test_bad_settings_are_all_told_at_once_before_anything_runs(project: Project) -> None:
    project.environment.update(S1_TEECHER="solver:teacher-v1", S1_STORAGE="ftp://x", S1_STUDENTS="gpt")
    failed = project.s1("run", expect=1)
    for word in ("S1_TEECHER", "did you mean S1_TEACHER", "ftp://x", "gpt"):
        assert word in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not (project.folder / ".s1").exists()


def test_outside_a_project_the_message_says_where_to_go(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = Project(tmp_path_factory.mktemp("elsewhere"))
    failed = elsewhere.s1("run", expect=1)
    assert "dagster.yaml" in failed.stderr
    assert "DAGSTER_HOME" in failed.stderr


def test_models_that_cannot_be_called_are_told_before_anything_runs(project: Project) -> None:
    project.environment.update(S1_TEACHER="gemini:gemini-3.8-flash", S1_STUDENTS="solver:genius,openai:qwen")
    told = project.s1("run", "--sources", "gcd", expect=1).stderr
    for name in ("gemini:gemini-3.8-flash", "solver:genius", "student-brief-v1", "openai:qwen", "OPENAI_API_KEY"):
        assert name in told
    assert not (project.folder / ".s1" / "data").exists()


def test_a_server_that_does_not_answer_fails_the_source_and_keeps_what_was_paid(project: Project) -> None:
    project.s1("run", "--sources", "gcd", "--limit", "8")
    paid = calls(project)
    project.environment["S1_TEACHER"] = "openai:model@http://127.0.0.1:9/v1"
    report = project.json("run", "--sources", "gcd", "--limit", "8", expect=1)
    assert "127.0.0.1:9" in report["failed"][0]["error"]
    assert calls(project) == paid
    assert report["rows"] > 0  # the old set is still there


def test_every_row_of_the_set_says_why_it_is_in(made: Project) -> None:
    row = made.json("show", "s1k_dataset", "--head", "1")[0]
    for name in (row["question_id"], row["trace_id"], row["question_id"][:12]):
        life = made.json("why", name)
        assert life["outcome"].startswith("in s1K")
        assert life["question"]["question_id"] == row["question_id"]
        assert [decision["kept"] for decision in life["decisions"]] == [True] * 5
        assert life["verdicts"][0]["mark"] == "correct"
    assert Counter(call["model"] for call in life["calls"].values()).keys() >= {"solver:teacher-v1"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_an_interrupted_run_ends_soon_and_leaves_nobody_writing(project: Project, ended: Any, number: int) -> None:
    log = project.folder.parent / "told"
    process = ended(project.start("s1", "run", "--sources", SMALL, log=log))
    ledger = project.folder / ".s1" / "ledger.db"
    wait_until(lambda: ledger.exists() and _count(ledger) >= 100, what="the 100th paid answer")
    process.send_signal(number)
    process.wait(timeout=20)
    told = log.read_text()
    wait_until(lambda: not _workers(project.folder), limit_s=20, what="the end of its workers")
    if number == signal.SIGINT:
        assert process.returncode == 130
        assert "the same command goes on from here" in told
    assert "Traceback" not in told
    assert project.json("run", "--sources", SMALL, "--limit", "5")["failed"] == []
