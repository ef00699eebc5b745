"""Digests that tell whether something must be computed again."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any


def fingerprint_of(*parts: Any) -> str:
    """A 128-bit digest of values that JSON can hold, equal when they are equal, 32 hex digits."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def table_fingerprint(
    asset: str, code_version: str | None, effective: Mapping[str, Any], inputs: Mapping[str, Mapping[str, str]]
) -> str:
    """What made a stored table: nothing needs to run while it stands.

    Args:
        effective: The settings, options and outside state that decide the content, resolved.
        inputs: By input asset, the content hash of each partition that was read (key `""` without partitions).
    """
    return fingerprint_of(asset, code_version, effective, inputs)
