import doctest
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from s1_assets.domain import identity
from s1_assets.domain.catalogue import columns, documents, plain
from s1_assets.domain.identity import attempt_id, question_id, rank, trace_id

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def test_the_examples_in_the_docstrings_hold() -> None:
    for module in (identity, columns, documents, plain):
        found = doctest.testmod(module)
        assert found.failed == 0
        assert found.attempted > 0


@given(TEXTS, TEXTS)
def test_an_id_is_32_hex_digits_and_depends_on_source_and_text(source: str, text: str) -> None:
    found = question_id(source, text)
    assert len(found) == 32
    assert set(found) <= set("0123456789abcdef")
    assert found == question_id(source, text)
    assert found != question_id(source + "x", text)


@given(TEXTS)
def test_texts_that_differ_in_composition_only_are_one_question(text: str) -> None:
    assert question_id("s", unicodedata.normalize("NFD", text)) == question_id("s", unicodedata.normalize("NFC", text))


@given(TEXTS, TEXTS, TEXTS, TEXTS)
def test_no_boundary_between_parts_can_be_shifted(a: str, b: str, c: str, d: str) -> None:
    if (a, unicodedata.normalize("NFC", b)) != (c, unicodedata.normalize("NFC", d)):
        assert question_id(a, b) != question_id(c, d)


def test_a_separator_inside_a_part_is_not_a_boundary() -> None:
    assert trace_id("q", "a:1", "b", 0) != trace_id("q", "a", "1:b", 0)
    assert attempt_id("q", "m1", 1) != attempt_id("q", "m", 11)


def test_ids_of_other_samples_models_and_prompts_differ() -> None:
    ids = {
        trace_id("q", "m", "1", 0),
        trace_id("q", "m", "1", 1),
        trace_id("q", "m", "2", 0),
        trace_id("q", "n", "1", 0),
        attempt_id("q", "m", 0),
        attempt_id("q", "m", 1),
    }
    assert len(ids) == 6


def test_ranks_differ_between_seeds() -> None:
    names = [question_id("s", str(number)) for number in range(100)]
    orders = {tuple(sorted(names, key=lambda name, seed=seed: rank(seed, name))) for seed in range(5)}  # type: ignore[misc]
    assert len(orders) == 5
