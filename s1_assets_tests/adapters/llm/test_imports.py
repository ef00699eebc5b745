import json
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s1_assets.adapters.llm.imports import FORMATS, ImportedAnswer, Unreadable, read_answers
from s1_assets.adapters.llm.imports.replies import parted
from s1_assets.domain.tokens import APPROXIMATE
from s1_assets.errors import SettingsError, SourceUnreadable
from s1_assets.records.models import Message, Sampling

Object = dict[str, Any]
ASKED = (Message("system", "Be brief."), Message("user", "What is 2 + 3?"))
MESSAGES = [{"role": message.role, "content": message.content} for message in ASKED]


def lines(path: Path, *rows: Object | str) -> Path:
    """A file of JSON lines; a text stands for a line as it is."""
    told = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(line + "\n" for line in told))
    return path


def whole(path: Path, value: object, indent: int | None = 2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=indent))
    return path


def read(path: Path, format: str | None = None, prompts: Path | None = None) -> list[ImportedAnswer]:
    """The answers of a file of which every row can be read."""
    found = list(read_answers(path, format, prompts))
    assert [one for one in found if isinstance(one, Unreadable)] == []
    return [one for one in found if isinstance(one, ImportedAnswer)]


def told(path: Path, format: str | None = None, prompts: Path | None = None) -> list[tuple[str, str]]:
    """Origin below the file's folder, and the answer or the reason."""
    found = read_answers(path, format, prompts)
    return [
        (one.origin.rpartition("/")[2], one.reply.answer if isinstance(one, ImportedAnswer) else one.reason)
        for one in found
    ]


def completion(content: str | None, finish_reason: str = "stop", **message: str) -> Object:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "some-model-2026-01-01",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": None, **message},
                "finish_reason": finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 9,
            "total_tokens": 29,
            "prompt_tokens_details": {"cached_tokens": 16},
            "completion_tokens_details": {"reasoning_tokens": 7},
        },
    }


def curator_row(**changes: Any) -> Object:
    """A line as curator 0.1.31 writes it."""
    row = {
        "response_message": "5",
        "parsed_response_message": [{"answer": "5"}],
        "response_errors": None,
        "raw_response": completion("5", reasoning_content="2 and 3 are 5"),
        "raw_request": {"model": "some-model", "messages": MESSAGES, "temperature": 0},
        "generic_request": {
            "model": "some-model",
            "messages": MESSAGES,
            "response_format": None,
            "original_row": {"question": "What is 2 + 3?"},
            "original_row_idx": 0,
            "generation_params": {"temperature": 0, "max_tokens": 100},
            "is_multimodal_prompt": False,
        },
        "created_at": "2026-01-01 10:00:00.000001",
        "finished_at": "2026-01-01 10:00:01.000001",
        "token_usage": {"input": 20, "output": 9, "total": 29},
        "response_cost": 0.002,
        "finish_reason": "stop",
    }
    return {**row, **changes}


def skythought_row(*contents: str, tokens: int = 9) -> Object:
    return {
        "question": "What is 2 + 3?",
        "_index": "17",
        "prompt": ASKED[1].content,
        "input_conversation": MESSAGES,
        "responses": [{"content": content, "correctness": True, "reason": ""} for content in contents],
        "token_usages": [{"completion_tokens": tokens, "prompt_tokens": 20} for _ in contents],
    }


def skythought_run(folder: Path, rows: Mapping[str, object]) -> Path:
    configuration = {
        "task": {"name": "numina"},
        "model": {"name": "Qwen/Some", "config": {}},
        "sampling_params": {"temperature": 0.5, "top_p": 1, "max_tokens": 100, "n": 2},
    }
    whole(folder / "summary.json", {"configuration": configuration, "accuracy": 1.0})
    return whole(folder / "results.json", rows, indent=4)


def s1_row(question: str = "What is 2 + 3?") -> Object:
    return {"question_hash": "0123456789abcdef", "question": question, "thinking": "2 and 3 are 5", "response": "5"}


def collected(number: int, trace: str = "2 and 3.", answer: str = "Therefore, 5.") -> Object:
    return {
        "question_id": str(number),
        "question": f"What is {number} + 3?",
        "reasoning_trace": trace,
        "answer": answer,
        "metadata": {"original_sample": {"id": number}, "full_response": f"{trace}\n{answer}"},
        "timestamp": f"2026-01-01T10:00:0{number}",
    }


def sent(name: str, question: str = "What is 2 + 3?", **parameters: Any) -> Object:
    """A line of a batch's input file."""
    body = {"model": "some-model", "messages": [{"role": "user", "content": question}], **parameters}
    return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": body}


def came(name: str, body: Object, status: int = 200, error: Object | None = None) -> Object:
    """A line of a batch's output file."""
    response = {"status_code": status, "request_id": "req_1", "body": body}
    return {"id": "batch_req_1", "custom_id": name, "response": None if error else response, "error": error}


# Every format


def test_each_format_is_told_from_its_content_and_gives_question_thinking_and_answer(tmp_path: Path) -> None:
    plain = {"question": "What is 2 + 3?", "thinking": "2 and 3 are 5", "answer": "5"}
    prompts = lines(tmp_path / "input.jsonl", sent("a"))
    body = completion("5", reasoning_content="2 and 3 are 5")
    skythought = skythought_run(tmp_path / "sky" / "run", {"17": skythought_row("<think>2 and 3 are 5</think>5")})
    collector = whole(tmp_path / "collector" / "outputs.json", [collected(2, "2 and 3 are 5", "5")])
    (tmp_path / "curator").mkdir()
    for path, batch in {
        lines(tmp_path / "plain.jsonl", plain): None,
        lines(tmp_path / "plain.txt", "{broken", plain): None,
        lines(tmp_path / "lines.json", plain): None,
        whole(tmp_path / "list.json", [plain]): None,
        lines(tmp_path / "curator" / "responses_0.jsonl", curator_row()): None,
        tmp_path / "curator": None,
        skythought: None,
        whole(tmp_path / "compact.json", {"17": skythought_row("<think>2 and 3 are 5</think>5")}, indent=None): None,
        skythought.parent.parent: None,
        whole(tmp_path / "s1" / "geminiall" / "0123456789abcdef.json", s1_row()): None,
        tmp_path / "s1": None,
        collector: None,
        collector.parent: None,
        whole(
            tmp_path / "progress.json", {"processed_ids": ["2"], "outputs": [collected(2, "2 and 3 are 5", "5")]}
        ): None,
        whole(
            tmp_path / "s1k_format.json",
            [{"question": "What is 2 + 3?", "reasoning_trace": "2 and 3 are 5", "answer": "5"}],
        ): None,
        lines(tmp_path / "output.jsonl", came("a", body)): prompts,
    }.items():
        [answer] = [one for one in read_answers(path, prompts=batch) if isinstance(one, ImportedAnswer)]
        assert (answer.messages[-1], answer.sample_index) == (Message("user", "What is 2 + 3?"), 0), path
        assert (answer.reply.status, answer.reply.thinking, answer.reply.answer) == ("ok", "2 and 3 are 5", "5"), path


@pytest.mark.parametrize(
    ("write", "format", "fault"),
    [
        (lambda path: None, None, "no such file"),
        (lambda path: path.write_text("{}"), "parquet", "format 'parquet'; accepted: jsonl, curator, skythought"),
        (lambda path: path.write_text("question,answer\n1,2\n"), None, "does not tell its format; name it: jsonl"),
        (lambda path: path.write_text("[]"), None, "does not tell its format"),
        (lambda path: path.write_bytes(b""), None, "does not tell its format"),
        (lambda path: path.mkdir(), None, "does not tell its format"),
        (lambda path: path.mkdir(), "jsonl", "a folder without answers of jsonl; accepted: a file"),
        (lambda path: path.mkdir(), "curator", r"accepted: \*\*/responses_\*.jsonl"),
        (lambda path: lines(path, came("a", {})), None, "openai-batch: its prompts are missing"),
    ],
)
def test_what_cannot_be_imported_is_told_before_anything_is_read(
    tmp_path: Path, write: Callable[[Path], object], format: str | None, fault: str
) -> None:
    write(tmp_path / "answers")
    with pytest.raises(SettingsError, match=fault):
        read_answers(tmp_path / "answers", format)


def test_a_prompts_file_belongs_to_a_batch_only(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", {"prompt": "?", "answer": "!"})
    with pytest.raises(SettingsError, match="jsonl: takes no prompts file"):
        read_answers(path, prompts=path)
    with pytest.raises(SettingsError, match="no such file"):
        read_answers(path, "openai-batch", tmp_path / "none.jsonl")


@pytest.mark.parametrize("format", FORMATS)
def test_utf_16_stops_with_the_encoding_named(tmp_path: Path, format: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps(s1_row()).encode("utf-16"))
    with pytest.raises(SourceUnreadable, match="UTF-16"):
        list(read_answers(path, format, path if format == "openai-batch" else None))


def test_samples_are_counted_by_prompt_and_model_in_the_order_of_the_file(tmp_path: Path) -> None:
    rows = [("a", "m"), ("b", "m"), ("a", "m"), ("a", "other"), ("a", "m")]
    path = lines(tmp_path / "a.jsonl", *({"prompt": prompt, "answer": "x", "model": model} for prompt, model in rows))
    assert [answer.sample_index for answer in read(path)] == [0, 0, 1, 0, 2]


@pytest.mark.parametrize(
    ("text", "thinking", "answer"),
    [
        ("<think>\na\n</think>\n\nb", "a", "b"),
        ("a</think>b", "a", "b"),
        ("<think>a", "a", ""),
        ("b <think>a</think> c", "", "b <think>a</think> c"),
        ("<think></think>b", "", "b"),
        ("<think>a <think> b</think>c</think>", "a <think> b", "c</think>"),
        (" b ", "", "b"),
    ],
)
def test_a_think_block_at_the_beginning_is_the_thinking(text: str, thinking: str, answer: str) -> None:
    assert parted(text) == (thinking, answer)


# jsonl

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(str.strip).filter(bool)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "asked": st.tuples(st.sampled_from(["prompt", "question"]), words),
                "thinking": st.tuples(st.sampled_from(["thinking", "reasoning"]), words | st.just("")),
                "answer": st.tuples(st.sampled_from(["answer", "response", "solution"]), words),
                "model": st.text(st.characters(exclude_categories=["Cs"])),
                "temperature": st.none() | st.floats(0, 2),
                "seed": st.none() | st.integers(0, 2**31),
                "escaped": st.booleans(),
            }
        ),
        max_size=5,
    )
)
def test_what_is_written_as_json_lines_is_read_back(rows: list[Object]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        written = [
            json.dumps(
                dict([row["asked"], row["thinking"], row["answer"]])
                | {"model": row["model"], "temperature": row["temperature"], "seed": row["seed"]},
                ensure_ascii=row["escaped"],
            )
            for row in rows
        ]
        path.write_bytes("\n".join(written).encode())
        found = read(path, "jsonl")
    assert [answer.messages for answer in found] == [(Message("user", row["asked"][1]),) for row in rows]
    assert [answer.model for answer in found] == [row["model"] for row in rows]
    assert [answer.sampling for answer in found] == [
        Sampling(temperature=row["temperature"], seed=row["seed"]) for row in rows
    ]
    for answer, row in zip(found, rows, strict=True):
        thought, said = row["thinking"][1], row["answer"][1]
        expected = (thought, said) if thought else parted(said)
        assert (answer.reply.thinking, answer.reply.answer) == expected
        assert answer.reply.thinking_kind == ("raw" if expected[0] else "none")


def test_a_bad_line_is_told_with_file_and_line_and_reading_goes_on(tmp_path: Path) -> None:
    good = json.dumps({"prompt": "?", "answer": "!"}).encode()
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b"\n".join(
            [
                good,
                b"[1]",
                b"",
                b'{"prompt": "caf\xe9", "answer": "!"}',
                b'{"prompt": "half \\ud83d", "answer": "!"}',
                b'{"prompt": "?"}',
                b'{"answer": "!"}',
                b'{"prompt": 7, "answer": "!"}',
                b'{"prompt": "", "answer": "!"}',
                b'{"prompt": "?", "answer": 7}',
                b'{"prompt": "?", "answer": "!", "temperature": "hot"}',
                b'{"messages": [{"role": "tool", "content": "x"}], "answer": "!"}',
                b'{"messages": [{"role": "user", "content": [{"type": "image_url"}]}], "answer": "!"}',
                good,
                good[:-5],
            ]
        )
    )
    found = told(path)
    assert [origin for origin, _ in found] == [f"a.jsonl#{number}" for number in (1, 2, *range(4, 16))]
    assert [answer for _, answer in found if answer == "!"] == ["!", "!"]
    for (_, reason), expected in zip(
        [one for one in found if one[1] != "!"],
        [
            "not_a_mapping: found a list",
            "wrong_encoding: not UTF-8: byte 0xe9",
            "prompt: wrong_encoding",
            "no answer; accepted: one of response, answer, solution",
            "nothing asked; accepted: one of messages, prompt, question",
            "prompt: found 7; accepted: text",
            "prompt: empty",
            "answer: found 7; accepted: text",
            "temperature: found 'hot'; accepted: a number",
            "messages[0].role: found 'tool'; accepted: system",
            "messages[0].content: a part of kind 'image_url'; accepted: text",
            "malformed_json",
        ],
        strict=True,
    ):
        assert reason.startswith(expected)


def test_an_answer_that_is_empty_is_a_failed_reply_and_keeps_its_number(tmp_path: Path) -> None:
    answers: list[Object] = [{"answer": ""}, {"answer": None}, {"answer": "<think>on and on"}, {"answer": "5"}]
    found = read(lines(tmp_path / "a.jsonl", *({"prompt": "?", **answer} for answer in answers)))
    assert [(one.reply.status, one.reply.reason, one.sample_index) for one in found] == [
        ("failed", "empty_answer", 0),
        ("failed", "empty_answer", 1),
        ("failed", "empty_answer", 2),
        ("ok", "", 3),
    ]
    assert [(one.reply.thinking, one.reply.thinking_kind) for one in found][1:3] == [("", "none"), ("on and on", "raw")]


@pytest.mark.parametrize(
    ("finish_reason", "status", "reason"),
    [("length", "truncated", "max_tokens"), ("SAFETY", "blocked", "safety"), ("stop", "ok", "")],
)
def test_the_finish_reason_decides_the_status(tmp_path: Path, finish_reason: str, status: str, reason: str) -> None:
    [answer] = read(lines(tmp_path / "a.jsonl", {"prompt": "?", "answer": "5", "finish_reason": finish_reason}))
    reply = answer.reply
    assert (reply.status, reply.reason, reply.finish_reason) == (status, reason, finish_reason)


def test_a_reference_is_not_taken_for_the_answer(tmp_path: Path) -> None:
    conversation = [*MESSAGES, {"role": "assistant", "content": "<think>2, 3</think>5"}]
    path = lines(
        tmp_path / "a.jsonl",
        {"question": "?", "solution": "reference", "answer": "reference", "response": "5"},
        {"messages": conversation, "answer": "reference", "solution": "reference"},
        {"prompt": MESSAGES, "solution": "5"},
        {"system": "Be brief.", "question": "What is 2 + 3?", "answer": "5"},
    )
    found = read(path)
    assert [answer.reply.answer for answer in found] == ["5"] * 4
    assert [answer.messages for answer in found[1:]] == [ASKED] * 3
    assert found[1].reply.thinking == "2, 3"


def test_tokens_nobody_reported_are_counted_under_our_name(tmp_path: Path) -> None:
    usage = completion("5")["usage"]
    row = {"prompt": "?", "thinking": "2 and 3", "answer": "5"}
    [ours, theirs, total] = read(
        lines(tmp_path / "a.jsonl", row, row | {"usage": usage}, row | {"usage": {"completion_tokens": 9}})
    )
    assert (ours.reply.thinking_tokens, ours.reply.answer_tokens, ours.reply.token_counter) == (3, 1, APPROXIMATE)
    assert (theirs.reply.thinking_tokens, theirs.reply.answer_tokens, theirs.reply.token_counter) == (7, 2, "usage")
    assert (theirs.reply.input_tokens, theirs.reply.cached_tokens) == (20, 16)
    assert (total.reply.thinking_tokens, total.reply.answer_tokens, total.reply.token_counter) == (3, 6, APPROXIMATE)


def test_json_lines_are_read_in_bounded_memory(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", *({"prompt": f"{n}", "answer": "x" * 20_000} for n in range(200)))
    answers = read_answers(path)
    tracemalloc.start()
    try:
        assert sum(isinstance(answer, ImportedAnswer) for answer in answers) == 200
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


# curator


def test_curators_request_and_raw_response_are_read(tmp_path: Path) -> None:
    [answer] = read(lines(tmp_path / "responses_0.jsonl", curator_row()))
    reply = answer.reply
    assert (answer.messages, answer.model) == (ASKED, "some-model")
    assert answer.sampling == Sampling(max_output_tokens=100, temperature=0.0)
    assert repr(answer.sampling.temperature) == "0.0"
    assert (reply.thinking, reply.answer, reply.served_model) == ("2 and 3 are 5", "5", "some-model-2026-01-01")
    assert (reply.input_tokens, reply.thinking_tokens, reply.answer_tokens, reply.price_usd) == (20, 7, 2, 0.002)


def test_curators_other_backends_are_read(tmp_path: Path) -> None:
    blocks = [{"type": "thinking", "thinking": "2, 3", "signature": "x"}, {"type": "text", "text": "5"}]
    claude = {"type": "message", "model": "claude", "content": blocks}
    path = lines(
        tmp_path / "responses_0.jsonl",
        curator_row(raw_response={"request_id": "0", "prompt": "..."}, token_usage=None, response_cost=None),
        curator_row(raw_response=claude),
        curator_row(raw_response={"custom_id": "0", "result": {"type": "succeeded", "message": claude}}),
        curator_row(raw_response=came("0", completion("5"))),
        curator_row(raw_response=completion(None), response_message={"answer": 5}),
        curator_row(raw_response=None, response_message={"choices": ["4", "5"]}),
        curator_row(raw_response=None, response_message=completion("5")),
        curator_row(response_errors=["no JSON"], response_message=None, raw_response=came("0", completion("five"))),
        curator_row(token_usage={"prompt_tokens": 3, "completion_tokens": 4}, raw_response={"metrics": None}),
    )
    found = read(path)
    assert [(one.reply.thinking, one.reply.thinking_kind, one.reply.answer) for one in found] == [
        ("", "none", "5"),
        ("2, 3", "summary", "5"),
        ("2, 3", "summary", "5"),
        ("", "none", "5"),
        ("", "none", '{"answer": 5}'),
        ("", "none", '{"choices": ["4", "5"]}'),
        ("", "none", "5"),
        ("", "none", "five"),
        ("", "none", "5"),
    ]
    assert [one.reply.price_usd for one in found][:2] == [None, 0.002]
    assert (found[1].reply.answer_tokens, found[-1].reply.answer_tokens) == (9 - 3, 4)


def test_a_failed_call_of_curators_is_no_answer_and_takes_no_number(tmp_path: Path) -> None:
    failed = curator_row(response_message=None, raw_response=None, response_errors=["429(x10)"], token_usage=None)
    path = lines(tmp_path / "responses_0.jsonl", failed, curator_row(), json.dumps(curator_row())[:300])
    found = list(read_answers(path))
    assert isinstance(found[0], Unreadable) and "an error in place of an answer: ['429(x10)']" in found[0].reason
    assert isinstance(found[1], ImportedAnswer) and found[1].sample_index == 0
    assert isinstance(found[2], Unreadable) and found[2].origin == f"{path}#3"


def test_curators_files_are_read_by_number(tmp_path: Path) -> None:
    for number in (10, 9):
        lines(tmp_path / f"responses_{number}.jsonl", curator_row(raw_response=None, response_message=str(number)))
    assert told(tmp_path) == [("responses_9.jsonl#1", "9"), ("responses_10.jsonl#1", "10")]


# SkyThought


def test_skythoughts_samples_come_with_the_runs_model_and_sampling(tmp_path: Path) -> None:
    path = skythought_run(tmp_path, {"17": skythought_row("5", "<think>2, 3</think>6"), "18": skythought_row("7")})
    found = read(path)
    assert [(one.reply.answer, one.sample_index) for one in found] == [("5", 0), ("6", 1), ("7", 2)]
    assert [one.origin for one in found] == [f"{path}:17/0", f"{path}:17/1", f"{path}:18"]
    assert {(one.messages, one.model) for one in found} == {(ASKED, "Qwen/Some")}
    assert {one.sampling for one in found} == {Sampling(max_output_tokens=100, temperature=0.5, top_p=1.0)}
    assert (found[0].reply.input_tokens, found[0].reply.answer_tokens, found[0].reply.token_counter) == (20, 9, "usage")


def test_skythoughts_answer_as_long_as_the_limit_is_truncated(tmp_path: Path) -> None:
    path = skythought_run(tmp_path, {"1": skythought_row("on and on", tokens=100)})
    [answer] = read(path)
    assert (answer.reply.status, answer.reply.finish_reason) == ("truncated", "")


def test_tokens_that_skythought_books_on_the_first_sample_tell_nothing(tmp_path: Path) -> None:
    row = skythought_row("5", "6")
    row["token_usages"] = [
        {"completion_tokens": 100, "prompt_tokens": 20},
        {"completion_tokens": 0, "prompt_tokens": 20},
    ]
    assert [one.reply.status for one in read(skythought_run(tmp_path, {"1": row}))] == ["ok", "ok"]


def test_skythoughts_older_responses_by_temperature_are_read(tmp_path: Path) -> None:
    row = skythought_row() | {"responses": {"0.7": {"content": "5"}, "1.0": [{"content": "6"}, {"content": "7"}]}}
    row["token_usages"] = {"0.7": {"completion_tokens": 9, "prompt_tokens": 20}}
    del row["input_conversation"]
    question = "What is 2 + 3, and this is a question long enough to be no key?"
    found = read(whole(tmp_path / "results.json", {question: row}))
    assert [(one.reply.answer, one.sampling.temperature) for one in found] == [("5", 0.7), ("6", 1.0), ("7", 1.0)]
    assert found[0].messages == ASKED[1:]
    assert found[0].origin == f"{tmp_path}/results.json:1/0"


def test_skythoughts_damage_is_told_row_by_row(tmp_path: Path) -> None:
    rows: dict[str, object] = {
        "1": skythought_row("5"),
        "2": {"question": "?"},
        "3": [],
        "4": skythought_row("caf_"),
        "5": skythought_row("5"),
    }
    path = skythought_run(tmp_path, rows)
    path.write_bytes(path.read_bytes().replace(b"caf_", b"caf\xe9")[:-150])
    (tmp_path / "summary.json").write_text('{"configuration": ')
    found = told(path)
    assert [origin for origin, _ in found] == ["summary.json"] + [f"results.json:{n}" for n in range(1, 5)] + [
        "results.json"
    ]
    assert found[1][1] == "5"
    assert "prompt: nothing there" in found[2][1]
    assert "wrong_encoding" in found[4][1]
    assert found[5][1].startswith("all after 4 rows: malformed_json")


# s1 and its collector


def test_s1s_folder_is_read_by_name_and_a_file_cut_short_is_told(tmp_path: Path) -> None:
    for name, question in {"b": "B?", "a": "A?"}.items():
        whole(tmp_path / "geminiall" / f"{name}.json", s1_row(question), indent=None)
    (tmp_path / "geminiall" / "c.json").write_text(json.dumps(s1_row())[:-9])
    (tmp_path / "geminiall" / "d.json").write_text("")
    found = list(read_answers(tmp_path))
    assert [type(one) for one in found] == [ImportedAnswer] * 2 + [Unreadable] * 2
    assert [one.messages[0].content for one in found if isinstance(one, ImportedAnswer)] == ["A?", "B?"]
    assert isinstance(found[0], ImportedAnswer) and found[0].reply.thinking_kind == "raw" and found[0].model == ""


def test_the_collectors_reply_is_read_and_its_error_is_no_answer(tmp_path: Path) -> None:
    rows = [
        collected(1),
        collected(2, trace="", answer="Error: Max retries exceeded"),
        collected(3, trace="All in one paragraph.", answer=""),
        collected(4, trace="", answer="Answer: 7"),
        7,
    ]
    path = whole(tmp_path / "outputs.json", rows)
    found = list(read_answers(path))
    answers = [one for one in found if isinstance(one, ImportedAnswer)]
    assert [(one.reply.thinking, one.reply.thinking_kind, one.reply.answer) for one in answers] == [
        ("2 and 3.", "visible", "Therefore, 5."),
        ("", "none", "All in one paragraph."),
        ("", "none", "Answer: 7"),
    ]
    assert [(one.origin, one.reason) for one in found if isinstance(one, Unreadable)] == [
        (f"{path}:1", "an error in place of an answer: Error: Max retries exceeded"),
        (f"{path}:4", "not_a_mapping: found a number, not an object"),
    ]


def test_of_the_collectors_folder_what_only_the_progress_holds_is_read_too(tmp_path: Path) -> None:
    whole(tmp_path / "outputs.json", [collected(1), collected(2)])
    whole(tmp_path / "s1k_format.json", [{"question": "What is 1 + 3?", "reasoning_trace": "", "answer": "4"}])
    progress = {"processed_ids": ["1", "2", "3"], "outputs": [collected(1), collected(2), collected(3), collected(4)]}
    path = whole(tmp_path / "progress.json", progress)
    path.write_text(path.read_text()[:-60])
    found = list(read_answers(tmp_path))
    assert [one.origin.rpartition("/")[2] for one in found] == [
        "outputs.json:0",
        "outputs.json:1",
        "progress.json:2",
        "progress.json:3",
    ]
    assert isinstance(found[3], Unreadable) and "this and all that follows: malformed_json" in found[3].reason


def test_a_list_that_was_cut_short_gives_what_stands_before_the_cut(tmp_path: Path) -> None:
    path = whole(tmp_path / "outputs.json", [collected(1), collected(2)])
    path.write_text(path.read_text()[:-60])
    found = list(read_answers(path))
    assert [type(one) for one in found] == [ImportedAnswer, Unreadable]
    assert found[1].origin == f"{path}:1"


# Batches


def test_a_batchs_answers_are_matched_by_custom_id_and_never_by_order(tmp_path: Path) -> None:
    prompts = lines(
        tmp_path / "input.jsonl",
        "",
        sent("a", "A?", temperature=1, max_completion_tokens=50),
        "",
        sent("b", "B?", seed=3),
    )
    output = lines(
        tmp_path / "output.jsonl", came("b", completion("b!")), came("a", completion("a!", "length", reasoning="hm"))
    )
    [second, first] = read(output, prompts=prompts)
    assert (first.messages, first.reply.answer) == ((Message("user", "A?"),), "a!")
    assert (second.messages, second.reply.answer) == ((Message("user", "B?"),), "b!")
    assert (first.sampling, second.sampling) == (Sampling(max_output_tokens=50, temperature=1.0), Sampling(seed=3))
    assert (first.model, first.reply.served_model) == ("some-model", "some-model-2026-01-01")
    assert (first.reply.status, first.reply.thinking, first.reply.thinking_kind) == ("truncated", "hm", "raw")


def test_a_batchs_choices_are_samples_and_share_one_usage(tmp_path: Path) -> None:
    body = completion("5")
    body["choices"].append({"index": 1, "message": {"role": "assistant", "content": "6"}, "finish_reason": "stop"})
    output = lines(tmp_path / "output.jsonl", came("a", body))
    found = read(output, prompts=lines(tmp_path / "input.jsonl", sent("a", n=2)))
    assert [(one.reply.answer, one.sample_index, one.reply.input_tokens) for one in found] == [
        ("5", 0, 20),
        ("6", 1, 0),
    ]
    assert [one.origin for one in found] == [f"{output}#1/0", f"{output}#1/1"]
    assert {one.reply.token_counter for one in found} == {APPROXIMATE}


def test_a_batchs_failures_are_no_answers(tmp_path: Path) -> None:
    prompts = lines(tmp_path / "input.jsonl", *(sent(name) for name in "abcdd"), "{half", {"no": "id"})
    output = lines(
        tmp_path / "output.jsonl",
        came("a", {"error": {"message": "slow down"}}, status=429),
        came("a", completion("5")),
        came("a", completion("5")),
        came("b", {}, error={"code": "batch_expired", "message": "too late"}),
        came("c", {"object": "response", "output": []}),
        came("d", completion("5")),
        came("e", completion("5")),
        came("b", completion(None, refusal="No.")),
    )
    *_, last = read_answers(output, prompts=prompts)
    assert isinstance(last, ImportedAnswer) and (last.reply.status, last.reply.reason) == ("refused", "No.")
    found = told(output, prompts=prompts)
    expected = [
        ("input.jsonl#6", "malformed_json"),
        ("input.jsonl#7", "no custom_id"),
        ("output.jsonl#1", "an error in place of an answer: 429 {'error': {'message': 'slow down'}}"),
        ("output.jsonl#2", "5"),
        ("output.jsonl#3", "custom_id 'a' was answered before in this file"),
        ("output.jsonl#4", "an error in place of an answer: {'code': 'batch_expired'"),
        ("output.jsonl#5", "no choices; accepted: chat completions"),
        ("output.jsonl#6", "custom_id 'd' stands twice"),
        ("output.jsonl#7", "custom_id 'e' is not in"),
        ("output.jsonl#8", ""),
    ]
    assert [origin for origin, _ in found] == [origin for origin, _ in expected]
    assert all(text.startswith(start) for (_, text), (_, start) in zip(found, expected, strict=True)), found
