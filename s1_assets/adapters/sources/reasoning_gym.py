"""Reader of `reasoning_gym` sources: questions made by a seeded generator, no file and no network.

The library's scorers are never called: they execute the answer as code. Row i depends on seed + i, so seeds of sources
should lie far apart.
"""

import dataclasses
import hashlib
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from enum import Enum
from importlib.metadata import version
from typing import Any

from s1_assets.domain.catalogue.documents import meant, shown
from s1_assets.domain.catalogue.plain import json_text
from s1_assets.errors import CatalogueError
from s1_assets.records.sources import Source, SourceRow

_OWN = ("seed", "size")
"""Fields of every family that are options of the entry itself."""
_MOMENTS = {"start_time", "end_time"}


class ReasoningGymReader:
    """Generates rows: `question`, `answer`, and the columns of the library's own metadata."""

    def state(self, source: Source) -> str:
        """The library's version and a digest of family, size, seed and config."""
        return f"reasoning-gym {version('reasoning-gym')} {_digest(source, source.size)}"

    def revision(self, source: Source) -> str:
        """The same without the size, so that a source that grows keeps its rows."""
        return f"reasoning-gym {version('reasoning-gym')} {_digest(source)}"

    def rows(self, source: Source) -> Iterator[SourceRow]:
        """`size` rows with locators `#ROW`.

        Raises:
            CatalogueError: If there is no such family, or it does not take the config.
        """
        dataset = _dataset(source)
        for index in range(source.size or 0):
            locator = f"#{index + 1}"
            try:
                item = dataset[index]
            except Exception as error:  # noqa: BLE001  (one question that cannot be made is one row set aside)
                yield SourceRow(locator, {}, "generator_failed", f"{type(error).__name__}: {error}")
                continue
            yield SourceRow(locator, _columns(item))


def _columns(item: Mapping[str, Any]) -> dict[str, object]:
    own = {"question": item["question"], "answer": item["answer"]}
    details = dict(item.get("metadata") or {})
    if str(details.get("task_type")).startswith("time"):
        # time_intervals writes the day on which it is run beside a time of day; rows must not depend on that.
        for name in _MOMENTS & details.keys():
            details[name] = str(details[name]).rpartition(" ")[2]
    return {f"metadata.{name}" if name in own else str(name): value for name, value in details.items()} | own


def _digest(source: Source, *more: object) -> str:
    made_from = json_text([source.location, source.seed, dict(source.config), *more])
    return hashlib.blake2b(made_from.encode()).hexdigest()[:16]


def _dataset(source: Source) -> Any:
    from reasoning_gym.factory import DATASETS, create_dataset

    heading = f"source {source.key} cannot be generated"
    if source.location not in DATASETS:
        near = meant(source.location, DATASETS)
        accepted = ", ".join(sorted(DATASETS))
        raise CatalogueError(heading, [f"location: no family {source.location!r}{near}; accepted: {accepted}"])
    config = _config(source, DATASETS[source.location][1], heading)
    try:
        return create_dataset(source.location, seed=source.seed, size=source.size, **config)
    except Exception as error:  # families refuse a config by assert, ValueError, TypeError, ...
        text = str(error) or type(error).__name__
        raise CatalogueError(heading, [f"config: {source.location} refuses it: {text}"]) from error


def _config(source: Source, wanted: type, heading: str) -> dict[str, object]:
    hints, defaults = typing.get_type_hints(wanted), wanted()
    accepted = [field.name for field in dataclasses.fields(wanted) if field.init and field.name not in _OWN]
    config: dict[str, object] = {}
    faults = []
    for name, value in source.config.items():
        if name in _OWN:
            faults.append(f"config.{name}: stands beside config, not in it")
        elif name not in accepted:
            faults.append(
                f"config.{name}: unknown; accepted by {source.location}: {', '.join(accepted)}{meant(name, accepted)}"
            )
        else:
            try:
                config[name] = _as_hinted(value, hints.get(name, Any))
            except (TypeError, ValueError) as error:
                if type(value) is type(getattr(defaults, name)):  # some families' hints are not what they take
                    config[name] = value
                    continue
                faults.append(f"config.{name}: found {shown(value)}; accepted: {error}")
    if faults:
        raise CatalogueError(heading, faults)
    return config


def _as_hinted(value: object, hint: Any) -> object:
    """A YAML value as what a family's dataclass wants; `ValueError` says what is accepted."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in inside:
            return None
        return _as_hinted(value, next(part for part in inside if part is not type(None)))
    if origin is typing.Literal:
        if value not in inside:
            raise ValueError(", ".join(map(str, inside)))
        return value
    if hint in (list, tuple) or origin in (list, tuple):
        return _as_sequence(value, origin or hint, inside)
    if isinstance(hint, type):
        return _as_type(value, hint)
    return value


def _as_sequence(value: object, kind: type, inside: tuple[Any, ...]) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError("a list")
    # One type alone is meant for all parts: families write tuple[str] for any number of them.
    if kind is tuple and len(inside) > 1 and inside[-1] is not Ellipsis:
        if len(inside) != len(value):
            raise ValueError(f"a list of {len(inside)}")
        return tuple(_as_hinted(part, hint) for part, hint in zip(value, inside, strict=True))
    hint = inside[0] if inside else Any
    return kind(_as_hinted(part, hint) for part in value)


def _as_type(value: object, hint: type) -> object:
    if issubclass(hint, Enum):
        return _as_enum(value, hint)
    if hint in (date, datetime, time):
        return _as_moment(value, hint)
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in names and (not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool)):
        raise ValueError(names[hint])
    return value


def _as_enum(value: object, hint: type[Enum]) -> Enum:
    for member in hint:
        if value in (member, member.value, member.name) or str(value).upper() == member.name.upper():
            return member
    raise ValueError(", ".join(member.name for member in hint))


def _as_moment(value: object, hint: Any) -> object:
    """YAML makes dates by itself, but reads 10:30 without quotes as the number 630."""
    if type(value) is hint:
        return value
    if isinstance(value, date) and hint is datetime:
        return datetime.combine(value, time())
    try:
        return hint.fromisoformat(value)
    except (TypeError, ValueError) as error:
        example = {date: "'2024-01-31'", time: "'10:30:00'"}.get(hint, "'2024-01-31T10:30:00'")
        raise ValueError(f"a {hint.__name__} in quotes, such as {example}") from error
