"""What the UI shows of a stored table: schema, counts, a short preview, reasons."""

import ast
import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import dagster as dg
import pyarrow as pa

from s1_assets.ports import LazyTable, Version
from s1_assets.records.questions import SetAside
from s1_assets.records.tables import TABLES

PREVIEW_ROWS = 2
PREVIEW_WIDTHS = (120, 80, 56, 40, 28, 20, 14)
"""Characters of a cell: the largest with which the preview stays below `SHOWN_AT_ONCE`, else the smallest."""
SHOWN_AT_ONCE = 1_000
"""The UI shows markdown of fewer characters as it is, and hides longer one behind a click."""


def table_metadata(version: Version, rows: LazyTable, set_aside: Sequence[SetAside]) -> dict[str, Any]:
    """Metadata of one stored version."""
    table = TABLES.get(version.address.asset)
    metadata: dict[str, Any] = {
        "dagster/row_count": version.rows,
        "dagster/column_schema": column_schema(rows.schema, table.row if table else None),
        "set_aside": version.set_aside,
        "bytes": version.bytes,
        "version": version.number,
        "preview": dg.MetadataValue.md(preview(rows)),
    }
    if set_aside:
        reasons = Counter(f"{row.stage}: {row.reason}" for row in set_aside)
        metadata["set_aside_by_reason"] = dg.MetadataValue.md(counts_table("reason", reasons))
    return metadata


def column_schema(schema: pa.Schema, kind: type | None = None) -> dg.TableSchema:
    """An Arrow schema as the UI's Columns panel, described by the record that its rows are."""
    notes = _field_notes(kind) if kind is not None else {}
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                field.name,
                str(field.type),
                description=notes.get(field.name),
                constraints=dg.TableColumnConstraints(nullable=field.nullable),
            )
            for field in schema
        ]
    )


@cache
def _field_notes(kind: type) -> dict[str, str]:
    """The text under each field of a record's class."""
    (definition,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(definition, ast.ClassDef)
    notes = {}
    for field, text in pairwise(definition.body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            notes[ast.unparse(field.target)] = " ".join(str(text.value.value).split())
    return notes


def preview(rows: LazyTable) -> str:
    """The first rows side by side, a line per column, cells cut so that the whole is shown without a click."""
    head: list[Mapping[str, Any]] = []
    for batch in rows.to_batches(batch_size=PREVIEW_ROWS, batch_readahead=0, fragment_readahead=0):
        head.extend(batch.slice(0, PREVIEW_ROWS - len(head)).to_pylist())
        if len(head) >= PREVIEW_ROWS:
            break
    if not head:
        return "no rows"
    for width in PREVIEW_WIDTHS:
        shown = _side_by_side(rows.schema.names, head, width)
        if len(shown) < SHOWN_AT_ONCE:
            break
    return shown


def _side_by_side(names: Sequence[str], rows: Sequence[Mapping[str, Any]], width: int) -> str:
    lines = [_line(["column", *(f"row {number}" for number, _ in enumerate(rows, start=1))])]
    lines.append(_line(["---"] * (len(rows) + 1)))
    lines.extend(_line([_cell(name, width), *(_cell(row[name], width) for row in rows)]) for name in names)
    return "\n".join(lines)


def counts_table(heading: str, counts: Mapping[str, int]) -> str:
    """Counts as a markdown table, largest first."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "\n".join(
        [
            _line([heading, "rows"]),
            _line(["---", "---:"]),
            *(_line([_cell(k, PREVIEW_WIDTHS[0]), f"{v:,}"]) for k, v in ranked),
        ]
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object, width: int) -> str:
    """A cell's text, cut, on one line, and inert: no markup of the row's own takes effect."""
    text = " ".join(str("" if value is None else value).split())
    if len(text) > width:
        text = f"{text[:width]}…"
    for mark, harmless in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("|", "&#124;"),
        ("`", "&#96;"),
        ("[", "&#91;"),
        ("!", "&#33;"),
        ("*", "&#42;"),
        ("_", "&#95;"),
        ("$", "&#36;"),
    ):
        text = text.replace(mark, harmless)
    return text
