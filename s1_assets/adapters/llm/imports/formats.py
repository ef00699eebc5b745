"""The formats by name, and how a file or folder tells which it is."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path

from s1_assets.adapters.llm.imports import collector, curator, openai_batch, plain, s1, skythought
from s1_assets.adapters.llm.imports.answers import ImportedAnswer, Read, Row, Unreadable, UnreadableRow
from s1_assets.adapters.llm.imports.files import JsonText, line_rows
from s1_assets.errors import SettingsError

FORMATS: Mapping[str, Callable[..., Iterator[Read]]] = {
    "jsonl": plain.read,
    "curator": curator.read,
    "skythought": skythought.read,
    "s1": s1.read,
    "s1-collector": collector.read,
    "openai-batch": openai_batch.read,
}
"""Readers by format: each takes a path, `openai-batch` the path of its input file too."""

_IN_FOLDERS: Mapping[str, tuple[str, ...]] = {
    "curator": (curator.PATTERN,),
    "skythought": (skythought.PATTERN,),
    "s1-collector": collector.PATTERNS,
    "s1": (s1.PATTERN,),
}
"""The files that a format's folder holds; the other formats are single files."""
_SIGNS: Mapping[str, Callable[[Row], bool]] = {
    "curator": curator.is_one,
    "openai-batch": openai_batch.is_one,
    "s1": s1.is_one,
    "s1-collector": collector.is_one,
    "skythought": skythought.is_one,
    "jsonl": plain.is_one,
}
"""The first that fits tells the format, so the most general stands last."""
_HEAD_BYTES = 4 << 20
_TRIED = 20
"""Damaged lines at the beginning of a file, or files of a folder, do not hide its format."""


def read_answers(path: Path, format: str | None = None, prompts: Path | None = None) -> Iterator[Read]:
    """Every answer that a file or folder of another tool holds, in its order; a row that holds none says why.

    Samples of one prompt by one model are counted from 0. Nothing is read before the first is asked for, except what
    tells the format.

    Args:
        path: A file, or for some formats a folder.
        format: A name in `FORMATS`; None: told from the content.
        prompts: The input file of a batch, which holds the prompts of its output file.

    Raises:
        SettingsError: If there is no such file, its format cannot be told, or a batch comes without its input file.
        SourceUnreadable: If a file cannot be read at all.
    """
    for place in (path, prompts):
        if place is not None and not place.exists():
            raise _cannot_import(f"{place}: no such file or folder")
    if format is not None and format not in FORMATS:
        raise _cannot_import(f"format {format!r}; accepted: {', '.join(FORMATS)}")
    name = format or _format_of(path)
    if path.is_dir() and not any(_files(path, name)):
        accepted = " or ".join(_IN_FOLDERS[name]) if name in _IN_FOLDERS else "a file"
        raise _cannot_import(f"{path}: a folder without answers of {name}; accepted: {accepted}")
    if (name == "openai-batch") != (prompts is not None):
        needs = "its prompts are missing; accepted: the input file of the batch, as prompts"
        raise _cannot_import(f"{path}: {name}: {needs if prompts is None else 'takes no prompts file'}")
    return _numbered(FORMATS[name](path) if prompts is None else FORMATS[name](path, prompts))


def _numbered(answers: Iterable[Read]) -> Iterator[Read]:
    """The answers with their sample index; of a prompt only a digest is held."""
    samples: dict[bytes, int] = {}
    for answer in answers:
        if isinstance(answer, ImportedAnswer):
            asked = json.dumps([answer.model, *((message.role, message.content) for message in answer.messages)])
            key = blake2b(asked.encode(), digest_size=16).digest()
            number = samples.get(key, 0)
            samples[key] = number + 1
            yield replace(answer, sample_index=number)
        else:
            yield answer


def _format_of(path: Path) -> str:
    found = _folder_format(path) if path.is_dir() else _file_format(path)
    if found is None:
        raise _cannot_import(f"{path}: what it holds does not tell its format; name it: {', '.join(FORMATS)}")
    return found


def _folder_format(folder: Path) -> str | None:
    for name in _IN_FOLDERS:
        if any(_file_format(file) == name for file in islice(_files(folder, name), _TRIED)):
            return name
    return None


def _files(folder: Path, name: str) -> Iterator[Path]:
    return chain.from_iterable(folder.glob(pattern) for pattern in _IN_FOLDERS.get(name, ()))


def _file_format(file: Path) -> str | None:
    for row in _first_objects(file):
        for name, fits in _SIGNS.items():
            if fits(row):
                return name
    return None


def _first_objects(file: Path) -> Iterator[Row]:
    """What stands at the beginning: an element of a list, the first members of an object, the objects of lines."""
    text = JsonText.of(file, _HEAD_BYTES)
    if text.next() == "[":
        yield from _first_elements(text)
        return
    members = _first_members(text)
    if members:
        yield members
    if file.suffix != ".json":
        for row in islice(line_rows(file), _TRIED):
            if not isinstance(row, Unreadable):
                yield row[1]


def _first_elements(text: JsonText) -> Iterator[Row]:
    try:
        for element in islice(text.elements(), 1):
            if isinstance(element, dict):
                yield element
    except UnreadableRow:
        return


def _first_members(text: JsonText) -> dict[str, object]:
    members: dict[str, object] = {}
    try:
        for key in islice(text.names(), 100):
            members[key] = None
            members[key] = text.value()
    except UnreadableRow:
        pass  # the head of a file ends anywhere
    return members


def _cannot_import(fault: str) -> SettingsError:
    return SettingsError("answers that cannot be imported:", [fault])
