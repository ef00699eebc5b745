"""Rows of a JSON file that is one list, or an object whose `data` is one, read piece by piece in bounded memory."""

import codecs
import io
import json
from collections.abc import Iterator

from s1_assets.adapters.sources.text_rows import MOST_LINE_BYTES, json_row
from s1_assets.errors import SourceUnreadable
from s1_assets.records.sources import SourceRow

_CHUNK = 1 << 18
_SPACE = " \t\r\n"


def json_rows(stream: io.BufferedReader, name: str, shown: str) -> Iterator[SourceRow]:
    """One row for each element, numbered from 1.

    Raises:
        SourceUnreadable: If the text is not JSON, or has no such list: what follows a fault cannot be told apart.
    """
    text = _Text(stream, shown)
    opening = text.peek()
    if opening == "{":
        _enter_data(text, shown)
    elif opening != "[":
        found = repr(opening) if opening else "an empty file"
        raise SourceUnreadable(f"{shown}: begins with {found}; accepted: a list, or an object with the list 'data'")
    text.take("[")
    number = 0
    if text.peek() == "]":
        return
    while True:
        number += 1
        yield json_row(f"{name}#{number}", text.value(f"element {number}"))
        if text.take(",]") == "]":
            return


def _enter_data(text: "_Text", shown: str) -> None:
    """Go to the list `data` of the object that begins here."""
    text.take("{")
    seen = []
    while text.peek() == '"':
        key = str(text.value("a key"))
        text.take(":")
        if key == "data" and text.peek() == "[":
            return
        text.value(f"the value of {key!r}")
        seen.append(key)
        if text.take(",}") == "}":
            break
    hint = "; several objects one after another are JSON lines: name the file .jsonl" if text.peek() == "{" else ""
    raise SourceUnreadable(f"{shown}: an object with {seen}; accepted: a list, or an object with the list 'data'{hint}")


class _Text:
    """The text of a stream, of which only the value being read is held."""

    def __init__(self, stream: io.BufferedReader, shown: str) -> None:
        self._stream = stream
        self._shown = shown
        # Bytes that are not UTF-8 become surrogates, which mapping tells by field.
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._json = json.JSONDecoder()
        self._buffer = ""
        self._place = 0
        self._ended = False
        self._more(_CHUNK)
        if self._buffer.startswith("\ufeff"):
            self._place = 1
        elif self._buffer.startswith(("\udcff\udcfe", "\udcfe\udcff")):
            raise SourceUnreadable(f"{shown}: begins with the mark of UTF-16 or UTF-32; accepted: UTF-8, so convert it")

    def peek(self) -> str:
        """The next character that is not space; empty at the end."""
        while True:
            while self._place < len(self._buffer) and self._buffer[self._place] in _SPACE:
                self._place += 1
            if self._place < len(self._buffer) or self._ended:
                return self._buffer[self._place : self._place + 1]
            self._more(_CHUNK)

    def take(self, accepted: str) -> str:
        """The next character, which must be one of `accepted`."""
        found = self.peek()
        if not found or found not in accepted:
            what = repr(found) if found else "the end of the file"
            raise SourceUnreadable(f"{self._shown}: not JSON: found {what}; accepted: {' or '.join(accepted)}")
        self._place += 1
        return found

    def value(self, what: str) -> object:
        """The next whole JSON value."""
        self.peek()
        size = _CHUNK
        while True:
            try:
                value, end = self._json.raw_decode(self._buffer, self._place)
            except RecursionError as error:
                raise SourceUnreadable(f"{self._shown}: {what} is nested deeper than can be read") from error
            except ValueError as error:
                self._give_up_on(what, error)
            else:
                if end < len(self._buffer) or self._ended:
                    self._place = end
                    return value
            self._more(size)
            size *= 2  # so that a large value is not read again and again from its beginning

    def _give_up_on(self, what: str, error: ValueError) -> None:
        if self._ended or len(self._buffer) - self._place > MOST_LINE_BYTES:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            near = self._buffer[self._place : self._place + 60].encode(errors="backslashreplace").decode()
            raise SourceUnreadable(f"{self._shown}: not JSON: {what}: {reason}: {near}") from error

    def _more(self, size: int) -> None:
        chunk = self._stream.read(size)
        self._ended = not chunk
        self._buffer = self._buffer[self._place :] + self._decoder.decode(chunk, final=self._ended)
        self._place = 0
