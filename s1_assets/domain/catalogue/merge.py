"""The catalogue: packaged entries, overlaid option by option by the user's files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from s1_assets.domain.catalogue.documents import Faults, RawEntry, meant, read_document, shown
from s1_assets.domain.catalogue.entries import MergedEntry, source_of
from s1_assets.domain.catalogue.options import KINDS, SHORTHANDS, SYNONYMS
from s1_assets.errors import CatalogueError
from s1_assets.records.sources import Source

USER_FILE = "user.yaml"
"""Written by `s1 sources`; merged after all other files."""

_BY_KEY = ("fields", "config", "grader_spec", "keep_if")
"""Mapping options in which an overlay replaces single keys; null takes a key away."""


@dataclass(frozen=True)
class Catalogue:
    """All sources by key, in the order of their keys."""

    sources: Mapping[str, Source]
    files: Mapping[str, tuple[str, ...]]
    """By source: the files that it came from, in the order in which they were merged."""

    @property
    def enabled(self) -> dict[str, Source]:
        """The sources that are partitions."""
        return {key: source for key, source in self.sources.items() if source.enabled}


def load_catalogue(packaged_texts: Mapping[str, str], user_texts: Mapping[str, str]) -> Catalogue:
    """The catalogue from the texts of its files, by file name; `user.yaml` is merged last.

    Raises:
        CatalogueError: Naming every fault with file, source, option, what was found and what is accepted.
    """
    faults = Faults()
    merged: dict[str, MergedEntry] = {}
    files: dict[str, tuple[str, ...]] = {}
    for file, is_packaged in _in_order(packaged_texts, user_texts):
        text = packaged_texts[file] if is_packaged else user_texts[file]
        for key, raw in read_document(file, text, faults).items():
            if is_packaged and key in merged:
                faults.add(file, key, "", f"packaged in {files[key][0]} too; accepted: one packaged entry for a key")
                continue
            if key not in merged and _changes_only(raw):
                known = ", ".join(sorted(merged))
                faults.add(
                    file,
                    key,
                    "",
                    f"no such source to change; a new one needs a kind; there are: {known}{meant(key, merged)}",
                )
                continue
            merged[key] = _overlay(key, merged.get(key), raw, file, faults)
            files[key] = (*files.get(key, ()), file)
    sources = {key: source_of(merged[key], faults) for key in sorted(merged)}
    if faults.lines:
        raise CatalogueError("the source catalogue cannot be used", faults.lines)
    return Catalogue(
        {key: source for key, source in sources.items() if source is not None},
        {key: files[key] for key in sorted(files)},
    )


def _in_order(packaged: Iterable[str], user: Iterable[str]) -> list[tuple[str, bool]]:
    own = sorted(user, key=lambda file: (file.replace("\\", "/").rpartition("/")[2] == USER_FILE, file))
    return [(file, True) for file in sorted(packaged)] + [(file, False) for file in own]


def _changes_only(raw: RawEntry) -> bool:
    return "kind" not in raw and "location" not in raw


def _overlay(key: str, base: MergedEntry | None, raw: RawEntry, file: str, faults: Faults) -> MergedEntry:
    values = dict(base.values) if base else {}
    files = dict(base.files) if base else {}
    kind = raw.get("kind", values.get("kind"))
    for name, value in _canonical(key, kind, raw, file, faults).items():
        present = values.get(name)
        if name in _BY_KEY and isinstance(present, dict) and isinstance(value, dict):
            value = {part: held for part, held in (present | value).items() if held is not None or part not in value}
        values[name] = value
        files[name] = file
    return MergedEntry(key, values, files, file)


def _canonical(key: str, kind: object, raw: RawEntry, file: str, faults: Faults) -> dict[str, object]:
    """The entry with synonyms and shorthands resolved."""
    plain: dict[str, object] = {}
    for name, value in raw.items():
        own = SYNONYMS.get((name, kind), name) if kind in KINDS else name
        if name in SHORTHANDS:
            continue
        if own in plain:
            faults.add(file, key, name, f"says the same as another option; accepted: {own} once")
        plain[own] = value
    names = _question_columns(key, raw, file, faults)
    if names:
        fields = plain.get("fields", {})
        if isinstance(fields, dict) and "question" in fields:
            faults.add(file, key, "question_field", "fields.question is given too; accepted: one of the two")
        elif isinstance(fields, dict):
            plain["fields"] = {"question": names, **fields}
    return plain


def _question_columns(key: str, raw: RawEntry, file: str, faults: Faults) -> list[object]:
    names: list[object] = []
    for name, option in SHORTHANDS.items():
        value = raw.get(name)
        if value is None:
            continue
        if not option.test(value):
            faults.add(file, key, name, f"found {shown(value)}; accepted: {option.accepts}")
        else:
            names += value if isinstance(value, list) else [value]
    return names
