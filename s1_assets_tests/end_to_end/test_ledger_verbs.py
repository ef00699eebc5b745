"""`s1 ledger`: what it holds, moving answers in and out, broken rows, and what dead processes left behind."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from s1_assets_tests.end_to_end.conftest import Started
from s1_assets_tests.fakes.llm_server import Answer, LlmServer, Rules, llm_server
from s1_assets_tests.project import Project

QUESTIONS = ["What is 2 + 3?", "What is 3 + 3?", "What is 4 + 3?"]
OF_THE_CALL = ("asset", "partition", "run_id", "answered_at", "attempts", "maybe_billed", "seconds", "origin")
"""How a call was obtained: not part of what an exported answer is."""


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with llm_server(Rules()) as running:
        yield running


@pytest.fixture
def asked(tmp_path: Path, server: LlmServer) -> Project:
    """A folder whose ledger holds three answers and a failure."""
    project = Project(tmp_path)
    server.rules.answer = lambda asked: Answer(
        "I add.", "It is 5. ∀", fault="status:400" if "bad" in asked.prompt else ""
    )
    (tmp_path / "questions.txt").write_text("\n".join([*QUESTIONS, "a bad one"]))
    model = f"openai:fake@{server.openai_url}"
    project.s1("ask", "questions.txt", "--model", model, "--out", "traces.jsonl", expect=1)
    return project


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_stats_tell_calls_tokens_and_what_is_not_known(asked: Project) -> None:
    told = asked.json("ledger", "stats")
    by_state = {row["state"]: row for row in told["by_model"]}
    assert (by_state["ok"]["model"], by_state["ok"]["calls"], by_state["failed"]["failed"]) == ("openai:fake", 3, 1)
    assert by_state["ok"]["thinking_tokens"] > 0
    assert by_state["ok"]["cost_usd"] is None and by_state["ok"]["unpriced"] == 3
    assert [(row["asset"], row["calls"]) for row in told["by_asset"]] == [("ask", 4)]
    assert told["bytes"] > 10_000
    shown = asked.s1("ledger", "stats").stdout
    assert "4 calls on record" in shown and "unknown (3 calls" in shown


def test_what_one_ledger_exports_another_imports_under_the_same_keys(asked: Project, server: LlmServer) -> None:
    assert "3 calls written" in asked.s1("ledger", "export", "out.jsonl", "--ok-only").stdout
    exported = lines(asked.folder / "out.jsonl")
    assert len(lines_of(asked.s1("ledger", "export", "-").stdout)) == 4
    assert lines_of(asked.s1("ledger", "export", "-", "--model", "openai:other").stdout) == []
    (call,) = [row for row in exported if row["messages"][0]["content"] == QUESTIONS[0]]
    assert (call["thinking"], call["answer"], call["status"]) == ("I add.", "It is 5. ∀", "ok")
    assert call["sampling"]["max_output_tokens"] and call["model"] == f"openai:fake@{server.openai_url}"
    asked.environment["S1_LEDGER"] = "sqlite:///other.db"
    assert "3 would be new" in asked.s1("ledger", "import", "out.jsonl", "--dry-run").stdout
    assert "3 new, 0 already there" in asked.s1("ledger", "import", "out.jsonl").stdout
    assert "0 new, 3 already there" in asked.s1("ledger", "import", "out.jsonl").stdout
    asked.s1("ledger", "export", "again.jsonl")
    assert [essence(row) for row in lines(asked.folder / "again.jsonl")] == [essence(row) for row in exported]
    assert asked.json("ledger", "verify") == {"rows": 3, "broken": []}
    call["messages"][0]["content"] = "another question"
    (asked.folder / "changed.jsonl").write_text(json.dumps(call))
    told = asked.s1("ledger", "import", "changed.jsonl", expect=1).stdout
    assert "its request was changed" in told


def test_imported_answers_are_replayed_and_a_missing_one_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path)
    rows = [{"question": text, "thinking": "Elsewhere.", "answer": str(n)} for n, text in enumerate(QUESTIONS)]
    paid = [*rows, {"question": "no answer here"}, rows[0] | {"answer": "once more"}]
    (tmp_path / "paid here@home.jsonl").write_text("\n".join(map(json.dumps, paid)))
    told = project.s1("ledger", "import", "paid here@home.jsonl").stdout
    assert "4 answers read: 4 new, 0 already there; 1 rows hold no answer" in told
    assert "paid here@home.jsonl#4: no answer" in told
    assert "next: S1_TEACHER=replay:paid-here-home" in told
    (tmp_path / "questions.txt").write_text("\n".join(QUESTIONS))
    command = ("ask", "questions.txt", "--model", "replay:paid-here-home", "--out", "t.jsonl")
    assert project.json(*command)["cost_usd"] == 0.0
    assert [(row["thinking"], row["answer"]) for row in lines(tmp_path / "t.jsonl")] == [
        ("Elsewhere.", answer) for answer in "012"
    ]
    (tmp_path / "questions.txt").write_text(f"{QUESTIONS[0]}\nnever imported")
    assert "Import their answers" in project.s1(*command, expect=1).stderr
    [row] = [row for row in project.json("ledger", "stats")["by_model"] if row["model"].startswith("replay")]
    assert (row["calls"], row["cost_usd"]) == (4, 0.0)


def test_a_file_without_answers_and_a_format_that_is_none_are_told(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (tmp_path / "empty.jsonl").write_text('{"question": "q"}\n')
    told = project.s1("ledger", "import", "empty.jsonl", "--format", "jsonl", expect=1).stdout
    assert "0 answers read" in told and "empty.jsonl#1" in told
    told = project.s1("ledger", "import", "empty.jsonl", "--format", "parquet", expect=1).stderr
    assert "format 'parquet'; accepted: jsonl" in told


def test_a_row_that_was_tampered_with_is_found(asked: Project) -> None:
    database = sqlite3.connect(asked.folder / ".s1" / "ledger.db")
    keys = [key for (key,) in database.execute("SELECT key FROM calls WHERE state = 'ok' ORDER BY key")]
    with database:
        database.execute("UPDATE calls SET request = replace(request, '+ 3', '+ 4') WHERE key = ?", keys[:1])
        database.execute("UPDATE calls SET reply = x'00ff' WHERE key = ?", keys[1:2])
        database.execute("UPDATE calls SET answer_tokens = 9999 WHERE key = ?", keys[2:3])
    database.close()
    told = asked.json("ledger", "verify", expect=1)
    faults = {row["key"]: row["fault"] for row in told["broken"]}
    assert told["rows"] == 4 and list(faults) == keys
    assert "its request" in faults[keys[0]]
    assert "its reply cannot be unpacked" in faults[keys[1]]
    assert "its answer_tokens is 9999" in faults[keys[2]]
    assert "4 rows read, 3 broken" in asked.s1("ledger", "verify", expect=1).stdout
    assert "s1 ledger verify" in asked.s1("ledger", "export", "out.jsonl", expect=1).stderr
    assert [path.name for path in asked.folder.glob("out*")] == []


def test_pruning_drops_failures_and_what_a_killed_process_held(
    asked: Project, server: LlmServer, ended: Callable[[Started], Started]
) -> None:
    server.rules.answer = lambda asked: Answer(fault="hang")
    (asked.folder / "more.txt").write_text("one more\nand another\n")
    model = f"openai:fake@{server.openai_url}"
    process = ended(
        asked.start("s1", "ask", "more.txt", "--model", model, "--out", "m.jsonl", log=asked.folder / "log")
    )
    deadline = time.monotonic() + 30
    while server.in_flight < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert "1 processes that are gone forgotten, with 2 claims" in asked.s1("ledger", "prune").stdout
    told = asked.s1("ledger", "prune", "--failed").stdout
    assert "1 failed calls dropped" in told and "0 processes" in told
    assert asked.json("ledger", "stats")["total"]["calls"] == 3


def test_a_folder_without_a_ledger_gets_none_by_looking(tmp_path: Path) -> None:
    assert "holds no .s1/ledger.db" in Project(tmp_path).s1("ledger", "stats", expect=1).stderr
    assert list(tmp_path.iterdir()) == []


def lines_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


def essence(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in OF_THE_CALL}
