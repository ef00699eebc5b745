"""Every option that an entry may have: for which kinds of source, and what value it takes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

from s1_assets.records.sources import Kind

KINDS: tuple[Kind, ...] = get_args(Kind)
GRADERS = ("exact", "math", "choice", "code", "reasoning_gym", "judge")
"""The closed set of graders; a grader that is not built yet marks `unscored`."""
OUR_FIELDS = ("question", "reference_answer", "solution", "subject", "language")
"""What `fields` may map."""
KEY = re.compile(r"[a-z0-9_-]{1,100}")


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a catalogue entry."""

    accepts: str
    """The accepted values, in words, for messages."""
    test: Callable[[object], bool]
    kinds: tuple[Kind, ...] = KINDS


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _whole(least: int) -> Callable[[object], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _mapping(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(name, str) for name in value)


def _texts(value: object) -> bool:
    return _text(value) or (isinstance(value, list) and bool(value) and all(_text(part) for part in value))


def _language(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[a-z]{2,3}", value) is not None


_TEXT = "text"
_FLAG = "true or false"
_TEXTS = "text or a list of texts"
_HUB: tuple[Kind, ...] = ("huggingface",)
_GYM: tuple[Kind, ...] = ("reasoning_gym",)

OPTIONS: dict[str, Option] = {
    "kind": Option(", ".join(KINDS), lambda value: value in KINDS),
    "title": Option(_TEXT, _text),
    "enabled": Option(_FLAG, _flag),
    "location": Option("text: a family, a path, glob or URL, or a data set's name", _text),
    "licence": Option("text: an SPDX identifier, the source's own words, or 'unknown'", _text),
    "language": Option("an ISO 639-1 code such as en (in quotes: YAML reads no as false)", _language),
    "subject": Option(_TEXT, _text),
    "grader": Option(", ".join(GRADERS), lambda value: value in GRADERS),
    "grader_spec": Option("a mapping", _mapping),
    "fields": Option(f"a mapping from {', '.join(OUR_FIELDS)} to columns or rules", _mapping),
    "choices": Option("a mapping with columns, and index or correct", _mapping),
    "keep_if": Option("a mapping from columns to a value, a list, or tests", _mapping),
    "start": Option("a whole number from 0", _whole(0)),
    "end": Option("a whole number from 1", _whole(1)),
    "num_samples": Option("a whole number from 1", _whole(1)),
    "seed": Option("a whole number from 0", _whole(0)),
    "notes": Option("text", lambda value: isinstance(value, str)),
    "config": Option("a mapping of the family's own fields", _mapping, _GYM),
    "size": Option("a whole number from 1", _whole(1), _GYM),
    "revision": Option("text: a commit of the data set", _text, _HUB),
    "config_name": Option(_TEXTS, _texts, _HUB),
    "split": Option(_TEXTS, _texts, _HUB),
    "streaming": Option(_FLAG, _flag, _HUB),
    "watch": Option(_FLAG, _flag, ("table",)),
}

SYNONYMS: dict[tuple[str, Kind], str] = {
    ("name", "huggingface"): "location",
    ("config", "huggingface"): "config_name",
    ("family", "reasoning_gym"): "location",
    ("path", "table"): "location",
    ("url", "table"): "location",
}
"""Other names that an option may be given by, in entries of one kind."""

SHORTHANDS = {
    "question_field": Option("text: a column", _text),
    "fallback_fields": Option("a list of columns", lambda value: isinstance(value, list) and _texts(value)),
}
"""Together another way to write `fields: {question: [...]}`, as the S1 Gemini collector has it."""


def accepted_names(kind: Kind | None) -> list[str]:
    """Option names that an entry of `kind` (None: of any) may use."""
    own = [name for name, option in OPTIONS.items() if kind is None or kind in option.kinds]
    others = [name for name, of_kind in SYNONYMS if kind is None or of_kind == kind]
    return [*own, *SHORTHANDS, *others]
