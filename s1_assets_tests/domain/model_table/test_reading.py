from datetime import date

import pytest

from s1_assets.domain.model_table.reading import load_model_table
from s1_assets.errors import SettingsError
from s1_assets_tests.domain.model_table.tables import TODAY, asked, faults_of, named, table


def test_a_users_entry_is_laid_over_the_packaged_one_field_by_field() -> None:
    user = "gemini:gemini-3.8-flash: {output_cap: 32000, price: {input_usd: 1, output_usd: 2, as_of: 2026-11-20}}"
    ours, theirs = table().entry(named("gemini:gemini-3.8-flash")), table(user).entry(named("gemini:gemini-3.8-flash"))
    assert ours is not None and theirs is not None and theirs.price is not None
    assert (theirs.levels, theirs.context) == (ours.levels, ours.context)
    assert (theirs.output_cap, theirs.price.as_of, theirs.price.until) == (32000, date(2026, 11, 20), None)
    assert table(user).entry(named("vertex:gemini-3.8-flash-001")) == theirs


def test_null_takes_a_field_back() -> None:
    name = "gemini:gemini-2.0-flash-thinking-exp-1219"
    user = f"{name}: {{retired: null}}"
    assert table(user).fault_of(named(name), TODAY) is None
    assert table(user).fault_of(named("gemini:gemini-2.0-flash-thinking-exp"), TODAY) is not None
    known = table("gemini:gemini-3.8-flash: {price: null}")
    assert known.price_usd(named("gemini:gemini-3.8-flash"), 1, 0, 1) is None


def test_a_dated_version_may_differ_in_one_field() -> None:
    user = "vertex:gemini-3.8-flash-001: {output_cap: 1000}"
    entry = table(user).entry(named("vertex:gemini-3.8-flash-001"))
    assert entry is not None
    assert (entry.provider, entry.output_cap, entry.levels) == ("vertex", 1000, ("low", "medium", "high"))


def test_a_server_of_ones_own_changes_the_entry_of_the_open_model() -> None:
    name = "openai:Qwen/Qwen3-8B@http://127.0.0.1:8000/v1"
    entry = table(f"{name}: {{output_cap: 4000}}").entry(named(name))
    assert entry is not None
    assert (entry.switch, entry.output_cap) == ("enable_thinking", 4000)


def test_the_price_of_a_hosted_model_is_enough_of_an_entry() -> None:
    name = "openai:Qwen/Qwen3-8B@https://models.example/v1"
    user = f"{name}: {{price: {{input_usd: 0.1, output_usd: 0.4, as_of: 2026-11-01}}}}"
    assert table(user).price_usd(named(name), 1_000_000, 0, 1_000_000) == 0.5
    assert asked(name, "student", user, thinking={"level": "low"}) == asked(name, "student", thinking={"level": "low"})


def test_a_later_file_of_the_user_wins() -> None:
    files = {"b.yaml": "vllm:m: {thinking: none, context: 10}", "a.yaml": "vllm:m: {thinking: always, output_cap: 5}"}
    entry = load_model_table({}, files).entry(named("vllm:m"))
    assert entry is not None
    assert (entry.thinking, entry.output_cap, entry.context) == ("none", 5, 10)


def test_nothing_is_a_table_too() -> None:
    assert load_model_table({}, {"mine.yaml": "# nothing yet"}).entries == {}


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("gemini:g: {thinking: levels}", "thinking: found 'levels'; accepted: budget, level, template, always, none;"),
        ("gemini:g: {thinking: levels}", "did you mean 'level'?"),
        ("gemini:g: {output_cap: 5}", "thinking: missing, and no entry to change stands for this model; accepted:"),
        ("gemini:g: {thinking: level}", "levels: missing, as thinking is level; accepted: a list of none, minimal,"),
        ("gemini:g: {thinking: level, levels: [high, low]}", "levels: found ['high', 'low']; accepted: a list"),
        ("gemini:gemini-3.8-flash: {budget: {least: 1, most: 9}}", "budget: goes with thinking: budget; this entry"),
        ("gemini:g: {thinking: budget, budget: {least: 9, most: 1}}", "most: whole number from least"),
        ("gemini:gemini-2.5-pro: {output_cap: 100}", "all of which the least budget would use; accepted: above 128"),
        ("vllm:m: {thinking: template}", "switch: missing, as thinking is template; accepted: a variable"),
        ("vllm:m: {thinking: none, thinking_kind: raw}", "has no thoughts to show; accepted: none, visible"),
        ("vllm:m: {outputcap: 5}", "outputcap: unknown field; accepted: thinking, thinking_kind"),
        ("vllm:m: {outputcap: 5}", "did you mean 'output_cap'?"),
        ("vllm:m: {output_cap: 0}", "output_cap: found 0; accepted: a whole number of tokens from 1"),
        ("vllm:m: {output_cap: 9, context: 5}", "found 9, above the context of 5 tokens"),
        ("vllm:m: {retired: soon}", "retired: found 'soon'; accepted: a day such as 2026-12-01"),
        (
            "gemini:gemini-2.5-pro: {replacement: gemini-3.8-flsh}",
            "which has no entry; did you mean 'gemini-3.8-flash'?",
        ),
        ("gemini:gemini-2.5-pro: {replacement: gemini-2.5-pro}", "accepted: the name of another model"),
        ("vllm:m: {price: 3}", "price: found 3; accepted: a mapping with input_usd, output_usd, as_of"),
        ("vllm:m: {price: {input_usd: 1, as_of: 2026-01-01}}", "price.output_usd: missing; accepted: a number from 0,"),
        ("vllm:m: {price: {input_usd: -1, output_usd: 1}}", "price.input_usd: found -1; accepted: a number from 0"),
        ("vllm:m: {price: {input_usd: .nan, output_usd: 1}}", "price.input_usd: found nan; accepted: a number from 0"),
        ("vllm:m: {price: {input_usd: 1, output_usd: 1}}", "price.as_of: missing; accepted: a day"),
        ("vllm:m: {price: {input: 1}}", "price.input: unknown; accepted: input_usd, output_usd"),
        (
            "vllm:m: {price: {input_usd: 1, output_usd: 1, as_of: 2026-01-01, until: 2026-02-01}}",
            "price.until: until and then go together",
        ),
        (
            "vllm:m: {price: {input_usd: 1, output_usd: 1, as_of: 2026-01-01, until: 2026-02-01, then: {x: 2}}}",
            "price.then.input_usd: missing",
        ),
        (
            "vllm:m: {price: {input_usd: 1, output_usd: 1, as_of: 2026-01-01, above_input_tokens: {9: {x: 1}}}}",
            "price.above_input_tokens.9.x: unknown; accepted: input_usd, output_usd, cached_input_usd",
        ),
        ("gemini-3.8-flash: {output_cap: 5}", "is not of the form provider:model"),
        ("gemini-3.8-flash: {output_cap: 5}", "did you mean 'gemini:gemini-3.8-flash'?"),
        (
            "solver:x: {output_cap: 5}",
            "solver needs no entry: it is free and takes no setting; accepted: gemini, vertex",
        ),
        ("- gemini", "found a list; accepted: a mapping from model names to entries"),
        ("vllm:m: 3", "model 'vllm:m': found a value of type int; accepted: a mapping of options"),
        ("vllm:m: {note: a, note: b}", "line 1, column 19: not YAML as accepted here: key 'note' appears twice"),
    ],
)
def test_a_fault_names_file_model_field_and_what_is_accepted(user: str, told: str) -> None:
    found = faults_of(user)
    assert any(line.startswith(".s1/models.yaml: ") and told in line for line in found), found
    assert not any("source" in line.partition("; accepted")[0] for line in found)


def test_all_faults_are_told_at_once() -> None:
    files = {"one.yaml": "vllm:m: {context: x, thinking: x}", "two.yaml": "nonsense: {}"}
    with pytest.raises(SettingsError, match=r"^the model table cannot be used:\n  - ") as caught:
        load_model_table({}, files)
    assert sorted(line.partition(":")[0] for line in caught.value.faults) == ["one.yaml", "one.yaml", "two.yaml"]


def test_a_fault_is_told_once_however_many_entries_share_it() -> None:
    assert len(faults_of("gemini:gemini-2.5-pro: {budget: 3}")) == 1
