"""The packaged sources and the embedded models together: what a first run is worth."""

import hashlib
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache

import pytest

from s1_assets.adapters.llm.providers.solver import MINDS, Solver
from s1_assets.adapters.sources.catalogue_files import read_catalogue
from s1_assets.adapters.sources.readers import SourceReaders
from s1_assets.domain.catalogue.questions import questions_of
from s1_assets.domain.grading.exact import Exact
from s1_assets.domain.question_quality import Flaw, find_flaw
from s1_assets.records.models import Message, ModelName, ModelRequest, Reply
from s1_assets.records.questions import Question
from s1_assets.records.verdicts import Mark

SOURCES = read_catalogue().enabled
UNSUPPORTED, WRONG_KEYS = "circuit_logic", "time_intervals_wrong_keys"
SOLVED = [key for key in SOURCES if key not in (UNSUPPORTED, WRONG_KEYS)]
TEACHER, STUDENTS = "teacher-v1", ("student-brief-v1", "student-hasty-v1")


@dataclass(frozen=True)
class Answered:
    question: Question
    reply: Reply
    mark: Mark


@cache
def questions(key: str) -> tuple[Question, ...]:
    source, readers = SOURCES[key], SourceReaders()
    found = questions_of(source, readers.rows(source), readers.revision(source))
    return tuple(row for row in found if isinstance(row, Question))


@cache
def answers(key: str, model: str) -> tuple[Answered, ...]:
    solver, grader, found = Solver(), Exact(), []
    for question in questions(key):
        reply = solver.complete(ModelRequest(ModelName("solver", model), (Message("user", question.question),)))
        mark: Mark = grader.grade(reply.answer, question).mark if reply.status == "ok" else "unscored"
        found.append(Answered(question, reply, mark))
    return tuple(found)


def endings(key: str, model: str) -> Counter[str]:
    return Counter(found.mark if found.reply.status == "ok" else found.reply.status for found in answers(key, model))


def test_at_least_ten_sources_and_two_thousand_questions_come_with_it() -> None:
    assert len(SOLVED) >= 10
    assert sum(len(questions(key)) for key in SOURCES) >= 2_000


@pytest.mark.parametrize("key", SOURCES)
def test_nearly_every_question_is_asked_once_only(key: str) -> None:
    assert len(questions(key)) >= 0.95 * (SOURCES[key].size or 0)


@pytest.mark.parametrize("key", SOURCES)
def test_a_smaller_source_is_the_beginning_of_a_larger_one(key: str) -> None:
    readers, larger = SourceReaders(), replace(SOURCES[key], size=(SOURCES[key].size or 0) + 25)
    grown = questions_of(larger, readers.rows(larger), readers.revision(larger))
    kept = [row for row in grown if isinstance(row, Question)]
    assert [row.question_id for row in kept][: len(questions(key))] == [row.question_id for row in questions(key)]
    assert kept[: len(questions(key))] == list(questions(key))


@pytest.mark.parametrize("seed", ["1", "2"])
def test_questions_do_not_depend_on_the_hash_seed(seed: str) -> None:
    program = (
        "from s1_assets_tests.test_embedded import SOURCES, questions; import hashlib;"
        "print(hashlib.sha256(repr([questions(key)[:60] for key in SOURCES]).encode()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    told = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    ours = hashlib.sha256(repr([questions(key)[:60] for key in SOURCES]).encode()).hexdigest()
    assert told.stdout.strip() == ours


@pytest.mark.parametrize("key", SOLVED)
def test_the_teachers_finished_answers_are_the_keys(key: str) -> None:
    wrong = [found.question.question for found in answers(key, TEACHER) if found.mark == "incorrect"]
    assert wrong == []
    assert endings(key, TEACHER)["correct"] >= 0.8 * len(questions(key))


def test_known_wrong_keys_are_found_wrong() -> None:
    assert 0.2 <= endings(WRONG_KEYS, TEACHER)["incorrect"] / len(questions(WRONG_KEYS)) <= 0.6


def test_the_unsupported_source_is_refused_and_its_diagrams_are_dropped() -> None:
    for model in MINDS:
        assert set(endings(UNSUPPORTED, model)) == {"refused"}
    assert all(flaw is not None and flaw.reason == "ascii_diagram" for flaw in map(_flaw, questions(UNSUPPORTED)))
    assert [key for key in SOLVED if any(map(_flaw, questions(key)))] == []


def _flaw(question: Question) -> Flaw | None:
    return find_flaw(question.question)


def test_the_teacher_is_right_on_most_packaged_questions_but_not_on_all() -> None:
    right = sum(endings(key, TEACHER)["correct"] for key in SOURCES)
    asked = sum(len(questions(key)) for key in SOURCES)
    assert 0.60 <= right / asked <= 0.98


@pytest.mark.parametrize("key", SOLVED)
def test_students_pass_between_a_fifth_and_four_fifths(key: str) -> None:
    ended = sum((endings(key, student) for student in STUDENTS), Counter[str]())
    attempts = sum(ended.values())
    assert 0.2 <= ended["correct"] / attempts <= 0.8
    assert 0.2 <= ended["correct"] / (ended["correct"] + ended["incorrect"]) <= 0.8


@pytest.mark.parametrize("key", SOLVED)
def test_enough_questions_are_hard_and_solved_by_the_teacher_for_the_source_to_reach_the_set(key: str) -> None:
    by_model = [{found.question.question_id: found.mark for found in answers(key, model)} for model in STUDENTS]
    teacher = {found.question.question_id: found.mark for found in answers(key, TEACHER)}
    hard = [
        name
        for name in teacher
        if all(marks[name] != "correct" for marks in by_model) and any(marks[name] == "incorrect" for marks in by_model)
    ]
    assert sum(teacher[name] == "correct" for name in hard) >= 20


def test_the_students_show_every_way_to_fail() -> None:
    ended = sum((endings(key, student) for key in SOURCES for student in STUDENTS), Counter[str]())
    attempts = sum(ended.values())
    for ending in ("incorrect", "truncated", "refused"):
        assert ended[ending] / attempts >= 0.05, ended


@pytest.mark.parametrize("key", SOLVED)
def test_thinking_is_an_argument_of_some_length(key: str) -> None:
    lengths = [found.reply.thinking_tokens for found in answers(key, TEACHER) if found.reply.status == "ok"]
    assert min(lengths) >= 150
    assert max(lengths) <= 8_000
