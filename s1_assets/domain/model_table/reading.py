"""The model table from YAML texts: packaged entries, overlaid field by field by the user's.

An entry's key is a model as everywhere: `provider:model[@base_url]`, where the model may hold `*`. An entry that does
not say how its model thinks changes the one that stood for that model so far.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from s1_assets.domain.catalogue.documents import Faults, RawEntry, meant, read_document
from s1_assets.domain.model_names import PROVIDERS, parse_model_name
from s1_assets.domain.model_table.entries import ModelEntry
from s1_assets.domain.model_table.fields import entry_of
from s1_assets.domain.model_table.lookup import is_pattern, names_for
from s1_assets.domain.model_table.table import ModelTable
from s1_assets.errors import SettingsError
from s1_assets.records.models import ModelName

_WITH_ENTRIES = tuple(provider for provider in PROVIDERS if provider not in ("solver", "replay"))


@dataclass
class _Layers:
    """The fields of one name after all files, each with the file that it came from."""

    values: dict[str, object] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    file: str = ""
    """The file that named the model last."""

    def put(self, file: str, raw: RawEntry) -> None:
        self.values |= raw
        self.files |= dict.fromkeys(raw, file)
        self.file = file


class _ModelFaults(Faults):
    """Says `model` where the source catalogue, whose way of reading YAML this is, says `source`."""

    def add(self, file: str, source: str, option: str, text: str) -> None:
        place = ", ".join(part for part in (source and f"model {source!r}", option) if part)
        text = text.replace("source key", "model name")
        self.lines.append(f"{file}: {place}: {text}" if place else f"{file}: {text}")


def load_model_table(packaged: Mapping[str, str], user: Mapping[str, str]) -> ModelTable:
    """The model table from the texts of its files, by file name; the user's go last, in the order of their names.

    Raises:
        SettingsError: Naming every fault with file, model, field, what was found and what is accepted.
    """
    faults = _ModelFaults()
    layers: dict[ModelName, _Layers] = {}
    for texts in (packaged, user):
        for file in sorted(texts):
            for key, raw in read_document(file, texts[file], faults).items():
                if (name := _name(file, key, layers, faults)) is not None:
                    layers.setdefault(name, _Layers()).put(file, raw)
    entries = {name: _entry(name, layers, faults) for name in layers}
    found = {name: entry for name, entry in entries.items() if entry is not None}
    if not faults.lines:
        _check_replacements(found, layers, faults)
    if faults.lines:
        raise SettingsError("the model table cannot be used:", faults.lines)
    return ModelTable(found)


def _name(file: str, key: str, known: Mapping[ModelName, _Layers], faults: Faults) -> ModelName | None:
    try:
        name = parse_model_name(key)
    except ValueError as error:
        faults.add(file, key, "", f"{error}{meant(key, map(str, known))}")
        return None
    if name.provider not in _WITH_ENTRIES:
        accepted = ", ".join(_WITH_ENTRIES)
        faults.add(
            file, key, "", f"{name.provider} needs no entry: it is free and takes no setting; accepted: {accepted}"
        )
        return None
    return name


def _entry(name: ModelName, layers: Mapping[ModelName, _Layers], faults: Faults) -> ModelEntry | None:
    merged, base = _merged(name, layers), _base(name, layers)
    told_of_base: set[tuple[str, str]] = set()
    if base is not None:
        entry_of(base, _merged(base, layers).values, lambda part, text: told_of_base.add((part, text)))

    def tell(part: str, text: str) -> None:
        if (part, text) not in told_of_base or part in layers[name].values:
            faults.add(merged.files.get(part.partition(".")[0], merged.file), str(name), part, text)

    return entry_of(name, merged.values, tell)


def _base(name: ModelName, layers: Mapping[ModelName, _Layers]) -> ModelName | None:
    """The name whose entry this one changes, if it does not stand alone."""
    if layers[name].values.get("thinking") is not None or is_pattern(name.model):
        return None
    return next((other for other in names_for(name, layers) if other != name), None)


def _merged(name: ModelName, layers: Mapping[ModelName, _Layers]) -> _Layers:
    own, base_name = layers[name], _base(name, layers)
    if base_name is None:
        return own
    base = _merged(base_name, layers)
    return _Layers(base.values | own.values, base.files | own.files, own.file)


def _check_replacements(
    entries: Mapping[ModelName, ModelEntry], layers: Mapping[ModelName, _Layers], faults: Faults
) -> None:
    for name, entry in entries.items():
        if entry.replacement and not names_for(ModelName(name.provider, entry.replacement, name.base_url), entries):
            known = [other.model for other in entries if not is_pattern(other.model)]
            text = f"found {entry.replacement!r}, which has no entry{meant(entry.replacement, known)}"
            faults.add(_merged(name, layers).files["replacement"], str(name), "replacement", text)
