import multiprocessing
import stat
from pathlib import Path

import pytest
import yaml

from s1_assets.adapters.sources.catalogue_files import UserCatalogue, read_catalogue
from s1_assets.errors import CatalogueError
from s1_assets_tests.domain.catalogue.entry import TABLE


def test_without_user_files_the_packaged_catalogue_stands(tmp_path: Path) -> None:
    assert read_catalogue(tmp_path / "nothing").sources == read_catalogue().sources


def test_files_of_a_folder_are_merged(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"mine": TABLE}))
    (tmp_path / "b.yml").write_text("mine: {title: Better}")
    (tmp_path / ".c.yaml").write_text("not: [read")
    (tmp_path / "notes.txt").write_text("not read")
    catalogue = read_catalogue(tmp_path)
    assert catalogue.sources["mine"].title == "Better"
    assert catalogue.files["mine"] == ("a.yaml", "b.yml")


def test_one_file_may_be_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({"mine": TABLE}))
    assert "mine" in read_catalogue(tmp_path / "a.yaml").sources


def test_a_named_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"a\.yaml: cannot be read: No such file"):
        read_catalogue(tmp_path / "a.yaml")


def test_a_file_of_another_kind_or_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "b.yaml").write_bytes(b"mine: {title: caf\xe9}")
    with pytest.raises(CatalogueError, match=r"a\.txt: accepted: a folder, or a file ending in \.yaml or \.yml"):
        read_catalogue(tmp_path / "a.txt")
    with pytest.raises(CatalogueError, match=r"b\.yaml: not UTF-8: byte 0xe9"):
        read_catalogue(tmp_path / "b.yaml")


def test_a_source_is_added_switched_off_and_on(tmp_path: Path) -> None:
    user = UserCatalogue(tmp_path / "new" / "folder")
    assert "mine" in user.add("mine", TABLE).sources
    assert "mine" not in user.set_enabled("mine", False).enabled
    assert "mine" in user.set_enabled("mine", True).enabled
    assert user.file == tmp_path / "new" / "folder" / "user.yaml"
    written = yaml.safe_load(user.file.read_text())
    assert written == {"mine": {**TABLE, "enabled": True}}
    assert list(written["mine"]) == [*TABLE, "enabled"]
    assert stat.S_IMODE(user.file.stat().st_mode) == 0o644


def test_a_packaged_source_is_switched_on_by_an_overlay(tmp_path: Path) -> None:
    UserCatalogue(tmp_path).set_enabled("s1_math", True)
    assert (tmp_path / "user.yaml").read_text() == "s1_math:\n  enabled: true\n"
    assert read_catalogue(tmp_path).sources["s1_math"].enabled


def test_a_single_file_is_written_in_place(tmp_path: Path) -> None:
    user = UserCatalogue(tmp_path / "own.yaml")
    user.add("mine", TABLE)
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["own.yaml"]


def test_a_faulty_entry_changes_nothing(tmp_path: Path) -> None:
    user = UserCatalogue(tmp_path)
    user.add("mine", TABLE)
    before = user.file.read_bytes()
    for key, entry in (("other", {**TABLE, "kind": "tabel"}), ("a/../b", TABLE), ("mine", TABLE)):
        with pytest.raises(CatalogueError):
            user.add(key, entry)
    with pytest.raises(CatalogueError, match="no source 'mien'; did you mean 'mine'"):
        user.set_enabled("mien", False)
    assert user.file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".user.yaml.lock", "user.yaml"]


def test_a_source_may_be_replaced_on_request(tmp_path: Path) -> None:
    user = UserCatalogue(tmp_path)
    user.add("mine", TABLE)
    assert user.add("mine", {**TABLE, "title": "New"}, replace=True).sources["mine"].title == "New"


def _add_five(folder: str, writer: int) -> None:
    for number in range(5):
        UserCatalogue(folder).add(f"w{writer}-{number}", TABLE)


def test_two_writers_do_not_lose_each_others_sources(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_add_five, args=(str(tmp_path), writer)) for writer in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    added = {key for key in read_catalogue(tmp_path).sources if key.startswith("w")}
    assert len(added) == 10


def test_an_unwritable_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CatalogueError, match="cannot be written"):
        UserCatalogue(tmp_path / "file" / "below").add("mine", TABLE)
