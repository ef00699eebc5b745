import pytest
import yaml

from s1_assets.domain.catalogue.merge import load_catalogue
from s1_assets.errors import CatalogueError
from s1_assets_tests.domain.catalogue.entry import GYM, HUB, TABLE

PACKAGED = {"base.yaml": yaml.safe_dump({"numbers": {**GYM, "config": {"a": 1, "b": 2}}, "hosted": HUB})}


def test_sources_come_in_the_order_of_their_keys_with_their_files() -> None:
    catalogue = load_catalogue(PACKAGED, {"mine.yaml": yaml.safe_dump({"abc": TABLE, "numbers": {"size": 9}})})
    assert list(catalogue.sources) == ["abc", "hosted", "numbers"]
    assert catalogue.files == {"abc": ("mine.yaml",), "hosted": ("base.yaml",), "numbers": ("base.yaml", "mine.yaml")}


def test_an_overlay_changes_single_options() -> None:
    catalogue = load_catalogue(PACKAGED, {"mine.yaml": "numbers: {size: 9, config: {b: 3}}"})
    source = catalogue.sources["numbers"]
    assert (source.size, source.seed, source.config) == (9, 1, {"a": 1, "b": 3})


def test_enabled_may_be_the_only_option() -> None:
    catalogue = load_catalogue(PACKAGED, {"mine.yaml": "numbers: {enabled: false}"})
    assert list(catalogue.enabled) == ["hosted"]
    assert list(catalogue.sources) == ["hosted", "numbers"]


def test_an_overlay_of_one_field_keeps_the_others() -> None:
    catalogue = load_catalogue(PACKAGED, {"mine.yaml": "hosted: {fields: {solution: null, subject: topic}}"})
    assert set(catalogue.sources["hosted"].fields) == {"question", "reference_answer", "subject"}


def test_null_takes_an_option_back() -> None:
    later = {"a.yaml": "hosted: {end: 10}", "user.yaml": "hosted: {end: null}"}
    assert load_catalogue(PACKAGED, later).sources["hosted"].end is None


def test_user_yaml_comes_last() -> None:
    later = {"user.yaml": "numbers: {size: 1}", "zzz.yaml": "numbers: {size: 2}"}
    assert load_catalogue(PACKAGED, later).sources["numbers"].size == 1


def test_a_synonym_in_an_overlay_replaces_the_option() -> None:
    catalogue = load_catalogue(PACKAGED, {"mine.yaml": "hosted: {name: other/set, config: main}"})
    assert catalogue.sources["hosted"].location == "other/set"
    assert catalogue.sources["hosted"].config_name == "main"


def test_a_misspelt_key_in_an_overlay_is_told_with_the_near_one() -> None:
    with pytest.raises(CatalogueError, match="did you mean 'numbers'"):
        load_catalogue(PACKAGED, {"mine.yaml": "number: {enabled: true}"})


def test_a_fault_in_an_overlay_names_the_overlays_file() -> None:
    with pytest.raises(CatalogueError, match=r"mine\.yaml: source 'numbers', size: found 'many'"):
        load_catalogue(PACKAGED, {"mine.yaml": "numbers: {size: many}"})


def test_one_key_in_two_packaged_files_is_a_fault() -> None:
    with pytest.raises(CatalogueError, match=r"packaged in base\.yaml too"):
        load_catalogue({**PACKAGED, "more.yaml": yaml.safe_dump({"numbers": GYM})}, {})


def test_an_empty_file_is_no_fault() -> None:
    assert load_catalogue({"a.yaml": "# nothing yet\n"}, {}).sources == {}
