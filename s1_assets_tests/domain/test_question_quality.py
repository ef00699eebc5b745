from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1_assets.domain.question_quality import find_flaw

DRAWN = {"circuit_logic": 100, "rectangle_count": 100, "maze": 100, "tsumego": 100, "figlet_font": 90}
"""By family of reasoning-gym, how many of 100 questions are known as drawings. Some fonts are letters set in lines."""
WHOLE = {
    **dict.fromkeys(("spiral_matrix", "cryptarithm", "n_queens", "modulo_grid"), 100),
    **dict.fromkeys(("largest_island", "rotten_oranges"), 100),
    **dict.fromkeys(("game_of_life", "mini_sudoku", "binary_matrix", "pool_matrix", "rotate_matrix", "bf"), 30),
    **dict.fromkeys(("kakurasu", "survo", "propositional_logic", "simple_integration", "word_ladder"), 30),
    "futoshiki": 5,
}
"""By family, how many questions are looked at: some generators are slow."""


def reasons(family: str, size: int, seed: int = 42) -> Counter[str | None]:
    from reasoning_gym.factory import create_dataset

    questions = (item["question"] for item in create_dataset(family, seed=seed, size=size))
    return Counter(flaw.reason if (flaw := find_flaw(question)) else None for question in questions)


@pytest.mark.parametrize("family", DRAWN)
def test_drawings_are_found(family: str) -> None:
    found = reasons(family, 100)
    assert found["ascii_diagram"] >= DRAWN[family]
    assert set(found) <= {"ascii_diagram", None}


@pytest.mark.parametrize("family", WHOLE)
def test_grids_and_formulas_are_no_drawings(family: str) -> None:
    assert reasons(family, WHOLE[family]) == {None: WHOLE[family]}


def test_of_the_packaged_questions_only_the_circuits_are_drawings() -> None:
    from s1_assets.adapters.sources.catalogue_files import read_catalogue
    from s1_assets.adapters.sources.reasoning_gym import ReasoningGymReader

    found = {}
    for key, source in read_catalogue().enabled.items():
        flaws = (find_flaw(str(row.values["question"])) for row in ReasoningGymReader().rows(source))
        found[key] = Counter(flaw.reason if flaw else None for flaw in flaws)
    circuits = found.pop("circuit_logic")
    assert set(circuits) == {"ascii_diagram"}
    assert len(found) >= 10
    assert {key: set(counts) for key, counts in found.items()} == {key: {None} for key in found}


@pytest.mark.parametrize(
    "text",
    [
        "Evaluate to p3.14 places.",
        "Evaluate 2**3**2.",
        "What is **42** times **2**?",
        "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |",
        "|   | 1 |   |\n|---|---|---|\n| x |   | y |\nWhich is missing?",
        "    FOM\n+ IKPLO\n-------\n  IKIZL",
        "x      f(x)\n0      1\n10     11\n100    101\n1000   1001",
        "- one\n- two\n- three\n- four",
        "***\nA rule above\n***\nand below\n---",
        "Title\n=====\n\nText\n-----\n",
        "def f(x):\n    return x\n\n\nprint(f(3))  # three",
        "for (;;) {\n  ++x;\n}\n",
        "0000\n0110\n0110\n0000\nHow many ones?",
        "00000\n01110\n01010\n01110\n00000\nHow many ones?",
        "\\[\n\\begin{aligned}\nx &= 1 \\\\\ny &= 2\n\\end{aligned}\n\\]",
        "1 2 3\n4 5 6\n7 8 9",
        "A B C D\n1 5 6 7\n2 8 9 0\n3 1 2 3",
        "A ruled line ───────── and text",
        "Graph the function, then draw a diagram. Which figure has more sides, a triangle or a square?",
        "The table shows the image of 3 under f. What is the pre-image?",
        "He figured in the pictures above all.",
        "Is x![n] a factorial? What of a![1]!",
        "",
    ],
)  # fmt: skip
def test_near_misses_are_whole(text: str) -> None:
    assert find_flaw(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("In the figure below, find x.", "missing_figure"),
        ("As shown in the diagram, AB = 3.", "missing_figure"),
        ("See the attached picture.", "missing_figure"),
        ("Find the area of the figure shown below, where the figure above is a square.", "missing_figure"),
        ("Find x. ![a triangle](triangle.png)", "missing_figure"),
        ('Find x. <img src="t.png">', "missing_figure"),
        ("Find x. \\includegraphics[width=3cm]{t}", "missing_figure"),
        ("Find x. [asy] draw((0,0)--(1,1)); [/asy]", "drawing_code"),
        ("Find x. \\begin{tikzpicture}\\end{tikzpicture}", "drawing_code"),
        ("How many squares?\n+--+--+\n|  |  |\n+--+--+", "ascii_diagram"),
        ("How many?\n  /\\\n /  \\\n/____\\", "ascii_diagram"),
        ("Follow the line:\n│\n└──", "ascii_diagram"),
        ("XXXXX\nXa.bX\nX.X.X\nX...X\nXXXXX", "ascii_diagram"),
    ],
)
def test_what_is_missing_is_named(text: str, reason: str) -> None:
    flaw = find_flaw(text)
    assert flaw is not None
    assert flaw.reason == reason
    assert flaw.evidence
    assert len(flaw.evidence) <= 100


@given(st.text(alphabet="ab |/\\_+-#.='\n`01AB"))
def test_a_flaw_quotes_the_text_it_was_found_in(text: str) -> None:
    flaw = find_flaw(text)
    assert flaw is None or flaw.evidence in text


@given(st.lists(st.lists(st.integers(0, 999), min_size=3, max_size=8), min_size=3, max_size=8))
def test_a_matrix_of_numbers_is_no_drawing(rows: list[list[int]]) -> None:
    assert find_flaw("\n".join(" ".join(map(str, row)) for row in rows)) is None
    assert find_flaw("\n".join("".join(f"{number:>5}" for number in row) for row in rows)) is None


@pytest.mark.parametrize("piece", ["-", "+", "|", "_", "![", "in the ", " ", "\n", "─", "A B C\n1 . . .\n", "#"])
def test_a_cell_of_five_megabytes_costs_little_time(piece: str) -> None:
    import time

    started = time.process_time()
    find_flaw(piece * (5_000_000 // len(piece)))
    assert time.process_time() - started < 5


def test_real_questions_fall_by_drawing_code_and_figures_alone(shared_data: Path) -> None:
    import json

    lines = (shared_data / "aime" / "aime_1983_2012.jsonl").read_text("utf-8").splitlines()
    flaws = [flaw for line in lines if (flaw := find_flaw(json.loads(line)["problem"]))]
    assert {flaw.reason for flaw in flaws} == {"drawing_code", "missing_figure"}
    assert 30 <= len(flaws) <= 60
    lines = (shared_data / "gsm8k" / "gsm8k_train_1000.jsonl").read_text("utf-8").splitlines()
    assert [line for line in lines if find_flaw(json.loads(line)["question"])] == []
