"""What the UI shows of a stored table: schema, counts, a short preview, reasons."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import dagster as dg
import pyarrow as pa

from s1_assets.ports import LazyTable, Version
from s1_assets.records.questions import SetAside

PREVIEW_ROWS = 5
PREVIEW_CHARACTERS = 120


def table_metadata(version: Version, rows: LazyTable, set_aside: Sequence[SetAside]) -> dict[str, Any]:
    """Metadata of one stored version."""
    metadata: dict[str, Any] = {
        "dagster/row_count": version.rows,
        "dagster/column_schema": column_schema(rows.schema),
        "set_aside": version.set_aside,
        "bytes": version.bytes,
        "version": version.number,
        "preview": dg.MetadataValue.md(preview(rows)),
    }
    if set_aside:
        reasons = Counter(f"{row.stage}: {row.reason}" for row in set_aside)
        metadata["set_aside_by_reason"] = dg.MetadataValue.md(counts_table("reason", reasons))
    return metadata


def column_schema(schema: pa.Schema) -> dg.TableSchema:
    """An Arrow schema as the UI's Columns panel."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(field.name, str(field.type), constraints=dg.TableColumnConstraints(nullable=field.nullable))
            for field in schema
        ]
    )


def preview(rows: LazyTable) -> str:
    """The first rows as a markdown table, long cells cut."""
    head: list[Mapping[str, Any]] = []
    for batch in rows.to_batches(batch_size=PREVIEW_ROWS, batch_readahead=0, fragment_readahead=0):
        head.extend(batch.slice(0, PREVIEW_ROWS - len(head)).to_pylist())
        if len(head) >= PREVIEW_ROWS:
            break
    if not head:
        return "no rows"
    names = rows.schema.names
    lines = [_line(names), _line(["---"] * len(names))]
    lines.extend(_line([_cell(row[name]) for name in names]) for row in islice(head, PREVIEW_ROWS))
    return "\n".join(lines)


def counts_table(heading: str, counts: Mapping[str, int]) -> str:
    """Counts as a markdown table, largest first."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "\n".join(
        [_line([heading, "rows"]), _line(["---", "---:"]), *(_line([_cell(k), f"{v:,}"]) for k, v in ranked)]
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: object) -> str:
    """A cell's text, cut, on one line, and inert: no markup of the row's own takes effect."""
    text = " ".join(str("" if value is None else value).split())
    if len(text) > PREVIEW_CHARACTERS:
        text = f"{text[:PREVIEW_CHARACTERS]}…"
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
