"""Raw fields of an entry -> a checked `ModelEntry`. Every fault names what was found and what is accepted."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast, get_args

from s1_assets.domain.catalogue.documents import meant, shown
from s1_assets.domain.model_table.entries import Budget, ModelEntry, SamplingRule, Thinking
from s1_assets.domain.model_table.lookup import is_pattern
from s1_assets.domain.model_table.prices import PRICE_ACCEPTS, price_of
from s1_assets.domain.model_table.roles import GEMINI
from s1_assets.records.models import ModelName, ThinkingKind

Tell = Callable[[str, str], None]
"""Told (field, what is wrong)."""
LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Every thinking level that we know of, lowest first."""
_BUDGET_KEYS = ("least", "most", "zero")
_SWITCH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HELD: dict[str, ThinkingKind] = {
    "budget": "summary",
    "level": "summary",
    "template": "raw",
    "always": "raw",
    "none": "none",
}
"""What replies hold of thoughts where an entry does not say: providers that set budgets and levels show summaries."""


@dataclass(frozen=True, slots=True)
class _Field:
    accepts: str
    test: Callable[[object], bool]


def _one_of(names: tuple[str, ...]) -> _Field:
    return _Field(", ".join(names), lambda value: value in names)


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _tokens(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _levels(value: object) -> bool:
    if not isinstance(value, list) or not value or any(level not in LEVELS for level in value):
        return False
    places = [LEVELS.index(level) for level in value]
    return places == sorted(set(places))


def _day(value: object) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _budget(value: object) -> bool:
    if not isinstance(value, dict) or set(value) - set(_BUDGET_KEYS) or not isinstance(value.get("zero", False), bool):
        return False
    least, most = value.get("least"), value.get("most")
    return _tokens(least) and _tokens(most) and cast("int", least) <= cast("int", most)


FIELDS = {
    "thinking": _one_of(get_args(Thinking)),
    "thinking_kind": _one_of(get_args(ThinkingKind)),
    "levels": _Field(f"a list of {', '.join(LEVELS)}, lowest first", _levels),
    "budget": _Field("{least: whole number from 1, most: whole number from least, zero: true or false}", _budget),
    "switch": _Field(
        "a variable of the chat template, such as enable_thinking",
        lambda value: isinstance(value, str) and _SWITCH.fullmatch(value) is not None,
    ),
    "sampling": _one_of(get_args(SamplingRule)),
    "output_cap": _Field("a whole number of tokens from 1", _tokens),
    "context": _Field("a whole number of tokens from 1", _tokens),
    "price": _Field(PRICE_ACCEPTS, lambda value: isinstance(value, dict)),
    "retired": _Field("a day such as 2026-12-01", _day),
    "replacement": _Field("a model's name without its provider", _text),
    "note": _Field("text", _text),
    "source": _Field("text", _text),
}
"""Every field of an entry. Each may be null, which says that it is unknown or does not apply."""
_NEEDS = {"budget": "budget", "level": "levels", "template": "switch"}
"""By kind of thinking, the field that says how it is set."""


def entry_of(name: ModelName, raw: Mapping[str, object], tell: Tell) -> ModelEntry | None:
    """The entry; None after telling what is wrong with it."""
    faults: list[str] = []

    def told(field: str, text: str) -> None:
        faults.append(field)
        tell(field, text)

    values = {field: value for field, value in raw.items() if value is not None}
    _check_each(values, told)
    price = price_of(cast("dict[object, object]", values["price"]), told) if _is_mapping(values, "price") else None
    if not faults:
        _check_together(name, values, told)
    return None if faults else _entry(name, values | {"price": price})


def _is_mapping(values: Mapping[str, object], field: str) -> bool:
    return isinstance(values.get(field), dict)


def _check_each(values: Mapping[str, object], tell: Tell) -> None:
    for field, value in values.items():
        if field not in FIELDS:
            tell(field, f"unknown field; accepted: {', '.join(FIELDS)}{meant(field, FIELDS)}")
        elif not FIELDS[field].test(value):
            accepts = FIELDS[field].accepts
            hint = meant(value, accepts.split(", ")) if isinstance(value, str) else ""
            tell(field, f"found {shown(value)}; accepted: {accepts}{hint}")


def _check_together(name: ModelName, values: Mapping[str, Any], tell: Tell) -> None:
    thinking = values.get("thinking")
    if thinking is None and name.provider in GEMINI:
        tell(
            "thinking", f"missing, and no entry to change stands for this model; accepted: {FIELDS['thinking'].accepts}"
        )
    for kind, field in _NEEDS.items():
        if thinking == kind and field not in values:
            tell(field, f"missing, as thinking is {kind}; accepted: {FIELDS[field].accepts}")
        if thinking != kind and field in values:
            tell(field, f"goes with thinking: {kind}; this entry has thinking: {thinking or 'unknown'}; accepted: null")
    if thinking == "none" and values.get("thinking_kind", "none") not in ("none", "visible"):
        tell("thinking_kind", "a model with thinking: none has no thoughts to show; accepted: none, visible")
    cap, context = values.get("output_cap"), values.get("context")
    if cap is not None and context is not None and cap > context:
        tell("output_cap", f"found {cap:,}, above the context of {context:,} tokens; accepted: at most the context")
    budget = values.get("budget")
    if budget and cap is not None and cap <= budget["least"]:
        tell(
            "output_cap", f"found {cap:,}, all of which the least budget would use; accepted: above {budget['least']:,}"
        )
    replacement = values.get("replacement")
    if replacement is not None and (replacement == name.model or is_pattern(replacement)):
        tell("replacement", f"found {shown(replacement)}; accepted: the name of another model")


def _entry(name: ModelName, values: Mapping[str, Any]) -> ModelEntry:
    budget = values.get("budget")
    return ModelEntry(
        name=name.model,
        provider=name.provider,
        base_url=name.base_url,
        thinking=values.get("thinking"),
        thinking_kind=values.get("thinking_kind", _HELD.get(values.get("thinking", ""))),
        levels=tuple(values.get("levels", ())),
        budget=Budget(budget["least"], budget["most"], budget.get("zero", False)) if budget else None,
        switch=values.get("switch", ""),
        sampling=values.get("sampling", "free"),
        output_cap=values.get("output_cap"),
        context=values.get("context"),
        price=values["price"],
        retired=values.get("retired"),
        replacement=values.get("replacement", "").strip(),
        note=values.get("note", "").strip(),
        source=values.get("source", "").strip(),
    )
