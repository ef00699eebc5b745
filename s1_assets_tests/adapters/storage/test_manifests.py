"""Manifests that cannot be trusted are named, and what to do is said."""

import json
from pathlib import Path

import pytest

from s1_assets.errors import StorageError
from s1_assets_tests.adapters.storage.backends import Backend
from s1_assets_tests.adapters.storage.samples import HERE, NOTES, contract_of, notes

MANIFEST = "notes/gsm8k/manifests/000000000001.json"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 2}, r"has format 2, this version of s1_assets reads 1: update s1_assets"),
        ({"rows": "many"}, r"is damaged .*delete this file \(the table counts as never made\)"),
        ({"rows": None}, "is damaged"),
        ({"files": ["../../etc/passwd"]}, "is damaged .*lies outside notes/gsm8k/data/"),
        ({"files": ["notes/gsm8k/data/../../x"]}, "is damaged .*lies outside"),
        ({"files": "one"}, "is damaged"),
        ({"facts": []}, "is damaged"),
        ({"content_hash": 7}, "is damaged"),
        ({"address": {"asset": "notes", "partition": "math"}, "files": []}, "is of notes:math version 1: move it back"),
        ({"number": 3}, "is of notes:gsm8k version 3: move it back"),
    ],
)
def test_a_manifest_that_says_something_impossible_is_refused(
    disk: Backend, change: dict[str, object], told: str
) -> None:
    store = disk.store(contract_of)
    store.write(HERE, NOTES, [notes(3)])
    path = Path(disk.uri) / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(StorageError, match=rf"manifest .*000000000001\.json {told}"):
        store.current(HERE)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b'{"format": 1}', b"null"])
def test_a_manifest_that_is_no_manifest_is_refused(disk: Backend, content: bytes) -> None:
    store = disk.store(contract_of)
    store.write(HERE, NOTES, [notes(3)])
    (Path(disk.uri) / MANIFEST).write_bytes(content)
    with pytest.raises(StorageError, match=r"000000000001\.json is damaged"):
        store.current(HERE)


def test_other_files_among_the_manifests_are_no_versions(disk: Backend) -> None:
    store = disk.store(contract_of)
    version = store.write(HERE, NOTES, [notes(3)])
    for name in ("000000000002.json.tmp", "2.json", "notes.txt"):
        (Path(disk.uri) / "notes/gsm8k/manifests" / name).write_text("{")
    assert store.current(HERE) == version
    assert store.prune().versions == 0


def test_a_manifest_is_readable_and_the_same_for_the_same_version(disk: Backend) -> None:
    store = disk.store(contract_of)
    store.write(HERE, NOTES, [notes(3)], facts=lambda: {"nested": {"ä": [1, None]}})
    text = (Path(disk.uri) / MANIFEST).read_text(encoding="utf-8")
    assert '"ä"' in text
    assert list(json.loads(text)) == sorted(json.loads(text))
