"""`s1 ask`: questions of a file in any folder, answered once, written in order."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from s1_assets.adapters.llm.imports import ImportedAnswer, read_answers
from s1_assets.adapters.sources.readers import SourceReaders
from s1_assets.automation.ask import as_collector
from s1_assets.automation.ask_questions import BadRows, QuestionFile
from s1_assets.errors import SourceUnreadable
from s1_assets.resources.settings import read_settings
from s1_assets_tests.fakes.llm_server import Answer, LlmServer, Rules, llm_server
from s1_assets_tests.project import Project

KEYS = {"GEMINI_API_KEY_1": "first-key-of-the-tests", "GEMINI_API_KEY_2": "second-key-of-the-tests"}
FAST = {"S1_LIMITS": "gemini.rpm=60000,gemini.in_flight=32"}
"""Without them the collector's layout waits six seconds between two calls of a key."""


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with llm_server(Rules()) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Project:
    """A folder that is no project, as commands see it."""
    (tmp_path / "folder").mkdir()
    return Project(tmp_path / "folder")


def written(folder: Project, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder.folder / name).read_text("utf-8").splitlines()]


def write_lines(folder: Project, *lines: object, name: str = "questions.jsonl") -> None:
    text = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    (folder.folder / name).write_text("".join(f"{line}\n" for line in text), "utf-8")


def test_answers_stand_in_the_order_of_the_questions_and_are_asked_once(folder: Project, server: LlmServer) -> None:
    rows = [{"id": f"r{number}", "problem": f"What is {number} + 1?", "level": number} for number in range(6)]
    write_lines(folder, *rows, "{broken", {"level": 7}, {"problem": " ", "id": "empty"})
    command = ("ask", "questions.jsonl", "--model", f"openai:fake@{server.openai_url}", "--out", "new/traces.jsonl")
    told = folder.s1(*command, "--samples", "2").stdout
    assert "3 rows are skipped, as they hold no question: 1 malformed_json, 1 missing_question" in told
    assert "questions.jsonl, line 7: malformed_json" in told
    assert "12 of 12 answered; 12 asked now, 0 from the ledger" in told
    lines = written(folder, "new/traces.jsonl")
    assert [(line["id"], line["sample_index"]) for line in lines] == [
        (row["id"], index) for row in rows for index in (0, 1)
    ]
    assert all(line["status"] == "ok" and line["thinking"] and "boxed" in line["answer"] for line in lines)
    assert (lines[-1]["question"], lines[-1]["row"]) == ("What is 5 + 1?", {"level": 5})
    assert list((folder.folder / "new").iterdir()) == [folder.folder / "new" / "traces.jsonl"]
    before = (folder.folder / "new" / "traces.jsonl").read_bytes()
    write_lines(folder, *rows, {"question": "And 1 + 1?", "model": "its own"})
    again = folder.json(*command, "--samples", "2")
    assert (again["asked"], again["from_ledger"]) == (2, 12)
    assert len(server.paid()) == 14
    assert (folder.folder / "new" / "traces.jsonl").read_bytes().startswith(before)
    last = written(folder, "new/traces.jsonl")[-1]
    assert (last["row"], len(last["id"])) == ({"model": "its own"}, 32)
    assert (folder.folder / ".s1" / "ledger.db").is_file()


def test_a_call_that_failed_is_a_row_and_is_asked_again_when_told_so(folder: Project, server: LlmServer) -> None:
    server.rules.answer = lambda asked: Answer(text="4", fault="status:400" if "bad" in asked.prompt else "")
    (folder.folder / "questions.txt").write_text("\ufeffa good one\n\na bad one\n", "utf-8")
    command = ("ask", "questions.txt", "--model", f"openai:fake@{server.openai_url}", "--out", "traces.jsonl")
    told = folder.s1(*command, "--system", "Be brief.", expect=1)
    assert "1 of 2 calls failed" in told.stderr
    assert "--retry-failed asks them again" in told.stderr
    assert [line["status"] for line in written(folder, "traces.jsonl")] == ["ok", "failed"]
    assert server.calls[0].body["messages"][0] == {"role": "system", "content": "Be brief."}
    calls = len(server.calls)
    folder.s1(*command, "--system", "Be brief.", expect=1)
    assert len(server.calls) == calls
    server.rules.answer = lambda asked: Answer(text="5")
    assert folder.json(*command, "--system", "Be brief.", "--retry-failed")["asked"] == 1
    assert [line["answer"] for line in written(folder, "traces.jsonl")] == ["4", "5"]


def test_a_paid_model_is_agreed_to_and_capped_and_leaves_no_key(folder: Project, server: LlmServer) -> None:
    server.rules.answer = lambda asked: Answer("I think.", "7", thinking_tokens=40_000)  # 0.15 USD
    (folder.folder / ".env").write_text("".join(f"{name}={secret}\n" for name, secret in KEYS.items()))
    write_lines(folder, *({"question": f"What is {number}?"} for number in range(6)))
    model = f"gemini:gemini-3.8-flash@{server.gemini_url}"
    command = ("ask", "questions.jsonl", "--model", model, "--out", "traces.jsonl")
    refused = folder.s1(*command, "--budget", "0.5", expect=1)
    assert "6 calls to gemini:gemini-3.8-flash" in refused.stdout
    assert "likely" in refused.stdout and "0.50 USD" in refused.stdout
    assert "there is no terminal to agree on: --yes agrees beforehand" in refused.stderr
    assert server.calls == []
    stopped = folder.s1(*command, "--budget", "0.5", "--yes", expect=1)  # two calls at their worst of 0.25 USD
    assert "the budget is spent" in stopped.stderr and "--budget" in stopped.stderr
    assert len(server.paid()) == 2
    assert not (folder.folder / "traces.jsonl").exists()
    done = folder.s1(*command, "--budget", "20", "--yes")
    assert "4 asked now, 2 from the ledger" in done.stdout
    assert len({call.prompt for call in server.paid()}) == len(server.paid()) == 6
    left = [file for file in folder.folder.rglob("*") if file.is_file() and file.name != ".env"]
    for secret in KEYS.values():
        assert any(call.key == secret for call in server.calls)
        assert secret not in refused.stdout + stopped.stdout + stopped.stderr + done.stdout + done.stderr
        assert [file for file in left if secret.encode() in file.read_bytes()] == []


def test_keys_of_a_file_take_the_place_of_those_in_the_environment(folder: Project, server: LlmServer) -> None:
    folder.environment |= {"OPENAI_API_KEY": "not-this-one"}
    (folder.folder / "keys.txt").write_text("key-of-the-file # mine\n")
    write_lines(folder, {"question": "Why?"})
    model = f"openai:fake@{server.openai_url}"
    folder.s1("ask", "questions.jsonl", "--model", model, "--out", "t.jsonl", "--keys", "keys.txt")
    assert [call.key for call in server.calls] == ["key-of-the-file"]


def test_the_collectors_files_are_written_and_read_back(folder: Project, server: LlmServer) -> None:
    server.rules.answer = lambda asked: Answer("I add.", "7", finish="length" if "long" in asked.prompt else "stop")
    write_lines(folder, {"id": 1, "question": "What is 3 + 4?"}, {"id": 2, "question": "Say something long."})
    folder.environment |= {**KEYS, **FAST, "GEMINI_MODEL_NAME": "gemini-3.8-flash"}
    folder.environment["S1_TEACHER"] = f"gemini:gemini-3.8-flash@{server.gemini_url}"
    command = ("ask", "questions.jsonl", "--layout", "s1-collector", "--yes", "--prompt", "bare-v1")
    told = folder.json(*command)
    assert told["statuses"] == {"ok": 1, "truncated": 1}
    files = {path.name: path for path in (folder.folder / "s1_collected_data").iterdir()}
    assert sorted(files) == ["outputs.json", "progress.json", "s1k_format.json"]
    [output] = json.loads(files["outputs.json"].read_text())
    assert list(output) == ["question_id", "question", "reasoning_trace", "answer", "metadata", "timestamp"]
    assert (output["question_id"], output["reasoning_trace"], output["answer"]) == ("1", "I add.", "7")
    assert output["metadata"]["original_sample"] == {"id": 1, "question": "What is 3 + 4?"}
    assert output["metadata"]["full_response"] == "I add.\n7"
    progress = json.loads(files["progress.json"].read_text())
    assert progress == {"processed_ids": ["1"], "outputs": [output]}
    s1k = json.loads(files["s1k_format.json"].read_text())
    assert s1k == [{"question": "What is 3 + 4?", "reasoning_trace": "I add.", "answer": "7"}]
    [answer] = read_answers(folder.folder / "s1_collected_data")
    assert isinstance(answer, ImportedAnswer) and answer.reply.thinking == "I add."
    before = {name: path.read_bytes() for name, path in files.items()}
    assert folder.json(*command)["asked"] == 0
    assert {name: path.read_bytes() for name, path in files.items()} == before


def test_another_programs_outputs_are_not_overwritten(folder: Project, server: LlmServer) -> None:
    (folder.folder / "kept").mkdir()
    theirs = json.dumps([{"question_id": "1", "question": "q", "reasoning_trace": "t", "answer": "a", "metadata": {}}])
    (folder.folder / "kept" / "outputs.json").write_text(theirs)
    write_lines(folder, {"question": "Why?"})
    folder.environment["OUTPUT_DIR"] = "kept"
    model = f"openai:fake@{server.openai_url}"
    told = folder.s1("ask", "questions.jsonl", "--model", model, "--layout", "s1-collector", expect=1).stderr
    assert "holds answers of another program" in told and "s1 ledger import" in told
    assert server.calls == []
    assert (folder.folder / "kept" / "outputs.json").read_text() == theirs


def test_the_collectors_limits_hold_where_nothing_else_is_set() -> None:
    def limits(**environment: str) -> tuple[float | None, int | None]:
        told = as_collector(read_settings(environment)).access.limits["gemini"]
        return told.requests_per_minute, told.in_flight

    assert limits() == (10, 15)
    assert limits(REQUESTS_PER_MINUTE="60", S1_LIMITS="gemini.in_flight=3") == (60, 3)


def test_what_cannot_be_asked_is_one_message(folder: Project, server: LlmServer) -> None:
    write_lines(folder, {"question": "Why?"})
    for options, told in {
        ("--out", "t.jsonl"): "--model PROVIDER:MODEL is missing",
        ("--model", "openai:m", "--out", "questions.jsonl"): "is the file of questions",
        ("--model", "openai:m", "--out", "t.jsonl", "--template", "no place"): "--template 'no place'",
        ("--model", "solver:teacher-v1", "--out", "t.jsonl", "--question-field", "nosuch"): "no question in the column",
    }.items():
        stderr = folder.s1("ask", "questions.jsonl", *options, expect=1).stderr
        assert told in stderr and "Traceback" not in stderr
    assert not (folder.folder / "t.jsonl").exists()


@pytest.mark.parametrize("ending", ["jsonl", "json", "csv", "parquet", "txt"])
def test_questions_come_from_every_kind_of_file(tmp_path: Path, ending: str) -> None:
    path, texts = tmp_path / f"questions.{ending}", ["What is 2 + 2?", "Und 3 · 3?"]
    rows = [{"instruction": text, "level": number} for number, text in enumerate(texts)]
    match ending:
        case "jsonl":
            path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
        case "json":
            path.write_text(json.dumps(rows), "utf-8")
        case "csv":
            path.write_text("level,instruction\n" + "".join(f"{n},{t}\n" for n, t in enumerate(texts)), "utf-8")
        case "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        case _:
            path.write_text("\n".join(texts), "utf-8")
    questions = QuestionFile(str(path), None, SourceReaders())
    bad = BadRows()
    found = list(questions.questions(bad))
    assert [wanted.question for wanted in found] == texts
    assert [wanted.id for wanted in questions.questions()] == [wanted.id for wanted in found]
    assert bad.by_reason.total() == 0
    levels = [] if ending == "txt" else [str(wanted.row["level"]) for wanted in found]
    assert levels == [] or levels == ["0", "1"]


def test_a_kind_of_file_that_nobody_reads_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match=r"its kind is told by its ending; accepted: .jsonl.*\.txt"):
        QuestionFile(str(tmp_path / "questions.xlsx"), None, SourceReaders())


def test_a_half_character_and_bytes_of_another_encoding_are_told(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_bytes(b"fine\ncaf\xe9\n")
    bad = BadRows()
    found = [wanted.question for wanted in QuestionFile(str(path), None, SourceReaders()).questions(bad)]
    assert (found, list(bad.by_reason)) == (["fine"], ["wrong_encoding"])
    assert replace(bad).told[0].startswith("questions.txt, line 2: wrong_encoding")
