"""Manifests: one small numbered JSON file per version of a table. The highest number is the current version.

```json
{"format": 1, "number": 2, "address": {"asset": "raw_traces", "partition": "gsm8k"}, "content_hash": "9f…",
 "rows": 250, "files": ["raw_traces/gsm8k/data/HOST-….412.88.0f…/part-00000.parquet"], "writer": "HOST-….412.88.0f…",
 "tokens": ["HOST-….412.88.0f…"], …}
```
`writer` is the write that made this manifest; `tokens` are the data folders that this or an older manifest names.
"""

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from s1_assets.adapters.storage.places import Place
from s1_assets.errors import StorageError
from s1_assets.ports import Address, Version

FORMAT = 1

_FILE_NAME = re.compile(r"[0-9]{12}\.json")
_NAME = re.compile(r"[a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A version, who wrote it, and the data folders in use up to it."""

    version: Version
    writer: str
    tokens: tuple[str, ...]


def folder_of(address: Address) -> str:
    """Where everything of one table lies, relative to the root.

    Raises:
        StorageError: If a name would leave the root or mean something else on another store.
    """
    for what, name in (("asset", address.asset), ("partition", address.partition)):
        if name is not None and (not _NAME.fullmatch(name) or (what, name) == ("partition", "_")):
            raise StorageError(f"{what} {name!r} cannot be stored: names are of a-z, 0-9, '_' and '-' only")
    return f"{address.asset}/{'_' if address.partition is None else address.partition}"


def address_of(asset: str, partition: str) -> Address | None:
    """The address whose folder is `asset/partition`; None if it cannot be one of ours."""
    if not _NAME.fullmatch(asset) or not _NAME.fullmatch(partition):
        return None
    return Address(asset, None if partition == "_" else partition)


def numbers(place: Place, address: Address) -> list[int]:
    """The numbers of all versions, ascending."""
    names = place.children(f"{folder_of(address)}/manifests")
    return sorted(int(name[:12]) for name in names if _FILE_NAME.fullmatch(name))


def newest(place: Place, address: Address) -> Manifest | None:
    """The manifest with the highest number, at the price of one list and one read.

    Raises:
        StorageError: If it cannot be understood.
    """
    present = numbers(place, address)
    return load(place, address, present[-1]) if present else None


def path_of(address: Address, number: int) -> str:
    return f"{folder_of(address)}/manifests/{number:012d}.json"


def load(place: Place, address: Address, number: int) -> Manifest:
    """Read one manifest.

    Raises:
        StorageError: If it is missing, broken, of an unknown format, or of another table.
    """
    path = path_of(address, number)
    content = place.read(path)
    where = f"manifest {place.location(path)}"
    try:
        fields = json.loads(content)
        form = fields["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{where} is damaged ({error!r}): {_way_out(number)}") from error
    if form != FORMAT:
        raise StorageError(f"{where} has format {form!r}, this version of s1_assets reads {FORMAT}: update s1_assets")
    try:
        manifest = _decode(fields)
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"{where} is damaged ({error!r}): {_way_out(number)}") from error
    if (manifest.version.address, manifest.version.number) != (address, number):
        raise StorageError(f"{where} is of {manifest.version.address} version {manifest.version.number}: move it back")
    return manifest


def dump(manifest: Manifest) -> bytes:
    """The bytes of a manifest."""
    fields = asdict(manifest.version) | {"facts": dict(manifest.version.facts)}
    fields |= {"format": FORMAT, "writer": manifest.writer, "tokens": manifest.tokens}
    return (json.dumps(fields, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _way_out(number: int) -> str:
    older = "the version before it becomes current" if number > 1 else "the table counts as never made"
    return f"delete this file ({older}), then materialize the asset again"


def _decode(fields: dict[str, Any]) -> Manifest:
    address = Address(_text(fields["address"]["asset"]), fields["address"]["partition"])
    folder = f"{folder_of(address)}/data/"
    files, set_aside_files = _texts(fields["files"]), _texts(fields["set_aside_files"])
    for path in (*files, *set_aside_files):
        if not path.startswith(folder) or ".." in path:
            raise ValueError(f"file {path!r} lies outside {folder}")
    if not isinstance(fields["facts"], dict):
        raise TypeError("facts is no object")
    counts = {name: int(fields[name]) for name in ("number", "rows", "set_aside", "bytes")}
    version = Version(
        address=address,
        content_hash=_text(fields["content_hash"]),
        fingerprint=_text(fields["fingerprint"]),
        files=files,
        set_aside_files=set_aside_files,
        facts=fields["facts"],
        **counts,
    )
    return Manifest(version, _text(fields["writer"]), _texts(fields["tokens"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError(f"{values!r} is no list")
    return tuple(_text(value) for value in values)
