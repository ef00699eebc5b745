"""What the documents of the replaced systems promise, and where it is kept: `cases/promises.yaml` is walked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from s1_assets.adapters.llm.access import Access
from s1_assets.adapters.llm.directory import Directory
from s1_assets.automation.options import read_options
from s1_assets.automation.plan import RECIPES
from s1_assets.cli import main
from s1_assets.errors import SettingsError
from s1_assets.records.models import ModelName
from s1_assets.records.tables import TABLES
from s1_assets.resources.settings import read_settings
from s1_assets_tests.conftest import REPOSITORY, shared

TABLE = Path(__file__).parent / "cases" / "promises.yaml"
KINDS = {"flag", "option", "env", "output", "step", "file"}
PARTS = {"graders", "training sets", "operation", "tuning", "affine", "publishing", "code pairs"}
FOREIGN = {"python", "curl", "head", "wc", "ls"}
SAMPLES: dict[str, Any] = {
    "max_concurrent_sessions": 15, "requests_per_minute_per_key": 10, "resume": True, "max_retries": 5,
    "save_interval": 10, "num_samples": 5, "seed": 1, "fallback_fields": ["problem"], "template": "{question}",
    "api_keys": ["k"],
}  # fmt: skip

FLAG = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*(?=[\s=`,)\\]|$)", re.MULTILINE)
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
FENCED_KEY = re.compile(r"^\s*(?:\"(\w+)\":|(\w+) ?(?:=|:)(?= |$))", re.MULTILINE)
FENCED = re.compile(r"```(?:json|toml|yaml)\n(.*?)```", re.DOTALL)
TABLE_OPTION = re.compile(r"^\| `(\w+)` \|", re.MULTILINE)


@dataclass(frozen=True)
class Promise:
    document: str
    lines: tuple[int, ...]
    name: str
    kind: str
    where: str

    @property
    def place(self) -> str:
        return self.where.partition(" ")[0]

    @property
    def rest(self) -> str:
        return self.where.partition(" ")[2]


def promises() -> list[Promise]:
    table = yaml.safe_load(TABLE.read_text("utf-8"))
    return [Promise(document, tuple(row.pop("lines")), **row) for document, rows in table.items() for row in rows]


PROMISES = promises()
VALUES = {
    "S1_TEACHER": "openai:m@http://h",
    "S1_LIMITS": "gemini.in_flight=3",
    "S1_VLLM": "tp=2",
    "MAX_CONCURRENT_SESSIONS": "3",
    "REQUESTS_PER_MINUTE": "3",
}
"""Of variables that do not take just any text."""


def at(place: str) -> list[Promise]:
    return [promise for promise in PROMISES if promise.place == place]


def command(path: str) -> click.Command | None:
    """The verb of the command line; `sources.add` is below `sources`."""
    found: click.Command | None = main
    for name in path.split("."):
        found = found.commands.get(name) if isinstance(found, click.Group) else None
    return found


def test_the_table_is_well_formed() -> None:
    checked = {
        "asset",
        "config",
        "setting",
        "provider",
        "option",
        "verb",
        "column",
        "source",
        "file",
        "later",
        "foreign",
    }
    assert {promise.place for promise in PROMISES} == checked
    assert {promise.kind for promise in PROMISES} == KINDS
    assert len({(p.document, p.name, p.where) for p in PROMISES}) == len(PROMISES)
    assert {promise.document for promise in PROMISES} == {"000", "001", "002", "003", "004"}
    assert all(promise.rest in PARTS for promise in at("later"))
    assert all(promise.rest in FOREIGN for promise in at("foreign"))
    assert len(PROMISES) > 180


@pytest.mark.parametrize("promise", at("asset"), ids=lambda promise: promise.rest)
def test_an_option_is_a_field_of_its_asset(promise: Promise) -> None:
    asset, _, name = promise.rest.partition(".")
    assert name in RECIPES[asset].options.model_fields


@pytest.mark.parametrize("promise", at("setting"), ids=lambda promise: promise.rest)
def test_a_variable_is_read(promise: Promise) -> None:
    beside = {"GEMINI_API_KEY": "k"} if promise.rest == "GEMINI_MODEL_NAME" else {}
    value = VALUES.get(promise.rest, "x")
    assert read_settings({promise.rest: value, **beside}) != read_settings(beside)


@pytest.mark.parametrize("promise", at("option"), ids=lambda promise: promise.rest)
def test_a_flag_is_an_option_of_its_verb(promise: Promise) -> None:
    verb, flag = promise.rest.split()
    found = command(verb)
    assert found is not None
    assert flag in [name for parameter in found.params for name in parameter.opts]


@pytest.mark.parametrize("promise", at("verb"), ids=lambda promise: promise.name)
def test_a_verb_is_there(promise: Promise) -> None:
    assert command(promise.rest) is not None


@pytest.mark.parametrize("promise", at("config"), ids=lambda promise: promise.rest)
def test_a_field_of_a_config_file_is_accepted_nested_and_flat(promise: Promise, tmp_path: Path) -> None:
    section, _, name = promise.rest.partition(".")
    source = {"name": "gcd"} if section == "dataset" else {}
    fields = {**source, name: SAMPLES.get(name, "gcd")}
    file = tmp_path / "config.yaml"
    for content in ({section: fields}, fields):
        file.write_text(yaml.safe_dump(content), "utf-8")
        options = read_options(file, (), None, _catalogue())
        assert options.by_asset or options.remarks or options.model_name or options.source
    file.write_text(yaml.safe_dump({section: {**fields, f"{name}_": 1}}), "utf-8")
    with pytest.raises(SettingsError, match=f"did you mean {name}"):
        read_options(file, (), None, _catalogue())


@pytest.mark.parametrize("promise", at("column"), ids=lambda promise: promise.rest)
def test_a_column_is_in_its_table(promise: Promise) -> None:
    asset, _, name = promise.rest.partition(".")
    assert name in TABLES[asset].schema.names


@pytest.mark.parametrize("promise", at("source"), ids=lambda promise: promise.rest)
def test_a_source_is_packaged(promise: Promise) -> None:
    assert promise.rest in _catalogue().sources


@pytest.mark.parametrize("promise", at("file"), ids=lambda promise: promise.rest)
def test_a_file_is_in_the_repository(promise: Promise) -> None:
    assert (REPOSITORY / promise.rest).is_file()


@pytest.mark.parametrize("promise", at("provider"), ids=lambda promise: promise.rest)
def test_a_providers_key_is_read_by_it(promise: Promise) -> None:
    name, variable = promise.rest.split()
    model = ModelName(name, "m")
    assert Directory(Access()).faults([model]) != []
    assert Directory(Access({variable: "k"})).faults([model]) == []


def test_every_flag_option_and_variable_of_the_documents_stands_in_the_table() -> None:
    known = {(promise.document, promise.name) for promise in PROMISES}
    assert [found for found in _named_in_the_documents() if found not in known] == []


def test_every_name_stands_in_the_lines_that_the_table_gives() -> None:
    texts = {file.name[:3]: file.read_text("utf-8").split("\n") for file in shared("seeds").glob("*.txt")}
    astray = [
        (promise.document, number, promise.name)
        for promise in PROMISES
        for number in promise.lines
        if number > len(texts[promise.document])
        or (_is_literal(promise) and promise.name not in texts[promise.document][number - 1])
    ]
    assert astray == []


def _is_literal(promise: Promise) -> bool:
    return promise.kind in ("flag", "env", "option", "file") or (promise.kind == "output" and " " not in promise.name)


def _named_in_the_documents() -> Iterator[tuple[str, str]]:
    for file in sorted(shared("seeds").glob("*.txt")):
        text = file.read_text("utf-8")
        names = {*FLAG.findall(text), *VARIABLE.findall(text), *TABLE_OPTION.findall(text)}
        for block in FENCED.findall(text):
            names.update(quoted or plain for quoted, plain in FENCED_KEY.findall(block))
        yield from ((file.name[:3], name) for name in sorted(names))


def _catalogue() -> Any:
    from s1_assets.adapters.sources.catalogue_files import read_catalogue

    return read_catalogue()
