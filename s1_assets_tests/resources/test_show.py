import csv
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1_assets.errors import StorageError
from s1_assets.ports import Address
from s1_assets.records.decisions import S1KRow
from s1_assets.records.tables import TABLES, write_rows
from s1_assets.resources.house import House
from s1_assets.resources.show import FORMATS, head, open_table, write_file
from s1_assets_tests.records import question, scored_trace

TABLE = TABLES["raw_questions"]
ROWS = [
    question(question_id=f"{n:032x}", question=text, reference_answer=None if n % 2 else "5", solution=text or None)
    for n, text in enumerate(["plain", 'quote " and, comma', "line\r\nbreak\n", "∀ é 👩", "=1+1", "\x00 \x1b[31m", ""])
]


def dataset(rows: list[object] | None = None) -> ds.Dataset:
    import pyarrow as pa

    batches = write_rows(TABLE, ROWS if rows is None else rows, rows_per_batch=2)
    return ds.dataset(pa.Table.from_batches(batches, TABLE.schema))


def read_back(path: Path) -> list[dict[str, object]]:
    if path.suffix == ".parquet":
        found: list[dict[str, object]] = pq.read_table(path).to_pylist()
        return found
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
    with path.open(encoding="utf-8", newline="") as file:
        return [dict(row) for row in csv.DictReader(file)]


@pytest.mark.parametrize("ending", FORMATS)
def test_what_is_written_is_read_back(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"out{ending}"
    assert write_file(dataset(), file) == len(ROWS)
    expected = dataset().to_table().to_pylist()
    if ending == ".csv":  # which has texts only
        expected = [{name: "" if value is None else value for name, value in row.items()} for row in expected]
    assert read_back(file) == expected
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_table_without_rows_is_a_file_without_rows(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"out{ending}"
    assert write_file(dataset([]), file) == 0
    assert read_back(file) == []


def test_lists_are_json_in_csv(tmp_path: Path) -> None:
    import pyarrow as pa

    from s1_assets.domain.selection.s1k_rows import s1k_row

    row: S1KRow = s1k_row(question(), scored_trace(thinking="a, b"))
    table = ds.dataset(pa.Table.from_batches(write_rows(TABLES["s1k_dataset"], [row])))
    write_file(table, tmp_path / "out.csv")
    assert json.loads(str(read_back(tmp_path / "out.csv")[0]["thinking_trajectories"])) == ["a, b"]


@given(st.integers(0, 9))
def test_a_head_and_a_limit_are_the_first_rows(count: int) -> None:
    from tempfile import TemporaryDirectory

    expected = dataset().to_table().to_pylist()[:count]
    assert head(dataset(), count) == expected
    with TemporaryDirectory() as folder:
        file = Path(folder) / "out.jsonl"
        assert write_file(dataset(), file, limit=count) == len(expected)
        assert read_back(file) == expected


@pytest.mark.parametrize("name", ["out.json", "out", "out.JSONL", "out.csv.gz"])
def test_another_ending_is_refused_with_those_accepted(tmp_path: Path, name: str) -> None:
    with pytest.raises(StorageError, match=r"accepted are files ending in \.jsonl, \.csv, \.parquet"):
        write_file(dataset(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", FORMATS)
def test_a_folder_that_is_not_there_is_told_by_name(tmp_path: Path, ending: str) -> None:
    file = tmp_path / "nowhere" / f"out{ending}"
    with pytest.raises(StorageError, match=r"--out .*nowhere"):
        write_file(dataset(), file)


@pytest.mark.parametrize("ending", FORMATS)
def test_a_write_that_fails_half_way_leaves_the_old_file_and_no_draft(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"out{ending}"
    file.write_text("old")

    class Failing:
        schema = TABLE.schema

        def to_batches(self, **scan: object):  # type: ignore[no-untyped-def]
            yield from dataset().to_batches()
            raise OSError(28, "No space left on device")

        def count_rows(self, **scan: object) -> int:
            return 9

    with pytest.raises(StorageError, match="No space left on device"):
        write_file(Failing(), file)
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_table_is_opened_by_its_name(project: Path) -> None:
    house = House()
    store = house.tables
    store.write(Address("raw_questions", "gcd"), TABLE, write_rows(TABLE, ROWS[:3]))
    version, rows = open_table(house, "raw_questions:gcd")
    assert version is not None
    assert (version.rows, rows.count_rows()) == (3, 3)
    assert open_table(house, "raw_questions")[0] == version
    store.write(Address("raw_questions", "lcm"), TABLE, write_rows(TABLE, ROWS[3:]))
    joined, rows = open_table(house, "raw_questions")
    assert (joined, rows.count_rows()) == (None, len(ROWS))


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("raw_question", "there is no asset 'raw_question'; accepted are raw_questions, student_attempts"),
        ("raw_questions:nobody", "there is no source 'nobody'"),
        ("raw_questions:gcd", "nothing is stored under raw_questions:gcd yet; `s1 run` makes it"),
        ("s1k_dataset", "nothing is stored under s1k_dataset yet"),
        ("", "there is no asset ''"),
    ],
)
def test_a_name_without_a_table_is_told(project: Path, name: str, complaint: str) -> None:
    with pytest.raises(StorageError) as told:
        open_table(House(), name)
    assert complaint in str(told.value)


def test_a_row_cannot_move_the_cursor_of_s1_show(project: Path) -> None:
    House().tables.write(Address("raw_questions", "gcd"), TABLE, write_rows(TABLE, ROWS))
    done = subprocess.run(
        [sys.executable, "-c", "from s1_assets.cli import main; main()", "show", "raw_questions:gcd", "--head", "9"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "raw_questions:gcd: 7 rows" in done.stdout
    assert "\x1b" not in done.stdout
    assert "�[31m" in done.stdout
