"""Reading a source in tests."""

from typing import Any

from s1_assets.adapters.sources.readers import SourceReaders
from s1_assets.domain.catalogue.questions import questions_of
from s1_assets.records.questions import Question, SetAside
from s1_assets.records.sources import Source
from s1_assets_tests.domain.catalogue.entry import TABLE, source_from


def table(location: object, **options: Any) -> Source:
    """A table source at a location."""
    return source_from(TABLE, location=str(location), **options)


def read(source: Source, readers: SourceReaders | None = None) -> tuple[list[str], list[SetAside]]:
    """The questions' texts and the rows set aside."""
    readers = readers or SourceReaders()
    found = list(questions_of(source, readers.rows(source), readers.revision(source)))
    return (
        [row.question for row in found if isinstance(row, Question)],
        [row for row in found if isinstance(row, SetAside)],
    )


def reasons(aside: list[SetAside]) -> dict[str, str]:
    """Reason by id."""
    return {row.id: row.reason for row in aside}
