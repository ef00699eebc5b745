import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1_assets.automation.options import RunOptions, read_options
from s1_assets.automation.plan import RECIPES
from s1_assets.domain.catalogue.merge import load_catalogue
from s1_assets.errors import SettingsError

CATALOGUE = load_catalogue(
    {},
    {
        "mine.yaml": """
s1k: {kind: huggingface, location: simplescaling/s1K, split: train, licence: MIT, language: en, subject: math,
      grader: exact, fields: {question: question}, enabled: true}
other: {kind: huggingface, location: other/set, split: train, licence: MIT, language: en, subject: math,
      grader: exact, fields: {question: question}, enabled: false}
"""
    },
)
COLLECTOR = {
    "model_name": "gemini-2.0-flash",
    "max_concurrent_sessions": 15,
    "requests_per_minute_per_key": 10,
    "output_dir": "./out",
    "log_level": "INFO",
    "resume": True,
    "max_retries": 5,
    "save_interval": 10,
}
DATASET = {
    "name": "simplescaling/s1K",
    "split": "train",
    "num_samples": 100,
    "seed": 42,
    "question_field": "question",
    "fallback_fields": ["problem", "prompt"],
}
PROMPT = {"template": "Q: {question}", "system_prompt": "Think.", "format_instructions": "Box it."}


def read(*assignments: str, file: Path | None = None, limit: int | None = None) -> RunOptions:
    return read_options(file, assignments, limit, CATALOGUE)


def faults(*assignments: str, file: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as told:
        read(*assignments, file=file)
    return list(told.value.faults)


def config(tmp_path: Path, content: Any, ending: str = ".json") -> Path:
    path = tmp_path / f"config{ending}"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_nothing_set_is_nothing_changed() -> None:
    assert read() == RunOptions()


def test_values_are_read_as_what_they_look_like() -> None:
    options = read(
        "s1k_decisions.size=500",
        "s1k_decisions.keep_unknown=true",
        "raw_traces.temperature=0.7",
        "raw_traces.template=Q: {question} = ?",
        "raw_questions.fallback_fields=[problem, prompt]",
        "raw_questions.limit=null",
    )
    assert options.by_asset == {
        "s1k_decisions": {"size": 500, "keep_unknown": True},
        "raw_traces": {"temperature": 0.7, "template": "Q: {question} = ?"},
        "raw_questions": {"fallback_fields": ["problem", "prompt"], "limit": None},
    }


@given(st.sampled_from(sorted(RECIPES)), st.text("abc._= ", max_size=6), st.text(max_size=6))
def test_any_assignment_is_read_or_told(asset: str, name: str, value: str) -> None:
    try:
        options = read(f"{asset}.{name}={value}")
    except SettingsError as error:
        assert all(asset in fault or "--set" in fault for fault in error.faults)
    else:
        assert set(options.by_asset[asset]) <= set(RECIPES[asset].options.model_fields)


@pytest.mark.parametrize(
    ("assignment", "complaint"),
    [
        ("size=5", "the form is ASSET.FIELD=VALUE"),
        ("s1k_decisions.size", "the form is ASSET.FIELD=VALUE"),
        ("s1k_decision.size=5", "there is no asset 's1k_decision' (did you mean s1k_decisions?)"),
        ("s1k_decisions.sise=5", "s1k_decisions has no option 'sise' (did you mean size?); accepted: size, seed"),
        ("s1k_decisions.size=0", "s1k_decisions.size = 0: Input should be greater than 0"),
        ("s1k_decisions.size=many", "s1k_decisions.size = 'many': Input should be a valid integer"),
        ("raw_traces.temperature=2.5", "raw_traces.temperature = 2.5: Input should be less than or equal to 2"),
        ("raw_traces.template=Solve", "{question} is missing in 'Solve'"),
        ("raw_questions.seed=-1", "raw_questions.seed = -1: Input should be greater than or equal to 0"),
        ("s1k_dataset.size=5", "s1k_dataset has no option 'size'; accepted: none"),
    ],
)
def test_a_bad_assignment_says_what_is_accepted(assignment: str, complaint: str) -> None:
    assert [fault for fault in faults(assignment) if complaint in fault]


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    file = config(tmp_path, {"raw_tracs": {}, "raw_traces": {"top_p": 3}, "colector": {}, "nonsense": 1})
    told = "\n".join(faults("s1k_decisions.sise=1", "what", file=file))
    for part in ("raw_tracs", "did you mean raw_traces?", "raw_traces.top_p = 3", "colector",
                 "did you mean collector?", "nonsense", "sise", "--set what"):  # fmt: skip
        assert part in told


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        (".json", '{"s1k_decisions": {"size": 7}, "raw_traces": {"temperature": 0.5}}'),
        (".toml", "[s1k_decisions]\nsize = 7\n[raw_traces]\ntemperature = 0.5\n"),
        (".yaml", "s1k_decisions:\n  size: 7\nraw_traces:\n  temperature: 0.5\n"),
        (".yml", "s1k_decisions: {size: 7}\nraw_traces: {temperature: 0.5}\n"),
        (".json", '\ufeff{"s1k_decisions": {"size": 7}, "raw_traces": {"temperature": 0.5}}'),
    ],
)
def test_our_own_form_reads_alike_in_every_format(tmp_path: Path, ending: str, content: str) -> None:
    file = config(tmp_path, content, ending)
    assert read(file=file).by_asset == {"s1k_decisions": {"size": 7}, "raw_traces": {"temperature": 0.5}}


def test_the_command_line_wins_over_the_file_and_limit_over_both(tmp_path: Path) -> None:
    file = config(tmp_path, {"s1k_decisions": {"size": 7, "seed": 1}, "raw_questions": {"limit": 5}})
    options = read("s1k_decisions.size=8", "raw_questions.limit=6", file=file, limit=9)
    assert options.by_asset == {"s1k_decisions": {"size": 8, "seed": 1}, "raw_questions": {"limit": 9}}
    assert read("s1k_decisions.size=8", "s1k_decisions.size=9").by_asset["s1k_decisions"]["size"] == 9


@pytest.mark.parametrize("nested", [True, False])
def test_the_collectors_config_sets_source_prompt_and_model(tmp_path: Path, nested: bool) -> None:
    content = {"collector": COLLECTOR, "dataset": DATASET, "prompt": PROMPT}
    flat = {**COLLECTOR, **DATASET, **PROMPT}
    options = read(file=config(tmp_path, content if nested else flat))
    assert (options.source, options.model_name) == ("s1k", "gemini-2.0-flash")
    assert options.by_asset == {
        "raw_questions": {name: value for name, value in DATASET.items() if name != "name"},
        "raw_traces": PROMPT,
    }
    superseded = set(COLLECTOR) - {"model_name"}
    assert {remark.split()[1] for remark in options.remarks} == superseded
    assert all("has no effect here: " in remark and remark[-1] != " " for remark in options.remarks)


def test_a_data_set_may_be_named_by_its_source(tmp_path: Path) -> None:
    assert read(file=config(tmp_path, {"dataset": {"name": "s1k"}})).source == "s1k"


@pytest.mark.parametrize("name", ["other/set", "nobody/knows"])
def test_a_data_set_that_no_enabled_source_reads_says_how_to_add_it(tmp_path: Path, name: str) -> None:
    (fault,) = faults(file=config(tmp_path, {"dataset": {"name": name}}))
    assert f"no enabled source reads '{name}'" in fault
    assert f"--kind huggingface --name {name}" in fault


def test_a_data_set_without_a_name_is_a_fault(tmp_path: Path) -> None:
    (fault,) = faults(file=config(tmp_path, {"dataset": {"split": "train"}}))
    assert "'name' is missing" in fault


def test_keys_in_a_file_are_not_used_and_never_repeated(tmp_path: Path) -> None:
    options = read(file=config(tmp_path, {"collector": {"api_keys": ["hunter2-hunter2"]}}))
    assert "keys come from the environment only: GEMINI_API_KEY" in options.remarks[0]
    assert "hunter2" not in repr(options)


def test_misspelt_collector_options_get_their_neighbours(tmp_path: Path) -> None:
    content = {"collector": {"max_retry": 3}, "prompt": {"sytem_prompt": "x"}, "dataset": {"name": "s1k", "sede": 1}}
    told = "\n".join(faults(file=config(tmp_path, content)))
    for name in ("max_retries", "system_prompt", "seed"):
        assert f"did you mean {name}?" in told


CRAFTER = """[generation]
model_name = "gemini-2.5-flash"
num_rollouts = 100

[quality]
min_achievements = 3
"""
UPLOAD = """huggingface:
  upload_datasets: true
  dataset_repo_id: "a/b"
  private: true
"""


@pytest.mark.parametrize(
    ("ending", "content", "sections"),
    [(".toml", CRAFTER, ["[generation]", "[quality]"]), (".yaml", UPLOAD, ["[huggingface]"])],
)
def test_sections_for_what_this_version_does_not_do_say_so(
    tmp_path: Path, ending: str, content: str, sections: list[str]
) -> None:
    told = faults(file=config(tmp_path, content, ending))
    assert len(told) == len(sections)
    for fault, section in zip(told, sections, strict=True):
        assert f"config{ending}: {section} holds options of" in fault
        assert "which this version does not" in fault


@pytest.mark.parametrize(
    ("ending", "content", "complaint"),
    [
        (".ini", "", "accepted are .json, .toml, .yaml, .yml"),
        (".json", "{", "line 1"),
        (".json", "[1, 2]", "holds no sections, but [1, 2]"),
        (".json", "null", "holds no sections"),
        (".toml", "size = = 5", "line 1"),
        (".yaml", "a: [1", "line 1"),
        (".yaml", "", "holds no sections"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_by_name(tmp_path: Path, ending: str, content: str, complaint: str) -> None:
    (fault,) = faults(file=config(tmp_path, content, ending))
    assert f"config{ending}" in fault
    assert complaint in fault


def test_a_file_that_is_not_there_or_not_text_is_told_by_name(tmp_path: Path) -> None:
    assert "No such file" in faults(file=tmp_path / "config.json")[0]
    (tmp_path / "config.yaml").write_bytes(b"a: \xff")
    assert "config.yaml" in faults(file=tmp_path / "config.yaml")[0]


def test_a_text_option_takes_text_that_yaml_would_read_as_something_else() -> None:
    assignments = ["raw_traces.system_prompt=yes", "raw_traces.format_instructions=[x]", "raw_questions.split=123"]
    options = read_options(None, assignments, None, load_catalogue({}, {}))
    assert options.by_asset["raw_traces"] == {"system_prompt": "yes", "format_instructions": "[x]"}
    assert options.by_asset["raw_questions"] == {"split": "123"}
