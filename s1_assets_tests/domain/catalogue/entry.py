"""A small catalogue entry to vary in tests."""

from typing import Any

import yaml

from s1_assets.domain.catalogue.merge import load_catalogue
from s1_assets.errors import CatalogueError
from s1_assets.records.sources import Source

TABLE: dict[str, Any] = {
    "kind": "table",
    "location": "rows.jsonl",
    "licence": "MIT",
    "language": "en",
    "subject": "arithmetic",
    "grader": "exact",
    "fields": {"question": "question", "reference_answer": "answer", "solution": "solution"},
}
GYM: dict[str, Any] = {
    "kind": "reasoning_gym",
    "location": "gcd",
    "size": 5,
    "seed": 1,
    "licence": "Apache-2.0",
    "language": "en",
    "subject": "arithmetic",
    "grader": "exact",
}
HUB: dict[str, Any] = {**TABLE, "kind": "huggingface", "location": "owner/name", "split": "train"}


def source_from(base: dict[str, Any], key: str = "mine", **options: Any) -> Source:
    """The checked source of an entry; an option given as None is left out."""
    entry = {name: value for name, value in {**base, **options}.items() if value is not None}
    return load_catalogue({}, {"mine.yaml": yaml.safe_dump({key: entry}, sort_keys=False)}).sources[key]


def faults_of(base: dict[str, Any], key: str = "mine", **options: Any) -> str:
    """What the catalogue says is wrong with an entry; empty if nothing."""
    try:
        source_from(base, key, **options)
    except CatalogueError as error:
        return "\n".join(error.faults)
    return ""
