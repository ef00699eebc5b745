"""Reading one column of a source row: dotted names, text of any value, templates, and tests on it."""

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache

from s1_assets.domain.catalogue.plain import json_text
from s1_assets.records.sources import Condition

Values = Mapping[str, object]


class _Missing:
    def __repr__(self) -> str:
        return "missing"


MISSING = _Missing()
"""In place of a value: the row has no such column."""

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")


def cell(values: Values, name: str) -> object:
    """The value of a column; a dotted name reaches into mappings and lists.

    >>> cell({"answers": [{"text": "6"}]}, "answers.0.text")
    '6'
    >>> cell({"a.b": 1, "a": {"b": 2}}, "a.b")
    1
    >>> cell({"a": 1}, "b")
    missing
    """
    if name in values:
        return values[name]
    found: object = values
    for part in name.split("."):
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, list | tuple) and re.fullmatch(r"-?\d{1,9}", part):
            index = int(part)
            if not -len(found) <= index < len(found):
                return MISSING
            found = found[index]
        else:
            return MISSING
    return found


def is_null(value: object) -> bool:
    """Whether a cell holds nothing: null, not-a-number, or no such column."""
    return value is None or value is MISSING or (isinstance(value, float) and math.isnan(value))


def as_text(value: object) -> str | None:
    """A cell as text; None where it holds nothing. A whole number has no point, a list is one entry a line.

    >>> as_text(5.0), as_text(["(A) 1", "(B) 2"]), as_text({"b": 1, "a": None})
    ('5', '(A) 1\\n(B) 2', '{"a": null, "b": 1}')
    """
    if isinstance(value, str):
        return value
    if is_null(value):
        return None
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        parts = [as_text(part) for part in value]
        return "\n".join(part for part in parts if part is not None)
    text = json_text(value)
    return str(json.loads(text)) if text.startswith('"') else text


@lru_cache(maxsize=256)
def places_of(template: str) -> tuple[tuple[str, bool], ...]:
    """(column, optional) of every place in a template.

    >>> places_of("{passage?}\\n{question}")
    (('passage', True), ('question', False))

    Raises:
        ValueError: If a brace stands alone.
    """
    places = []
    for match in _PLACE.finditer(template):
        if match[0] in "{}":
            raise ValueError(f"found a lone {match[0]!r}; accepted: {{column}}, and {{{{ or }}}} for a brace itself")
        if match[1]:
            places.append((match[1].removesuffix("?"), match[1].endswith("?")))
    return tuple(places)


def fill(template: str, values: Values) -> str:
    """The template with its places filled; all its columns that are not optional must be there.

    A line whose optional places are all empty is left out.

    >>> fill("{passage?}\\n{question}", {"question": "Why?", "passage": ""})
    'Why?'
    """
    lines = (_filled_line(line, values) for line in template.split("\n"))
    return "\n".join(line for line in lines if line is not None).strip("\n")


def _filled_line(line: str, values: Values) -> str | None:
    optional = [name for name, is_optional in places_of(line) if is_optional]
    if optional and not any((as_text(cell(values, name)) or "").strip() for name in optional):
        return None

    def put(match: re.Match[str]) -> str:
        name = match[1]
        return match[0][0] if name is None else as_text(cell(values, name.removesuffix("?"))) or ""

    return _PLACE.sub(put, line)


def holds(condition: Condition, values: Values) -> bool:
    """Whether a row passes a condition. Text and numbers that read the same are equal, as CSV has only text.

    >>> holds(Condition("level", "equals", 5), {"level": "5"})
    True
    >>> holds(Condition("year", "at_most", 2022), {"year": "unknown"})
    False
    """
    value = cell(values, condition.column)
    empty = is_null(value) or value == "" or value == []
    if condition.test in ("present", "absent"):
        return empty == (condition.test == "absent")
    if condition.test in ("at_least", "at_most"):
        return not empty and _is_ordered(value, condition.value, condition.test == "at_least")
    if condition.test == "matches":
        return not empty and re.search(str(condition.value), as_text(value) or "") is not None
    wanted = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    among = not is_null(value) and any(_is_same(value, one) for one in wanted)
    return among == (condition.test in ("equals", "in"))


def _is_same(value: object, wanted: object) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return str(value).lower() == str(wanted).lower()
    if isinstance(value, str) == isinstance(wanted, str):
        return value == wanted
    return as_text(value) == as_text(wanted)


def _is_ordered(value: object, bound: object, at_least: bool) -> bool:
    if isinstance(bound, str):
        text = as_text(value) or ""
        return text >= bound if at_least else text <= bound
    try:
        number = float(str(value))
    except ValueError:
        return False
    limit = float(str(bound))
    return number >= limit if at_least else number <= limit
