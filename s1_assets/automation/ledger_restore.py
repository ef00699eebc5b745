"""Reading back what `s1 ledger export` wrote: the same calls, under the same keys, with the same replies.

A line whose request was changed by hand no longer fits its key, and is not taken.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from s1_assets.adapters.llm.imports import Unreadable
from s1_assets.adapters.llm.imports.files import line_rows
from s1_assets.domain.calls import call_key
from s1_assets.domain.model_names import parse_model_name
from s1_assets.records.models import Message, ModelRequest, Reply, Sampling, Status

FORMAT = "s1-ledger"
_SIGNS = ("call_key", "thinking_setting", "sample_index")
_FIELDS = tuple(field.name for field in fields(Reply))

Restored = tuple[ModelRequest, Reply, str]
"""A call, its reply, and where they were read."""


def is_exported(path: Path) -> bool:
    """Whether a file begins with a line that `s1 ledger export` wrote."""
    try:
        with path.open("rb") as file:
            first = json.loads(file.readline())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and all(name in first for name in _SIGNS)


def restored_rows(path: Path) -> Iterator[Restored | Unreadable]:
    """The calls of an exported file, in its order.

    Raises:
        SourceUnreadable: If the file cannot be read.
    """
    for row in line_rows(path):
        if isinstance(row, Unreadable):
            yield row
            continue
        origin, values = row
        try:
            request, reply = _request(values), _reply(values)
        except (KeyError, TypeError, ValueError) as error:
            yield Unreadable(origin, f"no exported call: {type(error).__name__} {error}")
            continue
        if call_key(request) == values["call_key"]:
            yield request, reply, origin
        else:
            yield Unreadable(origin, "its request was changed: the key is another call's")


def _request(values: Mapping[str, Any]) -> ModelRequest:
    messages = tuple(Message(message["role"], message["content"]) for message in values["messages"])
    return ModelRequest(
        parse_model_name(values["model"]),
        messages,
        Sampling(**values["sampling"]),
        values["thinking_setting"],
        values["sample_index"],
    )


def _reply(values: Mapping[str, Any]) -> Reply:
    if values["status"] not in get_args(Status):
        raise ValueError(f"status {values['status']!r}; accepted: {', '.join(get_args(Status))}")
    return Reply(**{name: values[name] for name in _FIELDS})
