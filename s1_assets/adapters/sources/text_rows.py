"""Rows of JSONL and CSV text, one line or record at a time; a bad one is a row with its fault, and reading goes on."""

import codecs
import csv
import io
import json
from collections.abc import Iterator

from s1_assets.errors import SourceUnreadable
from s1_assets.records.sources import SourceRow

MOST_LINE_BYTES = 64_000_000
"""A longer line is set aside unread, so that a file without line ends cannot fill the memory."""


def jsonl_rows(stream: io.BufferedReader, name: str, shown: str) -> Iterator[SourceRow]:
    """One row for each line that is not blank, with its line number."""
    for number, line in _lines(stream, shown):
        locator = f"{name}#{number}"
        if line is None:
            yield SourceRow(locator, {}, "too_large", f"a line of more than {MOST_LINE_BYTES:,} bytes")
        elif line.strip():
            yield _jsonl_row(locator, line)


def csv_rows(stream: io.BufferedReader, name: str, shown: str) -> Iterator[SourceRow]:
    """One row for each record below the header, with the number of the line on which it begins.

    Bytes that are not UTF-8 are kept as surrogates; mapping tells them by field (`wrong_encoding`).
    """
    csv.field_size_limit(MOST_LINE_BYTES)
    reader = csv.reader(_csv_lines(stream, shown))
    header = _csv_header(reader, shown)
    if header is None:
        return
    while True:
        begins = reader.line_num + 1
        locator = f"{name}#{begins}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield SourceRow(locator, {}, "malformed_csv", str(error))
            continue
        if not cells:
            continue
        if len(cells) != len(header):
            evidence = f"{len(cells)} cells, the header has {len(header)}: {','.join(cells)[:120]}"
            yield SourceRow(locator, {}, "malformed_csv", evidence)
        else:
            yield SourceRow(locator, dict(zip(header, cells, strict=True)))


def json_row(locator: str, value: object) -> SourceRow:
    """The row of a JSON value, which must be an object."""
    if isinstance(value, dict):
        return SourceRow(locator, value)
    kinds = {list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return SourceRow(locator, {}, "not_a_mapping", f"found {kinds.get(type(value), 'null')}, not an object")


def _jsonl_row(locator: str, line: bytes) -> SourceRow:
    try:
        return json_row(locator, json.loads(line.decode()))
    except UnicodeDecodeError as error:
        near = line[max(0, error.start - 20) : error.end + 20].decode(errors="backslashreplace")
        evidence = f"not UTF-8: byte 0x{line[error.start]:02x} at {error.start + 1}: {near}"
        return SourceRow(locator, {}, "wrong_encoding", evidence)
    except json.JSONDecodeError as error:
        near = error.doc[max(0, error.pos - 40) : error.pos + 40].strip()
        return SourceRow(locator, {}, "malformed_json", f"{error.msg} (column {error.pos + 1}): {near}")
    except RecursionError:
        return SourceRow(locator, {}, "too_deep", "nested deeper than can be read")
    except ValueError as error:  # a number of thousands of digits
        return SourceRow(locator, {}, "malformed_json", str(error))


def _lines(stream: io.BufferedReader, shown: str) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their numbers from 1; None for one that is too long. A byte order mark is taken off."""
    number = 0
    while line := stream.readline(MOST_LINE_BYTES + 1):
        number += 1
        if number == 1:
            line = _without_mark(line, shown)
        if len(line) <= MOST_LINE_BYTES or line.endswith(b"\n"):
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(MOST_LINE_BYTES)
        yield number, None


def _without_mark(line: bytes, shown: str) -> bytes:
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SourceUnreadable(f"{shown}: begins with the mark of UTF-16 or UTF-32; accepted: UTF-8, so convert it")
    return line.removeprefix(codecs.BOM_UTF8)


def _csv_lines(stream: io.BufferedReader, shown: str) -> Iterator[str]:
    for number, line in _lines(stream, shown):
        if line is None:
            raise SourceUnreadable(f"{shown}: line {number} has more than {MOST_LINE_BYTES:,} bytes")
        yield line.decode(errors="surrogateescape")


def _csv_header(reader: Iterator[list[str]], shown: str) -> list[str] | None:
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise SourceUnreadable(f"{shown}: the header cannot be read: {error}") from error
    if header is None:
        return None
    names = [name.strip() for name in header]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SourceUnreadable(f"{shown}: the header has {twice} twice; accepted: each column once")
    return names
