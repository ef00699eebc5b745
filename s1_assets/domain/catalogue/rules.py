"""Field rules, conditions and choices of an entry, read from their YAML forms.

fields:
  question: problem                          one column
  question: [problem, prompt]                the first that is there
  question: {template: "{passage?}\n{question}\n{options}"}
  solution: {names: solution, strip_before: "####"}
  subject: {constant: algebra}
keep_if:
  level: 5                                   equal
  subject: [Algebra, Geometry]               one of
  year: {at_most: 2022}
  Picture: absent                            or present
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal, cast, get_args

from s1_assets.domain.catalogue.columns import places_of
from s1_assets.domain.catalogue.documents import meant, shown
from s1_assets.domain.catalogue.options import OUR_FIELDS
from s1_assets.records.sources import Choices, Condition, FieldRule

Tell = Callable[[str, str], None]
"""Told (option, what is wrong)."""
_Test = Literal["equals", "in", "not_equals", "not_in", "at_least", "at_most", "matches", "present", "absent"]
_TESTS: tuple[str, ...] = get_args(_Test)
_RULE_KEYS = ("names", "template", "constant", "strip_before", "strip_after", "boxed", "prefix")


def field_rules(raw: Mapping[str, object], tell: Tell) -> dict[str, FieldRule]:
    """Rules by our field name."""
    rules = {}
    for name, form in raw.items():
        if name not in OUR_FIELDS:
            tell("fields", f"found {name!r}; accepted: {', '.join(OUR_FIELDS)}{meant(name, OUR_FIELDS)}")
        elif (rule := _rule(form, lambda text, name=name: tell(f"fields.{name}", text))) is not None:  # type: ignore[misc]
            rules[name] = rule
    return rules


def conditions(raw: Mapping[str, object], tell: Tell) -> tuple[Condition, ...]:
    """All conditions, in the order of the entry."""
    found: list[Condition] = []
    for column, form in raw.items():
        found += _conditions_on(column, form, lambda text, column=column: tell(f"keep_if.{column}", text))  # type: ignore[misc]
    return tuple(found)


def choices(raw: Mapping[str, object], tell: Tell) -> Choices | None:
    """How lettered options are made."""
    unknown = [name for name in raw if name not in ("columns", "index", "correct")]
    columns = _names(raw.get("columns"))
    index, correct = raw.get("index"), raw.get("correct")
    if unknown:
        tell("choices", f"found {unknown}; accepted: columns, index, correct{meant(unknown[0], ('columns', 'index'))}")
    elif not columns:
        tell("choices.columns", f"found {shown(raw.get('columns'))}; accepted: a column or a list of columns")
    elif (index is None) == (correct is None) or not isinstance(index or correct, str):
        tell("choices", "accepted: exactly one of index (column with a number from 0) and correct (column with a text)")
    else:
        return Choices(columns, cast("str | None", index), cast("str | None", correct))
    return None


def _rule(form: object, tell: Callable[[str], None]) -> FieldRule | None:
    if names := _names(form):
        return FieldRule(names=names)
    if not isinstance(form, dict):
        tell(f"found {shown(form)}; accepted: a column, a list of columns, or a mapping of {', '.join(_RULE_KEYS)}")
        return None
    unknown = [name for name in form if name not in _RULE_KEYS]
    if unknown:
        tell(f"found {unknown[0]!r}; accepted: {', '.join(_RULE_KEYS)}{meant(str(unknown[0]), _RULE_KEYS)}")
        return None
    given = [name for name in ("names", "template", "constant") if form.get(name) is not None]
    if len(given) != 1:
        tell(f"found {' and '.join(given) or 'none'}; accepted: exactly one of names, template, constant")
        return None
    return _checked_rule(form, tell)


def _checked_rule(form: Mapping[str, object], tell: Callable[[str], None]) -> FieldRule | None:
    for name in ("template", "constant", "strip_before", "strip_after", "prefix"):
        value = form.get(name)
        if value is not None and (not isinstance(value, str) or not value):
            tell(f"{name}: found {shown(value)}; accepted: text (in quotes where YAML would read something else)")
            return None
    if not isinstance(form.get("boxed", False), bool):
        tell(f"boxed: found {shown(form['boxed'])}; accepted: true or false")
        return None
    names = _names(form.get("names"))
    template = cast("str | None", form.get("template"))
    if "names" in form and not names:
        tell(f"names: found {shown(form['names'])}; accepted: a column or a list of columns")
        return None
    if template is not None:
        try:
            places = places_of(template)
        except ValueError as error:
            tell(f"template: {error}")
            return None
        if not places:
            tell(f"template: found {shown(template)}; accepted: text with at least one {{column}} place")
            return None
    return FieldRule(
        names=names,
        template=template,
        constant=cast("str | None", form.get("constant")),
        strip_before=cast("str | None", form.get("strip_before")),
        strip_after=cast("str | None", form.get("strip_after")),
        boxed=bool(form.get("boxed", False)),
        prefix=cast("str", form.get("prefix") or ""),
    )


def _names(form: object) -> tuple[str, ...]:
    listed = [form] if isinstance(form, str) else form
    if isinstance(listed, list) and listed and all(isinstance(name, str) and name.strip() for name in listed):
        return tuple(listed)
    return ()


def _conditions_on(column: str, form: object, tell: Callable[[str], None]) -> list[Condition]:
    if form in ("present", "absent"):
        return [Condition(column, form)]
    if isinstance(form, list):
        form = {"in": form}
    if not isinstance(form, dict):
        form = {"equals": form}
    found = []
    for test, value in form.items():
        plain = [_plain(part) for part in value] if isinstance(value, list) else _plain(value)
        if test not in _TESTS:
            tell(f"found test {test!r}; accepted: {', '.join(_TESTS)}{meant(str(test), _TESTS)}")
        elif wanted := _unfit(test, plain):
            tell(f"{test}: found {shown(value)}; accepted: {wanted}")
        else:
            held = tuple(plain) if isinstance(plain, list) else plain
            found.append(Condition(column, cast(_Test, test), held if test not in ("present", "absent") else None))
    return found


def _unfit(test: str, value: object) -> str:
    """What the test accepts, if that is not what it was given."""
    if test in ("present", "absent"):
        return "" if value is True else "true"
    if test in ("in", "not_in"):
        return "" if isinstance(value, list) and value else "a list of values"
    if test in ("at_least", "at_most"):
        fits = isinstance(value, int | float | str) and not isinstance(value, bool)
        return "" if fits else "a number, or a date as text"
    if test == "matches":
        return _bad_pattern(value)
    return "a single value, present or absent" if isinstance(value, list | dict) or value is None else ""


def _bad_pattern(value: object) -> str:
    if not isinstance(value, str):
        return "a regular expression"
    try:
        re.compile(value)
    except re.error as error:
        return f"a regular expression ({error})"
    return ""


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
