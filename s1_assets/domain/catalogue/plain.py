"""Any value that a reader may hand over, as JSON text that is the same on every machine."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from datetime import date, time, timedelta

WHOLE_BYTES = 64 * 1024
"""Byte strings up to this size are kept as base64; of larger ones (images) size and digest only."""


def json_text(value: object) -> str:
    """JSON with sorted keys and text as it is; not-a-number becomes null, dates and the like become text.

    >>> json_text({"b": float("nan"), "a": "é", "on": __import__("datetime").date(2024, 1, 31)})
    '{"a": "é", "b": null, "on": "2024-01-31"}'
    """
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError):  # not-a-number, or keys that are not text
        return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return None if math.isnan(value) else value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(part) for part in value), key=repr)
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes(bytes(value))
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if callable(as_list := getattr(value, "tolist", None)):  # numpy arrays and scalars
        return _plain(as_list())
    return str(value)


def _bytes(value: bytes) -> object:
    if len(value) <= WHOLE_BYTES:
        return {"base64": base64.b64encode(value).decode()}
    return {"bytes": len(value), "blake2b": hashlib.blake2b(value).hexdigest()[:32]}
