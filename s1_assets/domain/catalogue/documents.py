"""Catalogue text -> raw entries, with every fault of the YAML itself told by file and line.

Stricter than plain YAML, which lets the second of two equal keys win in silence.
"""

import difflib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

RawEntry = Mapping[str, object]


@dataclass
class Faults:
    """Collects what is wrong, one line each, so that everything is told at once."""

    lines: list[str] = field(default_factory=list)

    def add(self, file: str, source: str, option: str, text: str) -> None:
        place = ", ".join(part for part in (source and f"source {source!r}", option) if part)
        self.lines.append(f"{file}: {place}: {text}" if place else f"{file}: {text}")


def meant(name: str, accepted: Iterable[str]) -> str:
    """A hint for a misspelt name, to stand at the end of a message; empty if nothing is near.

    >>> meant("tabel", ["table", "huggingface"])
    "; did you mean 'table'?"
    """
    near = difflib.get_close_matches(name, list(accepted), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def shown(value: object) -> str:
    """A found value, short enough for a message."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def read_document(file: str, text: str, faults: Faults) -> dict[str, RawEntry]:
    """Entries of one file by key, in its order; what cannot be read is a fault."""
    try:
        document = yaml.load(text, Loader=_StrictLoader)  # which is a SafeLoader
    except yaml.YAMLError as error:
        faults.add(file, "", "", _yaml_fault(error))
        return {}
    if document is None:
        return {}
    if not isinstance(document, dict):
        faults.add(file, "", "", f"found {_kind_name(document)}; accepted: a mapping from source keys to entries")
        return {}
    entries: dict[str, RawEntry] = {}
    for key, entry in document.items():
        if not isinstance(key, str):
            faults.add(file, "", "", f"found source key {key!r}; accepted: text, so write it in quotes")
        elif not isinstance(entry, dict):
            faults.add(file, key, "", f"found {_kind_name(entry)}; accepted: a mapping of options")
        elif odd := [name for name in entry if not isinstance(name, str)]:
            faults.add(file, key, "", f"found option names {odd!r}; accepted: text, so write them in quotes")
        else:
            entries[key] = entry
    return entries


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.value == "<<":
                continue
            name = str(key_node.value)
            if name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {name!r} appears twice", key_node.start_mark)
            seen.add(name)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def _yaml_fault(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: not YAML as accepted here: {error.problem}"
    return f"not YAML: {error}"


def _kind_name(value: object) -> str:
    names = {"dict": "a mapping", "list": "a list", "str": "text", "NoneType": "nothing", "bool": "true or false"}
    return names.get(type(value).__name__, f"a value of type {type(value).__name__}")
