"""Options of a run: `--set ASSET.FIELD=VALUE`, and files in our own form or in those of the systems we replace.

Precedence, strongest first: command line, config file, environment, catalogue, defaults.
"""

import difflib
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from s1_assets.automation.plan import RECIPES
from s1_assets.domain.catalogue.merge import Catalogue
from s1_assets.errors import SettingsError

COLLECTOR_FIELDS = {
    "api_keys": "keys come from the environment only: GEMINI_API_KEY, GEMINI_API_KEY_1, ...",
    "model_name": "",
    "max_concurrent_sessions": "the environment's MAX_CONCURRENT_SESSIONS",
    "requests_per_minute_per_key": "the environment's REQUESTS_PER_MINUTE",
    "output_dir": "S1_STORAGE says where tables live; `s1 show ASSET --out FILE` writes a file",
    "log_level": "logs of every run are in the UI, and under .s1/logs",
    "resume": "a run always resumes: what the ledger holds is not asked again",
    "max_retries": "the client's retry policy",
    "save_interval": "every reply is on disk before it is used",
}
"""Section `collector` of the S1 Gemini Data Collector's config.json, with what has taken a field's place."""
DATASET_FIELDS = ("name", "split", "num_samples", "seed", "question_field", "fallback_fields")
PROMPT_FIELDS = ("template", "system_prompt", "format_instructions")
NOT_HERE = {
    "generation": "options of Crafter rollouts, which this version does not make",
    "quality": "options of the Crafter selection, which this version does not make",
    "huggingface": "options of publishing, which this version does not do",
}


@dataclass(slots=True)
class RunOptions:
    """What a run was told beside the environment."""

    by_asset: dict[str, dict[str, Any]] = field(default_factory=dict)
    source: str | None = None
    """The one source that a collector's config file is about."""
    model_name: str | None = None
    """The collector's Gemini model."""
    remarks: list[str] = field(default_factory=list)
    """Fields that were accepted and have no effect any more, each with what took its place."""


def read_options(file: Path | None, assignments: Sequence[str], limit: int | None, catalogue: Catalogue) -> RunOptions:
    """Options from a file and the command line, checked against the assets' own fields.

    Raises:
        SettingsError: Naming every fault at once.
    """
    options, faults = RunOptions(), list[str]()
    if file is not None:
        _apply_file(_parse(file), file.name, options, catalogue, faults)
    for assignment in assignments:
        _apply_assignment(assignment, options, faults)
    if limit is not None:
        options.by_asset.setdefault("raw_questions", {})["limit"] = limit
    faults.extend(_invalid(options.by_asset))
    if faults:
        raise SettingsError("options that cannot be used:", faults)
    return options


def _parse(file: Path) -> Mapping[str, Any]:
    parsers: dict[str, Callable[[str], Any]] = {
        ".json": json.loads,
        ".toml": tomllib.loads,
        ".yaml": yaml.safe_load,
        ".yml": yaml.safe_load,
    }
    if file.suffix not in parsers:
        raise SettingsError("options that cannot be used:", [f"--config {file}: accepted are {', '.join(parsers)}"])
    try:
        content = parsers[file.suffix](file.read_text("utf-8-sig"))
    except OSError as error:
        raise SettingsError("options that cannot be used:", [f"--config {file}: {error.strerror}"]) from error
    except (ValueError, yaml.YAMLError) as error:
        raise SettingsError("options that cannot be used:", [f"--config {file}: {error}"]) from error
    if not isinstance(content, Mapping):
        raise SettingsError(
            "options that cannot be used:", [f"--config {file}: holds no sections, but {content!r:.60}"]
        )
    return content


def _apply_file(
    content: Mapping[str, Any], name: str, options: RunOptions, catalogue: Catalogue, faults: list[str]
) -> None:
    """Sections of our own form (an asset's name) and of the replaced systems' forms; the collector's may also stand
    flat.
    """
    flat = {key: value for key, value in content.items() if not isinstance(value, Mapping)}
    sections = {key: dict(value) for key, value in content.items() if isinstance(value, Mapping)}
    for key, value in flat.items():
        section = _collector_section(key)
        if section is None:
            faults.append(f"{name}: {key!r} is no section and no option of the collector's; {_known(key)}")
        else:
            sections.setdefault(section, {})[key] = value
    for section, fields in sections.items():
        if section in RECIPES:
            options.by_asset.setdefault(section, {}).update(fields)
        elif section in ("collector", "dataset", "prompt"):
            _apply_collector(section, fields, name, options, catalogue, faults)
        elif section in NOT_HERE:
            faults.append(f"{name}: [{section}] holds {NOT_HERE[section]}")
        else:
            faults.append(f"{name}: there is no section [{section}]; {_known(section)}")


def _collector_section(key: str) -> str | None:
    for section, fields in (("collector", COLLECTOR_FIELDS), ("dataset", DATASET_FIELDS), ("prompt", PROMPT_FIELDS)):
        if key in fields:
            return section
    return None


def _apply_collector(
    section: str, fields: dict[str, Any], name: str, options: RunOptions, catalogue: Catalogue, faults: list[str]
) -> None:
    accepted = {"collector": tuple(COLLECTOR_FIELDS), "dataset": DATASET_FIELDS, "prompt": PROMPT_FIELDS}[section]
    for key in [key for key in fields if key not in accepted]:
        faults.append(
            f"{name}: [{section}] has no option {key!r}{_meant(key, accepted)}; accepted: {', '.join(accepted)}"
        )
        fields.pop(key)
    if section == "prompt":
        options.by_asset.setdefault("raw_traces", {}).update(fields)
    elif section == "dataset":
        _apply_dataset(fields, name, options, catalogue, faults)
    else:
        model_name = fields.pop("model_name", None)
        if model_name is None or isinstance(model_name, str):
            options.model_name = model_name
        else:
            faults.append(f"{name}: model_name = {model_name!r}: accepted is the name of a Gemini model")
        options.remarks.extend(f"{name}: {key} has no effect here: {COLLECTOR_FIELDS[key]}" for key in fields)


def _apply_dataset(
    fields: dict[str, Any], name: str, options: RunOptions, catalogue: Catalogue, faults: list[str]
) -> None:
    """The collector's data set: its options go to the one source that reads it."""
    wanted = fields.pop("name", None)
    if wanted is None:
        faults.append(f"{name}: [dataset] names no data set; 'name' is missing")
        return
    keys = [key for key, source in catalogue.enabled.items() if wanted in (key, source.location)]
    if not keys:
        faults.append(
            f"{name}: no enabled source reads {wanted!r}; add it: s1 sources add KEY --kind huggingface --name {wanted}"
        )
        return
    options.source = keys[0]
    options.by_asset.setdefault("raw_questions", {}).update(fields)


def _apply_assignment(assignment: str, options: RunOptions, faults: list[str]) -> None:
    target, equals, text = assignment.partition("=")
    asset, dot, field_name = target.partition(".")
    if not equals or not dot:
        faults.append(f"--set {assignment}: the form is ASSET.FIELD=VALUE")
        return
    options.by_asset.setdefault(asset, {})[field_name] = text if _takes_text(asset, field_name) else _value(text)


def _takes_text(asset: str, field_name: str) -> bool:
    """Whether the field is a text, so that `yes` or `123` stays one."""
    field_of = RECIPES[asset].options.model_fields.get(field_name) if asset in RECIPES else None
    return field_of is not None and field_of.annotation in (str, str | None)


def _value(text: str) -> Any:
    """A number, true, false, null, list or mapping as YAML reads it; any other text as it stands."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return value if isinstance(value, bool | int | float | list | dict) or text in ("null", "") else text


def _invalid(by_asset: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    for asset, fields in by_asset.items():
        recipe = RECIPES.get(asset)
        if recipe is None:
            yield f"there is no asset {asset!r}{_meant(asset, RECIPES)}; assets: {', '.join(RECIPES)}"
            continue
        accepted = recipe.options.model_fields
        for name in fields:
            if name not in accepted:
                known = ", ".join(accepted) or "none"
                yield f"{asset} has no option {name!r}{_meant(name, accepted)}; accepted: {known}"
        try:
            recipe.options(**{name: value for name, value in fields.items() if name in accepted})
        except ValidationError as error:
            for fault in error.errors():
                where = ".".join(str(part) for part in fault["loc"])
                yield f"{asset}.{where} = {fault['input']!r}: {fault['msg']}"


def _known(key: str) -> str:
    sections = (*RECIPES, "collector", "dataset", "prompt")
    return f"sections are {', '.join(sections)}{_meant(key, sections)}"


def _meant(key: object, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(key), list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
