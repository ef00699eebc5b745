"""A merged raw entry -> a checked `Source`. Every fault is collected with file, source, option and what is accepted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from s1_assets.domain.catalogue.documents import Faults, meant, shown
from s1_assets.domain.catalogue.options import KEY, KINDS, OPTIONS, accepted_names
from s1_assets.domain.catalogue.rules import Tell, choices, conditions, field_rules
from s1_assets.records.sources import Choices, Condition, FieldRule, Kind, Source


@dataclass(frozen=True, slots=True)
class MergedEntry:
    """Options of one source after all files, under their own names, each with the file that it came from."""

    key: str
    values: Mapping[str, object]
    files: Mapping[str, str]
    """By option."""
    file: str
    """The file that named the source last."""


_GYM_FIELDS = {"question": FieldRule(names=("question",)), "reference_answer": FieldRule(names=("answer",))}


def source_of(entry: MergedEntry, faults: Faults) -> Source | None:
    """The entry as a Source; None after telling `faults` what is wrong with it."""
    told = len(faults.lines)

    def tell(option: str, text: str) -> None:
        file = entry.files.get(option.partition(".")[0], entry.file)
        faults.add(file, entry.key, option, text)

    _check_key(entry.key, tell)
    kind = entry.values.get("kind")
    if kind not in KINDS:
        found = "nothing" if kind is None else shown(kind)
        tell("kind", f"found {found}; accepted: {', '.join(KINDS)}{meant(str(kind), KINDS)}")
        return None
    _check_options(entry, kind, tell)
    if len(faults.lines) > told:
        return None
    values = {name: value for name, value in entry.values.items() if value is not None}
    fields = field_rules(cast("dict[str, object]", values.get("fields", {})), tell)
    if kind == "reasoning_gym":
        fields = _GYM_FIELDS | fields
    kept_if = conditions(cast("dict[str, object]", values.get("keep_if", {})), tell)
    chosen = choices(cast("dict[str, object]", values["choices"]), tell) if "choices" in values else None
    _check_together(values, fields, tell)
    return None if len(faults.lines) > told else _source(entry.key, values, fields, kept_if, chosen)


def _check_key(key: str, tell: Tell) -> None:
    if KEY.fullmatch(key):
        return
    why = "a key names a partition and a folder"
    if "/" in key or "\\" in key or ".." in key:
        why += ", so it may hold no '/', no '\\' and no '..'"
    tell("", f"found key {shown(key)}; accepted: 1 to 100 of a-z, 0-9, - and _ ({why})")


def _check_options(entry: MergedEntry, kind: Kind, tell: Tell) -> None:
    for name, value in entry.values.items():
        option = OPTIONS.get(name)
        if option is None:
            names = accepted_names(kind)
            tell(name, f"unknown option; accepted: {', '.join(sorted(names))}{meant(name, names)}")
        elif kind not in option.kinds:
            tell(name, f"belongs to kind {' and '.join(option.kinds)}; this source is of kind {kind}")
        elif value is not None and not option.test(value):
            hint = meant(value, option.accepts.split(", ")) if isinstance(value, str) else ""
            tell(name, f"found {shown(value)}; accepted: {option.accepts}{hint}")


def _check_together(values: Mapping[str, Any], fields: Mapping[str, FieldRule], tell: Tell) -> None:
    needed = ["location", "licence", "grader"]
    needed += ["size", "seed"] if values["kind"] == "reasoning_gym" else []
    needed += ["split"] if values["kind"] == "huggingface" else []
    needed += [name for name in ("language", "subject") if name not in fields]
    for name in needed:
        if name not in values:
            extra = f", or map it in fields.{name}" if name in ("language", "subject") else ""
            extra = "; say unknown where nobody knows" if name == "licence" else extra
            tell(name, f"missing; accepted: {OPTIONS[name].accepts}{extra}")
    if "question" not in fields:
        tell("fields.question", "missing; accepted: a column, a list of columns, or a rule")
    start, end = values.get("start", 0), values.get("end")
    if end is not None and start >= end:
        tell("start", f"found start {start} and end {end}; accepted: a start below the end")


def _source(
    key: str,
    values: Mapping[str, Any],
    fields: Mapping[str, FieldRule],
    kept_if: tuple[Condition, ...],
    chosen: Choices | None,
) -> Source:
    return Source(
        key=key,
        kind=values["kind"],
        title=values.get("title", key),
        enabled=values.get("enabled", True),
        location=values["location"].strip(),
        revision=values.get("revision"),
        licence=values["licence"].strip(),
        language=values.get("language", ""),
        subject=values.get("subject", ""),
        grader=values["grader"],
        grader_spec=values.get("grader_spec", {}),
        fields=fields,
        keep_if=kept_if,
        choices=chosen,
        start=values.get("start", 0),
        end=values.get("end"),
        num_samples=values.get("num_samples"),
        seed=values.get("seed"),
        config=values.get("config", {}),
        size=values.get("size"),
        config_name=_one_or_more(values.get("config_name")),
        split=_one_or_more(values.get("split")),
        streaming=values.get("streaming", True),
        watch=values.get("watch", False),
        notes=values.get("notes", "").strip(),
    )


def _one_or_more(value: str | list[str] | None) -> str | tuple[str, ...] | None:
    return tuple(value) if isinstance(value, list) else value
