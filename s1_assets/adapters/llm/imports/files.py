"""Rows of the files that tools leave, each with its origin. Text is UTF-8; a fault ends a row, or what follows it."""

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path

from s1_assets.adapters.llm.imports.answers import Row, Unreadable, UnreadableRow
from s1_assets.adapters.sources.json_list import json_rows
from s1_assets.adapters.sources.places import readable
from s1_assets.adapters.sources.text_rows import jsonl_rows
from s1_assets.errors import SourceUnreadable

Rows = Iterator[tuple[str, Row] | Unreadable]

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


def line_rows(path: Path) -> Rows:
    """The objects of JSON lines, read one at a time, as `FILE#LINE`.

    Raises:
        SourceUnreadable: If the file cannot be read, or is UTF-16.
    """
    with readable(str(path)), path.open("rb") as stream:
        for row in jsonl_rows(stream, str(path), str(path)):
            if row.fault is None:
                yield row.locator, row.values
            else:
                yield Unreadable(row.locator, f"{row.fault}: {row.evidence}")


def list_rows(path: Path) -> Rows:
    """The objects of a JSON list, read piece by piece, as `FILE:INDEX` from 0.

    Raises:
        SourceUnreadable: If the file cannot be read, or does not begin with a list.
    """
    number = -1
    try:
        with readable(str(path)), path.open("rb") as stream:
            for number, row in enumerate(json_rows(stream, str(path), str(path))):
                origin = f"{path}:{number}"
                yield (origin, row.values) if row.fault is None else Unreadable(origin, f"{row.fault}: {row.evidence}")
    except SourceUnreadable as error:
        if number < 0:
            raise
        yield Unreadable(f"{path}:{number + 1}", f"this and all that follows: {error}")


class JsonText:
    """A JSON text taken value by value, so that what stands before a fault is not lost with it.

    Every method raises `UnreadableRow` where the text is not what it is taken for.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @classmethod
    def of(cls, path: Path, most_bytes: int = -1) -> "JsonText":
        """The text of a file, or of its first bytes; what is not UTF-8 becomes surrogates, told where they are used.

        Raises:
            SourceUnreadable: If the file cannot be read, or is UTF-16.
        """
        with readable(str(path)), path.open("rb") as stream:
            content = stream.read(most_bytes)
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise SourceUnreadable(f"{path}: begins with the mark of UTF-16 or UTF-32; accepted: UTF-8, so convert it")
        return cls(content.removeprefix(codecs.BOM_UTF8).decode(errors="surrogateescape"))

    def next(self) -> str:
        """The next character that is not space; empty at the end."""
        space = _SPACE.match(self._text, self._at)
        self._at = space.end() if space else self._at
        return self._text[self._at : self._at + 1]

    def value(self) -> object:
        """The next whole value."""
        self.next()
        try:
            value: object
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except RecursionError as error:
            raise UnreadableRow("nested deeper than can be read") from error
        except ValueError as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise self._fault(reason) from error
        return value

    def names(self) -> Iterator[str]:
        """The keys of the object that begins here; the caller takes each value before the next key."""
        self._take("{")
        if self.next() == "}":
            self._take("}")
            return
        while True:
            key = self.value()
            if not isinstance(key, str):
                raise self._fault("a key is not text")
            self._take(":")
            yield key
            if self._take(",}") == "}":
                return

    def elements(self) -> Iterator[object]:
        """The elements of the list that begins here."""
        self._take("[")
        if self.next() == "]":
            self._take("]")
            return
        while True:
            yield self.value()
            if self._take(",]") == "]":
                return

    def _take(self, accepted: str) -> str:
        found = self.next()
        if not found or found not in accepted:
            raise self._fault(f"found {found!r}" if found else "the end of the file")
        self._at += 1
        return found

    def _fault(self, reason: str) -> UnreadableRow:
        near = self._text[self._at : self._at + 40].encode(errors="backslashreplace").decode()
        return UnreadableRow(f"malformed_json: {reason} (character {self._at + 1:,}): {near}")
