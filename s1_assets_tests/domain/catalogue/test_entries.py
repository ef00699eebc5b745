from typing import Any

import pytest

from s1_assets.domain.catalogue.merge import load_catalogue
from s1_assets.errors import CatalogueError
from s1_assets.records.sources import Choices, Condition, FieldRule
from s1_assets_tests.domain.catalogue.entry import GYM, HUB, TABLE, faults_of, source_from


def test_a_plain_entry_is_completed() -> None:
    source = source_from(TABLE)
    assert (source.key, source.title, source.enabled, source.start, source.end) == ("mine", "mine", True, 0, None)
    assert source.fields["question"] == FieldRule(names=("question",))


def test_a_generator_needs_no_fields() -> None:
    source = source_from(GYM)
    assert source.fields["question"].names == ("question",)
    assert source.fields["reference_answer"].names == ("answer",)


@pytest.mark.parametrize(
    ("form", "rule"),
    [
        ("problem", FieldRule(names=("problem",))),
        (["problem", "prompt"], FieldRule(names=("problem", "prompt"))),
        ({"template": "{passage?}\n{question}"}, FieldRule(template="{passage?}\n{question}")),
        ({"constant": "geometry"}, FieldRule(constant="geometry")),
        ({"names": "solution", "strip_before": "####"}, FieldRule(names=("solution",), strip_before="####")),
        ({"names": ["a", "b"], "boxed": True}, FieldRule(names=("a", "b"), boxed=True)),
    ],
)
def test_a_field_rule_has_short_and_long_forms(form: object, rule: FieldRule) -> None:
    assert source_from(TABLE, fields={"question": form}).fields["question"] == rule


def test_the_collectors_options_are_a_short_form() -> None:
    source = source_from(
        HUB,
        fields=None,
        location=None,
        name="AI-MO/NuminaMath-CoT",
        question_field="problem",
        fallback_fields=["prompt"],
        num_samples=100,
        seed=42,
    )
    assert source.location == "AI-MO/NuminaMath-CoT"
    assert source.fields["question"].names == ("problem", "prompt")
    assert (source.num_samples, source.seed, source.streaming) == (100, 42, True)


def test_config_of_a_hosted_data_set_is_its_configuration() -> None:
    assert source_from(HUB, config=["a", "b"]).config_name == ("a", "b")
    assert source_from(HUB, config="main").config_name == "main"
    assert source_from(GYM, config={"min_terms": 2}).config == {"min_terms": 2}


def test_conditions_have_short_and_long_forms() -> None:
    source = source_from(
        TABLE,
        keep_if={
            "level": 5,
            "subject": {"in": ["Algebra", "Geometry"]},
            "kind": ["a", "b"],
            "year": {"at_least": 1983, "at_most": 2022},
            "Picture": "absent",
        },
    )
    assert source.keep_if == (
        Condition("level", "equals", 5),
        Condition("subject", "in", ("Algebra", "Geometry")),
        Condition("kind", "in", ("a", "b")),
        Condition("year", "at_least", 1983),
        Condition("year", "at_most", 2022),
        Condition("Picture", "absent"),
    )


def test_choices_are_read() -> None:
    assert source_from(TABLE, choices={"columns": "options", "index": "label"}).choices == Choices(
        ("options",), "label"
    )


@pytest.mark.parametrize("key", ["a/b", "../up", "..", "a\\b"])
def test_a_key_with_a_slash_or_dots_is_refused_with_the_reason(key: str) -> None:
    told = faults_of(TABLE, key=key)
    assert "accepted: 1 to 100 of a-z, 0-9, - and _" in told
    assert "no '/'" in told


@pytest.mark.parametrize("key", ["Math", "a b", "ä", "x" * 101, "new\n"])
def test_a_key_of_other_characters_is_refused(key: str) -> None:
    assert "accepted: 1 to 100 of a-z, 0-9, - and _" in faults_of(TABLE, key=key)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"kind": "tabel"}, "kind: found 'tabel'; accepted: reasoning_gym, table, huggingface; did you mean 'table'?"),
        ({"kind": None}, "kind: found nothing"),
        ({"keep_of": {}}, "keep_of: unknown option"),
        ({"keep_of": {}}, "did you mean 'keep_if'?"),
        ({"split": "train"}, "split: belongs to kind huggingface; this source is of kind table"),
        ({"size": 3}, "size: belongs to kind reasoning_gym; this source is of kind table"),
        ({"enabled": "yes please"}, "enabled: found 'yes please'; accepted: true or false"),
        ({"start": 5, "end": 5}, "start: found start 5 and end 5; accepted: a start below the end"),
        ({"start": -1}, "start: found -1; accepted: a whole number from 0"),
        ({"num_samples": True}, "num_samples: found True; accepted: a whole number from 1"),
        ({"licence": None}, "licence: missing"),
        ({"language": False}, "language: found False; accepted: an ISO 639-1 code"),
        ({"language": None}, "language: missing; accepted: an ISO 639-1 code such as en"),
        ({"subject": None}, "or map it in fields.subject"),
        ({"grader": "exactly"}, "did you mean 'exact'?"),
        ({"fields": {"qestion": "q"}}, "fields: found 'qestion'"),
        ({"fields": {"solution": "s"}}, "fields.question: missing"),
        ({"fields": {"question": {"template": "a {b"}}}, "fields.question: template: found a lone '{'"),
        ({"fields": {"question": {"template": "no place"}}}, "at least one {column} place"),
        ({"fields": {"question": {"names": "a", "constant": "b"}}}, "found names and constant; accepted: exactly one"),
        ({"fields": {"question": {"name": "a"}}}, "did you mean 'names'?"),
        ({"fields": {"question": 5}}, "fields.question: found 5"),
        ({"keep_if": {"year": {"atmost": 5}}}, "keep_if.year: found test 'atmost'"),
        ({"keep_if": {"year": {"at_most": [5]}}}, "keep_if.year: at_most: found [5]"),
        ({"keep_if": {"text": {"matches": "("}}}, "a regular expression ("),
        ({"choices": {"columns": "a"}}, "exactly one of index"),
        ({"question_field": "q"}, "fields.question is given too"),
    ],
)
def test_a_fault_names_the_option_and_what_is_accepted(options: dict[str, Any], told: str) -> None:
    said = faults_of(TABLE, **options)
    assert told in said
    assert said.startswith("mine.yaml: source 'mine'")


def test_a_generator_needs_size_and_seed() -> None:
    assert "size: missing" in faults_of(GYM, size=None)
    assert "seed: missing" in faults_of(GYM, seed=None)


def test_every_fault_of_every_file_is_told_at_once() -> None:
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(
            {"a.yaml": "x: {kind: tabel}\ny: [1]\n", "b.yaml": "- just a list"},
            {"user.yaml": "x: 1\nx: 2", "other.yaml": "z: {enabled: true}\n5: {kind: table}"},
        )
    told = caught.value.faults
    assert len(told) == 6
    assert (
        "a.yaml: source 'x', kind: found 'tabel'; accepted: reasoning_gym, table, huggingface; did you mean 'table'?"
        in told
    )
    assert "a.yaml: source 'y': found a list; accepted: a mapping of options" in told
    assert "b.yaml: found a list; accepted: a mapping from source keys to entries" in told
    assert "user.yaml: line 2, column 1: not YAML as accepted here: key 'x' appears twice" in told
    assert any(line.startswith("other.yaml: source 'z': no such source to change") for line in told)
    assert "other.yaml: found source key 5; accepted: text, so write it in quotes" in told


def test_text_that_is_not_yaml_is_told_by_line() -> None:
    with pytest.raises(CatalogueError, match=r"a\.yaml: line 2, column \d+: not YAML"):
        load_catalogue({"a.yaml": "x: {\n ]"}, {})
