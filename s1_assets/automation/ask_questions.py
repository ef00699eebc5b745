"""The file of questions that `s1 ask` reads: a table as sources are, or text with one question a line.

It is read again whenever its questions are wanted, so that any number of them passes in bounded memory.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s1_assets.adapters.sources.places import readable
from s1_assets.adapters.sources.table import FORMATS
from s1_assets.adapters.sources.text_rows import MOST_LINE_BYTES
from s1_assets.domain.catalogue.columns import as_text
from s1_assets.domain.catalogue.mapping import question_of
from s1_assets.domain.catalogue.plain import json_text
from s1_assets.errors import SourceUnreadable
from s1_assets.ports import SourceReader
from s1_assets.records.questions import SetAside
from s1_assets.records.sources import FieldRule, Source, SourceRow

FIELDS = ("question", "problem", "prompt", "instruction", "text")
"""Columns that are taken for the question, the first that a row has, unless one is named."""
ID = "id"
TEXT_ENDINGS = (".txt", ".text")
TOLD = 5
"""Rows without a question that are told one by one."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question with the row that it came in."""

    id: str
    """The row's own `id`, else a digest of the question."""
    question: str
    values: Mapping[str, object]
    """The whole row."""
    others: str
    """Of the row as JSON, what is not the question."""

    @property
    def row(self) -> dict[str, Any]:
        """All columns that are not told apart, as JSON values."""
        others: dict[str, Any] = json.loads(self.others)
        return {name: value for name, value in others.items() if name != ID or not isinstance(value, str)}

    @property
    def whole(self) -> Any:
        """All columns of the row, as JSON values."""
        return json.loads(json_text(self.values))


@dataclass(slots=True)
class BadRows:
    """Rows without a question that can be asked."""

    by_reason: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    """The first ones, with file and line."""


class QuestionFile:
    """Questions in the order of their file."""

    def __init__(self, location: str, question_field: str | None, reader: SourceReader) -> None:
        """Read nothing yet.

        Args:
            location: A path, glob or URL; the ending tells what it is.
            question_field: The column that holds the question; None: the first of `FIELDS` that a row has.

        Raises:
            SourceUnreadable: If the ending is another one.
        """
        endings = (*FORMATS, *TEXT_ENDINGS)
        if "://" not in location and not location.lower().removesuffix(".gz").endswith(endings):
            raise SourceUnreadable(f"{location}: its kind is told by its ending; accepted: {', '.join(endings)}")
        self.location, self._reader = location, reader
        names = FIELDS if question_field is None else (question_field,)
        self._source = _source(location, names)
        self._is_text = location.lower().endswith(TEXT_ENDINGS)

    def state(self) -> str:
        """What changes when the file does."""
        if not self._is_text:
            return self._reader.state(self._source)
        with readable(self.location):
            found = Path(self.location).stat()
        return f"{found.st_size} {found.st_mtime_ns}"

    def questions(self, bad: BadRows | None = None) -> Iterator[Wanted]:
        """Every question; rows without one are left out, and noted in `bad`.

        Raises:
            SourceUnreadable: If the file cannot be read, or not to its end.
        """
        for row in _text_rows(Path(self.location)) if self._is_text else self._reader.rows(self._source):
            found = question_of(self._source, row, "")
            if isinstance(found, SetAside):
                if bad is not None:
                    _note(bad, row, found)
                continue
            own = row.values.get(ID)
            name = as_text(own) if isinstance(own, str | int | float) else None
            yield Wanted(name or found.question_id, found.question, row.values, found.metadata)


def _source(location: str, names: tuple[str, ...]) -> Source:
    """The file as an entry of the catalogue would tell of it."""
    return Source(
        key="ask",
        kind="table",
        title=location,
        enabled=True,
        location=location,
        revision=None,
        licence="unknown",
        language="",
        subject="",
        grader="exact",
        fields={"question": FieldRule(names=names)},
    )


def _text_rows(path: Path) -> Iterator[SourceRow]:
    """Lines that are not blank, as questions."""
    with readable(str(path)), path.open("rb") as file:
        number = 0
        while line := file.readline(MOST_LINE_BYTES + 1):
            number += 1
            if len(line) > MOST_LINE_BYTES:
                raise SourceUnreadable(f"{path}: line {number} has more than {MOST_LINE_BYTES:,} bytes")
            # Bytes that are not UTF-8 are kept as surrogates, which mapping tells.
            text = line.decode("utf-8-sig" if number == 1 else "utf-8", "surrogateescape").strip()
            if text:
                yield SourceRow(f"{path.name}#{number}", {"question": text})


def _note(bad: BadRows, row: SourceRow, found: SetAside) -> None:
    bad.by_reason[found.reason] += 1
    if len(bad.told) < TOLD:
        place, _, line = row.locator.rpartition("#")
        bad.told.append(f"{place}, line {line}: {found.reason}: {found.evidence}")
