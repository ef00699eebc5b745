from s1_assets.adapters.sources.catalogue_files import packaged_texts, read_catalogue
from s1_assets.domain.catalogue.mapping import question_of
from s1_assets.records.questions import Question
from s1_assets.records.sources import Source, SourceRow

S1_PAPER = {
    "s1_numinamath", "s1_math", "s1_olympic_arena", "s1_omni_math", "s1_agieval", "s1_xword", "s1_olympiad_bench",
    "s1_aime", "s1_theoremqa", "s1_usaco", "s1_jeebench", "s1_gpqa", "s1_scieval", "s1_prob", "s1_livecodebench",
    "s1_teasers",
}  # fmt: skip
SKY_T1 = {
    "skyt1_numina_amc_aime",
    "skyt1_numina_math",
    "skyt1_numina_olympiads",
    "skyt1_apps",
    "skyt1_taco",
    "skyt1_still2",
}


def question(key: str, **values: object) -> Question:
    found = question_of(source(key), SourceRow("x#1", values), "r")
    assert isinstance(found, Question), found
    return found


def source(key: str) -> Source:
    return read_catalogue().sources[key]


def test_all_sources_of_both_papers_are_packaged_and_off() -> None:
    catalogue = read_catalogue()
    assert set(catalogue.sources) >= S1_PAPER | SKY_T1
    published = [key for key in catalogue.sources if key.startswith(("s1_", "skyt1_"))]
    assert not set(published) & set(catalogue.enabled)
    assert all(catalogue.sources[key].notes for key in published)
    assert all(catalogue.sources[key].revision is None for key in published)


def test_the_packaged_files_are_found_through_the_package() -> None:
    assert {"s1_paper.yaml", "sky_t1.yaml"} <= set(packaged_texts())


def test_agieval_keeps_passage_and_options() -> None:
    found = question("s1_agieval", passage="", question="Which?", options=["(A) 1", "(B) 2"], label="B", answer=None)
    assert (found.question, found.reference_answer) == ("Which?\n(A) 1\n(B) 2", "B")


def test_olympiad_bench_keeps_the_context() -> None:
    found = question(
        "s1_olympiad_bench",
        context="Let x be 1.",
        question="Find x.",
        solution=["so 1"],
        final_answer=["1"],
        subject="Math",
    )
    assert (found.question, found.solution) == ("Let x be 1.\n\nFind x.", "so 1")
    assert (found.reference_answer, found.subject) == ("1", "Math")


def test_gpqa_asks_with_its_options() -> None:
    found = question(
        "s1_gpqa",
        **{"Question": "Q?", "Correct Answer": "r", "Incorrect Answer 1": "a", "Incorrect Answer 2": "b",
           "Incorrect Answer 3": "c", "Explanation": "because", "High-level domain": "Physics"},
    )  # fmt: skip
    assert f"({found.reference_answer}) r" in found.question
    assert found.subject == "Physics"


def test_xword_takes_clue_and_answer_out_of_their_text() -> None:
    found = question("s1_xword", input="### Clue: Odd bird (3)", output="### Answer: EMU ### Explanation: no")
    assert found.question.endswith("in brackets.\n\nOdd bird (3)")
    assert found.reference_answer == "EMU"


def test_scieval_questions_lose_their_answer_mark() -> None:
    found = question("s1_scieval", question="Which?\n\nA. 1\n\nAnswer:", answer=["A"], category="biology")
    assert (found.question, found.reference_answer) == ("Which?\n\nA. 1", "A")


def test_numinamath_answers_are_boxed() -> None:
    found = question("s1_numinamath", problem="p", solution=r"so $\boxed{\frac12}$", source="aops_forum")
    assert found.reference_answer == r"\frac12"
    assert found.metadata == '{"source": "aops_forum"}'
