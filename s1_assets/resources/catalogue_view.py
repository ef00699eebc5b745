"""The source catalogue on the command line: listing, changing, and trying one entry."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import yaml

from s1_assets.adapters.sources.catalogue_files import UserCatalogue
from s1_assets.domain.catalogue.questions import questions_of
from s1_assets.errors import CatalogueError
from s1_assets.ports import Address
from s1_assets.records.questions import Question
from s1_assets.resources.house import House

CHECKED_ROWS = 10


def list_sources(house: House) -> list[dict[str, Any]]:
    """Every source of the catalogue with its state, enabled ones first."""
    listed = []
    for key, source in house.catalogue.sources.items():
        version = house.tables.current(Address("raw_questions", key))
        listed.append(
            {
                "source": key,
                "enabled": source.enabled,
                "kind": source.kind,
                "title": source.title,
                "location": source.location,
                "subject": source.subject,
                "licence": source.licence,
                "grader": source.grader,
                "rows": version.rows if version else None,
                "from": list(house.catalogue.files[key]),
            }
        )
    return sorted(listed, key=lambda row: (not row["enabled"], str(row["source"])))


def add_source(house: House, key: str, entry: Mapping[str, object], replace: bool) -> str:
    """Write a new entry into the user's catalogue; the file that was written."""
    user = UserCatalogue(house.settings.sources)
    user.add(key, entry, replace=replace)
    return str(user.file)


def set_enabled(house: House, key: str, enabled: bool) -> str:
    """Switch a source on or off in the user's catalogue; the file that was written."""
    user = UserCatalogue(house.settings.sources)
    user.set_enabled(key, enabled)
    return str(user.file)


def check_source(house: House, key: str) -> list[dict[str, Any]]:
    """The first rows of a source as they are read: the mapped fields, or why a row is set aside.

    Raises:
        CatalogueError: If there is no such source.
        SourceUnreadable: If it cannot be read.
    """
    if key not in house.catalogue.sources:
        raise CatalogueError("nothing to check:", [f"there is no source {key!r}; `s1 sources` lists them"])
    source = house.source(key)
    rows = islice(house.reader.rows(source), CHECKED_ROWS)
    return [
        {
            "locator": row.locator,
            "question": row.question,
            "reference_answer": row.reference_answer,
            "solution": row.solution,
            "subject": row.subject,
            "metadata": row.metadata,
        }
        if isinstance(row, Question)
        else {"locator": row.id, "set_aside": row.reason, "evidence": row.evidence}
        for row in questions_of(source, rows, house.reader.revision(source))
    ]


def entry_options(pairs: Mapping[str, object], assignments: tuple[str, ...]) -> dict[str, object]:
    """An entry from named options and `KEY=VALUE` assignments, values read as YAML.

    Raises:
        CatalogueError: If an assignment has no `=`, or its value is not YAML.
    """
    entry = {name: value for name, value in pairs.items() if value not in (None, ())}
    faults = []
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        try:
            entry[name] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            faults.append(f"--set {assignment}: {error}")
        if not equals:
            faults.append(f"--set {assignment}: the form is KEY=VALUE, VALUE as in YAML")
    if faults:
        raise CatalogueError("the entry cannot be used:", faults)
    return entry
