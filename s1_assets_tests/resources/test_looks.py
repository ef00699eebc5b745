"""What people see of rows: metadata in the UI, text on a terminal, pictures. A row's own markup takes no effect."""

import re

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1_assets.ports import Address, Version
from s1_assets.records.attempts import Trace
from s1_assets.records.questions import SetAside
from s1_assets.records.tables import TABLES
from s1_assets.resources.metadata import (
    PREVIEW_WIDTHS,
    SHOWN_AT_ONCE,
    column_schema,
    counts_table,
    preview,
    table_metadata,
)
from s1_assets.resources.plots import MOST_BARS, bars, histogram
from s1_assets.resources.terminal import inert, inert_lines

HOSTILE = [
    "<script>alert(1)</script>",
    "![x](http://evil/x.png)",
    "[click](javascript:alert(1))",
    "a | b | c",
    "line\nbreak\r\n| more |",
    "`code` **bold** _under_ $x$",
    "&lt;b&gt;",
    "\x1b[31mred",
    "x\x0b\x0c\x85\u2028y",
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def table(*texts: str | None) -> ds.Dataset:
    return ds.dataset(pa.table({"id": range(len(texts)), "text": pa.array(texts, pa.string())}))


def cells(markdown: str) -> list[list[str]]:
    """Rows of a markdown table, split as markdown splits them."""
    return [line.removeprefix("| ").removesuffix(" |").split(" | ") for line in markdown.split("\n")]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_cell_is_inert_in_markdown(text: str) -> None:
    rows = cells(preview(table(text)))
    assert [len(row) for row in rows] == [2, 2, 2, 2]
    assert not re.search(r"[<>`*_$!\[]", rows[3][1])


@given(TEXTS)
def test_no_cell_breaks_its_table(text: str) -> None:
    shown = preview(table(text, "x"))
    assert shown.count("|") == 4 * 4
    assert len(shown.splitlines()) == 4
    assert shown.endswith("| x |")


def test_long_cells_are_cut_before_their_marks_are_escaped() -> None:
    shown = cells(preview(table("<" * 500)))[3][1]
    assert re.fullmatch(r"(&lt;)+…", shown)
    assert cells(preview(table("x" * 500)))[3][1] == "x" * PREVIEW_WIDTHS[0] + "…"


def test_a_preview_is_short_enough_to_be_shown_without_a_click() -> None:
    wide = pa.table({f"column_{number}": ["long text " * 50] * 5 for number in range(16)})
    shown = preview(ds.dataset(wide))
    assert len(shown) < SHOWN_AT_ONCE
    assert len(cells(shown)) == 2 + 16


def test_a_preview_shows_two_rows_and_says_when_there_are_none() -> None:
    assert cells(preview(table(*"abcdefgh")))[0] == ["column", "row 1", "row 2"]
    assert preview(table()) == "no rows"
    assert cells(preview(table(None)))[3] == ["text", ""]


def test_columns_are_described_by_the_record_they_come_from() -> None:
    described = {
        column.name: column.description for column in column_schema(TABLES["raw_traces"].schema, Trace).columns
    }
    assert described["call_key"] == "Key of the call in the ledger."


def test_counts_are_ranked_and_their_names_inert() -> None:
    assert counts_table("reason", {"b|b": 5, "a": 5, "c": 1_000}).splitlines()[2:] == [
        "| c | 1,000 |",
        "| a | 5 |",
        "| b&#124;b | 5 |",
    ]


def test_metadata_counts_what_was_set_aside_by_reason() -> None:
    version = Version(Address("raw_questions", "mine"), 3, "hash", "print", 2, 2, 99, ("f",), (), {})
    aside = [SetAside("1", "read", "empty_question", ""), SetAside("2", "read", "empty_question", "")]
    metadata = table_metadata(version, table("a", "b"), aside)
    assert (metadata["dagster/row_count"], metadata["set_aside"], metadata["version"]) == (2, 2, 3)
    assert "| read: empty&#95;question | 2 |" in metadata["set_aside_by_reason"].value
    assert [(c.name, c.type) for c in metadata["dagster/column_schema"].columns] == [
        ("id", "int64"),
        ("text", "string"),
    ]
    assert "set_aside_by_reason" not in table_metadata(version, table("a"), [])


@given(TEXTS | st.text(alphabet="\x1b\x07\x9b[31mAB\n\r\t\u202e\u200b\u2028"))
def test_nothing_that_moves_a_cursor_reaches_the_terminal(text: str) -> None:
    shown = inert(text)
    assert len(shown) == len(text)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", shown)
    for line in inert_lines(text).split("\n"):
        assert inert(line) == line


def test_an_escape_sequence_is_shown_as_text() -> None:
    assert inert("\x1b[31mred\x1b[0m") == "�[31mred�[0m"
    assert inert("a\nb\tc") == "a b c"
    assert inert_lines("a\x07\nb") == "a�\nb"
    assert inert(None) == ""
    assert inert(5) == "5"
    assert inert("\ud83d") == "�"


@given(TEXTS, st.integers(1, 20))
def test_a_line_is_cut_to_its_width_and_shows_that_it_was(text: str, width: int) -> None:
    shown = inert(text, width)
    assert len(shown) <= width
    assert shown.endswith("…") or shown == inert(text)


@pytest.mark.parametrize("name", ["a$\\frac$b", "$x$", "\\", "{", "solver:m_1: ok", ""])
def test_any_name_can_be_drawn(name: str) -> None:
    drawn = bars("plain title", {name: 3, "b": 1})
    assert drawn is not None
    assert drawn.startswith("![plain title](data:image/png;base64,iVBOR")


def test_nothing_to_draw_is_no_picture() -> None:
    assert bars("t", {}) is None
    assert histogram("t", [], "tokens") is None


def test_many_bars_and_few_values_are_drawn() -> None:
    assert bars("t", {str(number): number for number in range(MOST_BARS + 9)})
    for values in ([5.0], [0.0, 0.0], list(range(1_000))):
        assert histogram("t", values, "tokens")
