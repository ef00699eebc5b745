"""Model names, prompts, token counts, fingerprints, funnels, and reading two sorted streams beside each other."""

import doctest
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1_assets.domain import alongside, difficulty, model_names, question_quality, tokens
from s1_assets.domain.alongside import Alongside
from s1_assets.domain.fingerprints import fingerprint_of, table_fingerprint
from s1_assets.domain.funnel import count_stages
from s1_assets.domain.grading import answers
from s1_assets.domain.model_names import PROVIDERS, parse_model_name
from s1_assets.domain.prompts import BARE, Prompt
from s1_assets.domain.tokens import approximate_tokens
from s1_assets.records.decisions import Decision
from s1_assets.records.models import ModelName

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def test_the_examples_in_the_docstrings_hold() -> None:
    for module in (alongside, answers, difficulty, model_names, question_quality, tokens):
        found = doctest.testmod(module)
        assert found.failed == 0
        assert found.attempted > 0


@given(st.sampled_from(PROVIDERS), st.text("abc:/@.-", min_size=1), st.sampled_from([None, "http://h/v1", "https://h"]))
def test_a_model_name_is_read_back_as_it_was_written(provider: str, model: str, base_url: str | None) -> None:
    name = ModelName(provider, model, base_url)
    if base_url is not None or "@" not in model:
        assert parse_model_name(str(name)) == name


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("gpt-4", "not of the form provider:model"),
        ("solver:", "not of the form provider:model"),
        (":model", "accepted are solver, gemini"),
        ("opnai:gpt", "accepted are solver, gemini"),
        ("openai:m@localhost:80", "starts with http:// or https://"),
        ("openai:m@", "starts with http:// or https://"),
        ("openai:@http://h", "not of the form provider:model"),
    ],
)
def test_a_bad_model_name_says_what_is_accepted(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_model_name(text)


def test_the_default_prompt_is_the_bare_question() -> None:
    assert [(m.role, m.content) for m in Prompt().messages("2+2?")] == [("user", "2+2?")]
    assert Prompt().version == BARE


def test_a_prompt_puts_system_question_and_format_in_their_places() -> None:
    prompt = Prompt("Q: {question} {x}", "Be brief.", "Box it.")
    assert [(m.role, m.content) for m in prompt.messages("a {question} b")] == [
        ("system", "Be brief."),
        ("user", "Q: a {question} b {x}\n\nBox it."),
    ]


def test_each_part_of_a_prompt_is_part_of_its_version() -> None:
    prompts = [Prompt(), Prompt("{question}!"), Prompt(system_prompt="s"), Prompt(format_instructions="s")]
    assert len({prompt.version for prompt in prompts}) == 4


def test_a_template_without_a_place_for_the_question_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\{question\} is missing in 'Solve:'"):
        Prompt("Solve:")


@given(st.text(), st.text())
def test_tokens_add_up_over_lines_and_never_exceed_the_characters(first: str, second: str) -> None:
    assert approximate_tokens(f"{first}\n{second}") == approximate_tokens(first) + approximate_tokens(second)
    assert 0 <= approximate_tokens(first) <= len(first)


def test_words_digits_and_marks_cost_what_they_should() -> None:
    assert approximate_tokens("antidisestablishment") == 4
    assert approximate_tokens("12345") == 5
    assert approximate_tokens(" \n\t") == 0
    assert approximate_tokens("a_b") == 3


@given(JSON, JSON)
def test_fingerprints_are_equal_exactly_when_the_values_are(first: object, second: object) -> None:
    same = fingerprint_of(first) == fingerprint_of(second)
    assert same == (repr_of(first) == repr_of(second))


def repr_of(value: object) -> object:
    """Equality that tells True from 1 and does not mind the order of keys."""
    if isinstance(value, dict):
        return frozenset((key, repr_of(inner)) for key, inner in value.items())
    return tuple(map(repr_of, value)) if isinstance(value, list) else (type(value), value)


def test_a_table_is_made_anew_when_anything_that_made_it_changes() -> None:
    base = ("raw", "1", {"options": {"a": 1}}, {"in": {"": "h1"}})
    others = [
        ("row", *base[1:]),
        (base[0], "2", *base[2:]),
        (base[0], None, *base[2:]),
        (*base[:2], {"options": {"a": 2}}, base[3]),
        (*base[:3], {"in": {"": "h2"}}),
        (*base[:3], {"in": {"p": "h1"}}),
        (*base[:3], {}),
    ]
    assert len({table_fingerprint(*each) for each in (base, *others)}) == len(others) + 1
    assert table_fingerprint(*base) == table_fingerprint(*base)


@given(st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.sampled_from("xyz"))))
def test_every_stage_came_equals_kept_and_dropped(rows: list[tuple[int, bool, str]]) -> None:
    decisions = [Decision("q", n, f"stage{n}", None, "s", "t", kept, reason, "") for n, kept, reason in rows]
    stages = count_stages(decisions)
    assert all(stage.came == stage.kept + stage.dropped.total() for stage in stages)
    assert {stage.stage: stage.came for stage in stages} == Counter(f"stage{n}" for n, _, _ in rows)
    assert [stage.stage for stage in stages] == sorted(stage.stage for stage in stages)


@given(st.lists(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdefg")))
def test_reading_alongside_finds_what_a_dictionary_would(rows: list[str], asked: set[str]) -> None:
    stream = Alongside(sorted(rows), key=lambda row: row)
    assert {key: len(stream.at(key)) for key in sorted(asked)} == {key: rows.count(key) for key in asked}


def test_reading_alongside_takes_one_row_more_than_it_gives() -> None:
    rows = iter("012345678")
    stream = Alongside(rows, key=lambda row: row)
    assert stream.first_at("3") == "3"
    assert next(rows) == "5"
    assert stream.first_at("3") is None
