import csv
import gzip
import json
import os
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from s1_assets.adapters.sources import text_rows
from s1_assets.adapters.sources.readers import SourceReaders
from s1_assets.domain.catalogue.mapping import question_of
from s1_assets.errors import SourceUnreadable
from s1_assets.records.questions import Question
from s1_assets_tests.adapters.sources.rows import read, reasons, table

ROWS = [{"question": f"What is {n}+{n}?", "answer": str(2 * n), "level": n, "note": "é"} for n in range(1, 6)]
TEXTS = [row["question"] for row in ROWS]


def lines(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def written(folder: Path, name: str) -> Path:
    """The rows in the format that the name's ending says."""
    path = folder / name
    text = lines(ROWS)
    if ".json" in name and ".jsonl" not in name:
        text = json.dumps({"about": [1, {"x": "]"}], "data": ROWS} if "data" in name else ROWS, indent=1)
    if ".csv" in name:
        with (folder / "plain").open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(ROWS[0]))
            writer.writeheader()
            writer.writerows(ROWS)
        text = (folder / "plain").read_bytes().decode()
    if ".parquet" in name:
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


NAMES = ["a.jsonl", "a.ndjson", "a.jsonl.gz", "a.json", "data.json", "a.json.gz", "a.csv", "a.csv.gz", "a.parquet"]


@pytest.mark.parametrize("name", NAMES)
def test_every_format_gives_the_same_questions(tmp_path: Path, name: str) -> None:
    assert read(table(written(tmp_path, name))) == (TEXTS, [])


def test_a_locator_is_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("\n" + lines(ROWS))
    (tmp_path / "a.csv").write_text('question,answer\n"two\nlines",1\n\nthird,3\n')
    assert [row.locator for row in SourceReaders().rows(table(tmp_path / "a.jsonl"))] == [
        f"a.jsonl#{n}" for n in range(2, 7)
    ]
    rows = list(SourceReaders().rows(table(tmp_path / "a.csv")))
    assert [(row.locator, row.values["question"]) for row in rows] == [("a.csv#2", "two\nlines"), ("a.csv#5", "third")]


def test_a_glob_reads_its_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b/x.jsonl", "a/x.jsonl", "a/.hidden.jsonl", "a/x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(lines([{"question": name}]))
    rows = list(SourceReaders().rows(table(tmp_path / "*" / "*.jsonl")))
    assert [row.locator for row in rows] == ["a/x.jsonl#1", "b/x.jsonl#1"]
    assert read(table(tmp_path / "**" / "*.jsonl"))[0] == ["a/x.jsonl", "b/x.jsonl"]


def test_a_relative_path_is_relative_to_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "a.jsonl")
    monkeypatch.chdir(tmp_path)
    assert read(table("a.jsonl"))[0] == TEXTS
    assert read(table("./*.jsonl"))[0] == TEXTS
    assert read(table(f"file://{tmp_path}/a.jsonl"))[0] == TEXTS


def test_brackets_in_a_files_name_are_no_glob_if_it_is_there(tmp_path: Path) -> None:
    assert read(table(written(tmp_path, "a[1].jsonl")))[0] == TEXTS


def test_bad_lines_are_set_aside_and_good_ones_go_on(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"question": "first"}\r\n'
        b'{"question": "cut off\r\n'
        b'{"question": "caf\xe9"}\r\n'
        b"[1, 2]\r\n"
        b"null\n"
        b"   \n"
        b'{"prompt": "other column"}\n'
        b'{"question": ""}\n'
        b'{"question": null}\n'
        b'{"question": "first"}\n'
        b'{"question": "half \\ud83d"}\n'
        b'{"question": "deep", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
        b'{"question": "digits", "x": ' + b"9" * 5_000 + b"}\n"
        b'{"question": "big", "x": "' + b"x" * 10_000_001 + b'"}\n'
        b'{"question": "nan", "x": NaN}\n'
        b'{"question": "last, without an end of line"}'
    )
    texts, aside = read(table(path))
    assert texts == ["first", "nan", "last, without an end of line"]
    assert reasons(aside) == {
        "mine:mixed.jsonl#2": "malformed_json",
        "mine:mixed.jsonl#3": "wrong_encoding",
        "mine:mixed.jsonl#4": "not_a_mapping",
        "mine:mixed.jsonl#5": "not_a_mapping",
        "mine:mixed.jsonl#7": "missing_question",
        "mine:mixed.jsonl#8": "empty_question",
        "mine:mixed.jsonl#9": "null_question",
        "mine:mixed.jsonl#10": "duplicate_question",
        "mine:mixed.jsonl#11": "wrong_encoding",
        "mine:mixed.jsonl#12": "too_deep",
        "mine:mixed.jsonl#13": "malformed_json",
        "mine:mixed.jsonl#14": "too_large",
    }
    evidence = {row.id.rpartition("#")[2]: row.evidence for row in aside}
    assert '(column 22): {"question": "cut off' in evidence["2"]
    assert "not UTF-8: byte 0xe9 at 18" in evidence["3"]
    assert "column 'x' holds 10,000,001 bytes" in evidence["14"]


def test_a_line_longer_than_the_memory_allows_is_set_aside_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_rows, "MOST_LINE_BYTES", 100)
    (tmp_path / "a.jsonl").write_text('{"question": "a"}\n{"question": "' + "b" * 1_000 + '"}\n{"question": "c"}\n')
    texts, aside = read(table(tmp_path / "a.jsonl"))
    assert (texts, reasons(aside)) == (["a", "c"], {"mine:a.jsonl#2": "too_large"})


def test_bad_records_of_csv_are_set_aside_and_good_ones_go_on(tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    path.write_bytes(
        b'\xef\xbb\xbfquestion, answer\r\n"one, quoted ""so""",1\r\n"too","many",3\r\n'
        b"few\r\ncaf\xe9,5\r\n,6\r\nlast,7\r\n"
    )
    texts, aside = read(table(path))
    assert texts == ['one, quoted "so"', "last"]
    assert reasons(aside) == {
        "mine:mixed.csv#3": "malformed_csv",
        "mine:mixed.csv#4": "malformed_csv",
        "mine:mixed.csv#5": "wrong_encoding",
        "mine:mixed.csv#6": "empty_question",
    }


def test_a_large_csv_cell_is_set_aside_with_its_size(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question,x\na," + "x" * 10_000_001 + "\nb,1\n")
    texts, aside = read(table(tmp_path / "a.csv"))
    assert (texts, reasons(aside)) == (["b"], {"mine:a.csv#2": "too_large"})


def test_bad_elements_of_a_json_list_are_set_aside(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'[{"question": "a"}, 5, {"question": "caf\xe9"}, {"question": "b"} ]\n')
    texts, aside = read(table(tmp_path / "a.json"))
    assert texts == ["a", "b"]
    assert reasons(aside) == {"mine:a.json#2": "not_a_mapping", "mine:a.json#3": "wrong_encoding"}


@pytest.mark.parametrize("text", ["[]", " [ ] \n", '{"data": []}'])
def test_an_empty_list_has_no_rows(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert read(table(tmp_path / "a.json")) == ([], [])


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_an_empty_file_has_no_rows(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("")
    assert read(table(tmp_path / name)) == ([], [])


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", b'{"rows": [1]}', r"an object with \['rows'\]; accepted: a list, or an object with the list 'data'"),
        ("a.json", b'{"question": "a"}\n{"question": "b"}\n', r"JSON lines: name the file \.jsonl"),
        ("a.json", b'[{"question": "a"}, {"question": ]', "not JSON: element 2: Expecting value"),
        ("a.json", b'[{"question": "a"} {', r"not JSON: found '\{'; accepted: , or \]"),
        ("a.json", b'[{"question": "a"}', r"found the end of the file"),
        ("a.json", b"", "begins with an empty file"),
        ("a.jsonl", "\ufeff{}".encode("utf-16-le"), "UTF-16 or UTF-32; accepted: UTF-8"),
        ("a.json", "\ufeff[]".encode("utf-16-be"), "UTF-16 or UTF-32; accepted: UTF-8"),
        ("a.csv", b"a,b,a\n", r"the header has \['a'\] twice"),
        ("a.parquet", b"no parquet at all", "a.parquet: .*(magic|footer)"),
        ("a.jsonl.gz", gzip.compress(lines(ROWS).encode())[:-9], "a.jsonl.gz: .*end-of-stream"),
        ("a.txt", b"", r"its kind is told by its ending; accepted: \.jsonl, \.ndjson, \.json, \.csv, \.parquet"),
        ("a.parquet.gz", b"", "its kind is told by its ending"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_with_the_reason(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceUnreadable, match=told):
        read(table(tmp_path / name))


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("missing.jsonl", r"source mine: missing\.jsonl: no such file \(looked in /"),
        ("/nowhere/at/all.jsonl", "source mine: /nowhere/at/all.jsonl: no such file"),
        ("*.jsonl", r"\*\.jsonl: no file matches \(looked in /"),
        (".", r"\. is a folder; give a file, or a glob such as \./\*\.jsonl"),
        ("ftp://host/a.jsonl", "nothing here reads ftp://; accepted: a local path, s3://"),
    ],
)
def test_a_place_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    source = table(location)
    for ask in (SourceReaders().state, SourceReaders().revision, lambda source: list(SourceReaders().rows(source))):
        with pytest.raises(SourceUnreadable, match=told):
            ask(source)


def test_a_bad_file_of_a_glob_is_told_before_any_row_is_read(tmp_path: Path) -> None:
    written(tmp_path, "a.jsonl")
    (tmp_path / "b.txt").write_text("")
    with pytest.raises(SourceUnreadable, match=r"b\.txt"):
        next(SourceReaders().rows(table(tmp_path / "*")))


def test_the_state_changes_with_the_file_and_the_revision_with_its_content(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl")
    source, readers = table(path), SourceReaders()
    state, revision = readers.state(source), readers.revision(source)
    assert (readers.state(source), readers.revision(source)) == (state, revision)
    os.utime(path, ns=(1, 1))
    assert readers.state(source) != state
    assert readers.revision(source) == revision
    path.write_text(lines(ROWS[:4]))
    assert readers.revision(source) != revision


def test_the_same_file_elsewhere_has_the_same_revision(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    here, there = table(written(tmp_path, "a.jsonl")), table(written(tmp_path / "x", "a.jsonl"))
    assert SourceReaders().revision(here) == SourceReaders().revision(there)


def test_sixty_thousand_rows_are_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.jsonl"
    with path.open("w") as stream:
        for number in range(60_000):
            stream.write(json.dumps({"question": f"What is {number}? " * 20, "answer": number}) + "\n")
    tracemalloc.start()
    assert sum(1 for _ in SourceReaders().rows(table(path))) == 60_000
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()


def test_a_json_list_is_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.json"
    path.write_text("[" + ",\n".join(json.dumps({"question": f"{n} " * 200}) for n in range(40_000)) + "]")
    tracemalloc.start()
    assert sum(1 for _ in SourceReaders().rows(table(path))) == 40_000
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()


DATA = Path(__file__).parents[3] / ".." / "shared" / "data"


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data beside the repository")
@pytest.mark.parametrize(
    ("location", "question", "answer", "count"),
    [
        ("gsm8k/*.jsonl", "question", {"names": "solution", "strip_before": "####"}, 1_000),
        ("math/math_1500.jsonl.gz", "problem", {"names": "solution", "boxed": True}, 1_500),
    ],
)
def test_published_rows_are_read_and_their_answers_found(
    location: str, question: str, answer: dict[str, object], count: int
) -> None:
    source = table(DATA / location, fields={"question": question, "reference_answer": answer})
    rows = list(SourceReaders().rows(source))
    assert len(rows) == count
    right = 0
    for row in rows:
        found = question_of(source, row, "r")
        assert isinstance(found, Question)
        right += (found.reference_answer or "").replace(",", "") == str(row.values["answer"]).replace(",", "")
    assert right >= 0.99 * count
