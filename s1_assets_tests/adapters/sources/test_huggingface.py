import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s1_assets.adapters.sources.huggingface import HuggingFaceReader
from s1_assets.adapters.sources.readers import SourceReaders
from s1_assets.errors import SourceUnreadable
from s1_assets.records.sources import Source
from s1_assets_tests.adapters.sources.rows import read
from s1_assets_tests.domain.catalogue.entry import HUB, source_from


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    import datasets
    import huggingface_hub.constants

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    yield


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "set"
    for split, count in (("train", 3), ("test", 2)):
        (found / "data").mkdir(parents=True, exist_ok=True)
        rows = [{"question": f"{split} {n}", "answer": str(n), "tags": ["a", "b"]} for n in range(count)]
        (found / "data" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return found


def hub(location: object, **options: Any) -> Source:
    return source_from(HUB, location=str(location), **options)


@pytest.mark.parametrize("streaming", [True, False])
def test_rows_of_a_folder_are_read(folder: Path, streaming: bool) -> None:
    assert read(hub(folder, streaming=streaming)) == (["train 0", "train 1", "train 2"], [])


def test_several_splits_are_read_one_after_another(folder: Path) -> None:
    rows = list(SourceReaders().rows(hub(folder, split=["test", "train"])))
    assert [row.locator for row in rows] == ["test#1", "test#2", "train#1", "train#2", "train#3"]
    assert rows[0].values["tags"] == ["a", "b"]


def test_the_collectors_draw_is_seeded(folder: Path) -> None:
    first = read(hub(folder, num_samples=2, seed=42))[0]
    assert len(first) == 2
    assert first == read(hub(folder, num_samples=2, seed=42))[0]


def test_the_state_of_a_folder_changes_with_its_files(folder: Path) -> None:
    reader, source = HuggingFaceReader(), hub(folder)
    state, revision = reader.state(source), reader.revision(source)
    os.utime(folder / "data" / "test.jsonl", ns=(1, 1))
    assert reader.state(source) != state
    assert reader.revision(source) == revision


def test_a_pinned_commit_is_the_state_without_asking() -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert HuggingFaceReader().state(hub("owner/name", revision=commit)) == commit


def test_a_data_set_that_cannot_be_reached_is_named_with_what_to_do() -> None:
    with pytest.raises(
        SourceUnreadable, match=r"source mine: data set 'owner/name' \(its commit\) cannot be read: .*HF_HUB_OFFLINE"
    ):
        HuggingFaceReader().state(hub("owner/name"))


def test_a_pinned_data_set_that_is_not_here_is_named_too() -> None:
    source = hub("owner/name", revision="0123456789abcdef0123456789abcdef01234567")
    with pytest.raises(SourceUnreadable, match=r"data set 'owner/name' .* at revision 0123456789abcdef"):
        list(HuggingFaceReader().rows(source))


def test_a_split_that_does_not_exist_is_told(folder: Path) -> None:
    with pytest.raises(SourceUnreadable, match="Set split to one of its splits"):
        read(hub(folder, split="dev"))


def test_a_data_set_that_is_a_program_is_never_run(tmp_path: Path) -> None:
    (tmp_path / "prog").mkdir()
    (tmp_path / "prog" / "prog.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(SourceUnreadable, match="source mine: data set"):
        read(hub(tmp_path / "prog"))
    assert not (tmp_path / "ran").exists()


def test_a_token_is_not_shown() -> None:
    assert "hf_secret" not in repr(HuggingFaceReader("hf_secret"))
