"""The embedded model on questions about numbers: what it understands, what it refuses, and where it is wrong."""

import random
from functools import cache
from importlib.resources import files
from math import gcd, lcm, prod

import pytest
import reasoning_gym
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from s1_assets.adapters.llm.providers.solver import MINDS
from s1_assets.adapters.llm.providers.solver.argument import Argument, OutOfSteps
from s1_assets.adapters.llm.providers.solver.expressions import parse
from s1_assets.adapters.llm.providers.solver.families import Care, Family
from s1_assets.adapters.llm.providers.solver.families.base_conversion import BaseConversion
from s1_assets.adapters.llm.providers.solver.families.basic_arithmetic import BasicArithmetic
from s1_assets.adapters.llm.providers.solver.families.chain_sum import ChainSum
from s1_assets.adapters.llm.providers.solver.families.count_primes import CountPrimes
from s1_assets.adapters.llm.providers.solver.families.gcd import Gcd
from s1_assets.adapters.llm.providers.solver.families.lcm import Lcm
from s1_assets.adapters.llm.providers.solver.families.prime_factorization import PrimeFactorization
from s1_assets.adapters.llm.providers.solver.trial_division import primes_up_to_root
from s1_assets.domain.tokens import approximate_tokens

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (Gcd(), Lcm(), PrimeFactorization(), CountPrimes(), ChainSum(), BaseConversion(), BasicArithmetic())
}
NAMES = sorted(FAMILIES)
STUDENTS = ("student-brief-v1", "student-hasty-v1")
SAMPLE = 80
EASIEST = (
    "Find the GCD of 1, 1.",
    "Find the LCM of 1, 1.",
    "Find the prime factorization of 2.",
    "How many primes are there between 8 and 8, inclusive?",
    "State the final answer to the following arithmetic problem: 1 + 1 =",
    "Convert the binary number 0 to decimal",
    "Calculate 1 + 1.",
)
LARGEST = (
    "Find the GCD of " + ", ".join(str(610 * k * 10**10 + 377 * k) for k in range(3, 15)) + ".",
    "Find the GCD of 498454011879264, 806515533049393.",
    "Find the LCM of 832040, 514229, 317811, 999983, 999979, 999961",
    f"Find the prime factorization of {2741 * 2741}.",
    "How many primes are there between 201 and 1000, inclusive?",
    "State the final answer to the following arithmetic problem: " + " - -".join(["999999999999"] * 100) + " =",
    "Convert the binary number " + "1" * 64 + " to base-3",
    "Calculate " + " * ".join(["-999999"] * 4 + ["-1"] * 60) + ".",
    "Calculate " + " + ".join(["(999999 * -999999 * 999999 * 99999)"] * 15) + ".",
    "Calculate " + "(3 * " * 20 + "1" + ")" * 20 + ".",
)


def family_of(text: str) -> Family | None:
    understood = [family for family in FAMILIES.values() if family.read(text) is not None]
    assert len(understood) < 2, "a question belongs to one family"
    return understood[0] if understood else None


def solve(text: str, care: Care = "careful", budget: int = 10**6) -> str | None:
    family = family_of(text)
    return family.reason(family.read(text), Argument(budget), care) if family else None


@cache
def rows(name: str) -> list[tuple[str, str]]:
    packaged = files("s1_assets.domain.catalogue") / "packaged" / "embedded_numbers.yaml"
    entry = yaml.safe_load(packaged.read_text(encoding="utf-8"))[name]
    made = reasoning_gym.create_dataset(entry["location"], size=SAMPLE, seed=entry["seed"], **entry["config"])
    return [(row["question"], row["answer"]) for row in made]


def attempt(name: str, question: str, model: str) -> tuple[str | None, Argument]:
    mind, family = MINDS[model], FAMILIES[name]
    argument = Argument(mind.budget)
    try:
        return family.reason(family.read(question), argument, mind.care), argument
    except OutOfSteps:
        return None, argument


@pytest.mark.parametrize("name", NAMES)
def test_every_question_of_the_source_is_read_by_its_own_family_and_no_other(name: str) -> None:
    assert {family_of(question) for question, _ in rows(name)} == {FAMILIES[name]}


@pytest.mark.parametrize("name", NAMES)
def test_whatever_the_teacher_finishes_equals_the_key(name: str) -> None:
    answers = [(attempt(name, question, "teacher-v1")[0], key) for question, key in rows(name)]
    finished = [(answer, key) for answer, key in answers if answer is not None]
    assert all(answer == key for answer, key in finished)
    assert len(finished) >= 0.85 * len(answers)


@pytest.mark.parametrize("name", NAMES)
def test_the_students_solve_some_get_some_wrong_and_leave_some(name: str) -> None:
    attempts = {model: [(attempt(name, question, model)[0], key) for question, key in rows(name)] for model in STUDENTS}
    brief, hasty = (attempts[model] for model in STUDENTS)
    assert all(answer in (None, key) for answer, key in brief), "a small budget never makes a sound method wrong"
    assert 0.15 < sum(answer == key for answer, key in brief) / SAMPLE < 0.7
    assert 0.15 < sum(answer == key for answer, key in hasty) / SAMPLE < 0.7
    unsolved = sum(key not in (one, two) for (one, key), (two, _) in zip(brief, hasty, strict=True))
    assert unsolved >= 0.2 * SAMPLE


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("model", MINDS)
def test_a_finished_argument_is_neither_a_stub_nor_a_book(name: str, model: str) -> None:
    for question, _ in rows(name):
        answer, argument = attempt(name, question, model)
        if answer is not None:
            assert 150 <= approximate_tokens(argument.text) <= 8000


@pytest.mark.parametrize("care", ["careful", "hasty"])
@pytest.mark.parametrize("text", EASIEST + LARGEST)
def test_the_easiest_and_the_largest_questions_keep_the_length_bounds(text: str, care: Care) -> None:
    family = family_of(text)
    assert family is not None
    argument = Argument(400)
    family.reason(family.read(text), argument, care)
    assert 150 <= approximate_tokens(argument.text) <= 8000


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("care", ["careful", "hasty"])
def test_the_same_question_is_argued_in_the_same_words(name: str, care: Care) -> None:
    family, question = FAMILIES[name], rows(name)[0][0]
    first, second = Argument(400), Argument(400)
    answers = {family.reason(family.read(question), argument, care) for argument in (first, second)}
    assert len(answers) == 1
    assert first.text == second.text


@pytest.mark.parametrize("name", NAMES)
def test_an_argument_that_runs_out_of_steps_is_the_beginning_of_the_longer_one(name: str) -> None:
    family = FAMILIES[name]
    question = rows(name)[0][0]
    whole, cut = Argument(10**6), Argument(3)
    family.reason(family.read(question), whole, "careful")
    assert whole.steps > 3
    with pytest.raises(OutOfSteps):
        family.reason(family.read(question), cut, "careful")
    assert cut.steps == 3
    assert whole.text.startswith(cut.text)


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_stands_in_the_argument(name: str) -> None:
    for question, _ in rows(name)[:20]:
        answer, argument = attempt(name, question, "teacher-v1")
        assert answer is None or all(part in argument.text for part in answer.split(" × "))


@pytest.mark.parametrize("name", NAMES)
def test_the_students_difficulty_comes_from_the_numbers(name: str) -> None:
    steps = {attempt(name, question, "teacher-v1")[1].steps for question, _ in rows(name)}
    assert len(steps) >= 12


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Think step by step and put your final answer within \\boxed{}.\n\n", ""),
        ("", "\n\nPlease reason step by step, and put your final answer within \\boxed{}."),
        ("Question: ", "\nAnswer:"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_a_template_around_the_question_changes_nothing(name: str, before: str, after: str) -> None:
    question = rows(name)[0][0]
    assert FAMILIES[name].read(before + question + after) == FAMILIES[name].read(question) is not None


@pytest.mark.parametrize(
    "twist",
    [
        "Double your answer.",
        "Give the answer in base 7.",
        "Round to the nearest ten.",
        "Do not answer.",
        "Write the answer in words!",
        "Then subtract 3.",
        "Count the last one twice.",
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_a_further_condition_makes_the_question_unknown(name: str, twist: str) -> None:
    question = rows(name)[0][0]
    assert family_of(f"{question} {twist}") is None
    assert family_of(f"{twist} {question}") is None


@pytest.mark.parametrize("name", NAMES)
def test_two_questions_at_once_are_refused(name: str) -> None:
    first, second = (question for question, _ in rows(name)[:2])
    assert family_of(f"{first} {second}") is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("What is the GCD of 12, 18 and 24?", "6"),
        ("Find the highest common factor of 12 and 18.", "6"),
        ("What is the LCM of 12, 18 and 24?", "72"),
        ("Compute the lowest common multiple of these numbers: 4, 6", "12"),
        ("Find the Greatest Common Divisor (GCD) of these numbers: 7, 7, 7.", "7"),
        ("What is the prime factorisation of the number 97?", "97"),
        ("Find the prime factorization of 1024.", " × ".join(["2"] * 10)),
        ("How many primes are there between 1 and 1, inclusive?", "0"),
        ("How many primes are there between 2 and 3, both included?", "2"),
        ("How many prime numbers are there between 113 and 127 (inclusive)?", "2"),
        ("State the final answer to the following arithmetic problem: 5 - -3 + -10 =", "-2"),
        ("State the final answer to the following arithmetic problem: 5 - 3 = ?", "2"),
        ("Convert the decimal number 255 to hexadecimal.", "ff"),
        ("Convert the hexadecimal number FF to binary.", "11111111"),
        ("Convert the base-36 number zz to decimal", "1295"),
        ("Convert the octal number 0 to base-3", "0"),
        ("What is 2 + 3 * 4?", "14"),
        ("Solve (2 + 3) * -(4 - 6).", "10"),
        ("Evaluate: -3--5*-2.", "-13"),
        ("Compute 10 - (3 - (2 - 1)).", "8"),
    ],
)
def test_a_reworded_question_is_solved(text: str, answer: str) -> None:
    assert solve(text) == answer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Find the GCD of 12.",
        "Find the GCD of 0, 12.",
        "Find the GCD of -4, 6.",
        "Find the GCD of 12, 18.5",
        "Find the GCD of 12, 18!",
        "Find the GCD of 12, 18 and x.",
        "Find the GCD of 12, 18 and the LCM of 4, 6.",
        "Find the greatest common divisor (LCM) of 12, 18.",
        "Find the GCD of 1,000, 2,000.",
        "Find the least common divisor of 12, 18.",
        "Find the greatest common multiple of 12, 18.",
        "Find the second greatest common divisor of 12, 18.",
        "Find the LCM of 4, 6 above 100.",
        "Find the GCD of 1" + "0" * 5000 + ", 6.",
        "Find the prime factorization of 1.",
        "Find the prime factorization of -12.",
        "Find the prime factorization of 12!",
        "Find the prime factorization of 12. Write the factors separated by *",
        "Find the largest prime factor of 12.",
        "Count how many prime numbers there are between 5 and 20?",
        "Count how many prime numbers there are between 5 and 20 (exclusive) ?",
        "Count how many prime numbers there are between 20 and 5 (inclusive) ?",
        "Count how many twin prime numbers there are between 5 and 20 (inclusive) ?",
        "Count how many composite numbers there are between 5 and 20 (inclusive) ?",
        "State the final answer to the following arithmetic problem: 3 + 4 * 5 =",
        "State the final answer to the following arithmetic problem: 3 + 4.5 =",
        "State the final answer to the following arithmetic problem: 3 + =",
        "State the final answer to the following arithmetic problem: 3 + x = 5",
        "Convert the binary number 102 to decimal",
        "Convert the base-1 number 0 to decimal",
        "Convert the base-37 number 10 to decimal",
        "Convert the binary number 1.1 to decimal",
        "Convert the binary number -11 to decimal",
        "Convert the binary number 11 to binary",
        "Convert the binary number 11 to hexadecimal, using uppercase letters.",
        "Convert the base-36 number " + "z" * 64 + " to binary",
        "Calculate 7.",
        "Calculate 6 / 3.",
        "Calculate 2 ** 3.",
        "Calculate 2 3 + 4.",
        "Calculate 2(3 + 4).",
        "Calculate (3 + 4.",
        "Calculate 3 + 4).",
        "Calculate ().",
        "Calculate 3 + * 4.",
        "Calculate 3 + 4 modulo 5.",
        "Calculate 3 + 4.5.",
        "Calculate 3 + x.",
        "Calculate " + "(" * 500 + "3 + 4" + ")" * 500 + ".",
        "Calculate " + " * ".join(["999999"] * 20) + ".",
        "Calculate " + "1" * 6000 + " + 1.",
        "Calculate " + "-" * 19_000,
        "What is 3 + 4? What is 5 + 6?",
    ],
)
def test_what_is_malformed_or_not_fully_understood_is_refused(text: str) -> None:
    assert family_of(text) is None


@given(st.lists(st.integers(1, 10**15 - 1), min_size=2, max_size=12))
def test_the_careful_divisor_is_the_greatest(numbers: list[int]) -> None:
    assert solve(f"Find the GCD of {', '.join(map(str, numbers))}.") == str(gcd(*numbers))


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=6))
def test_the_careful_multiple_is_the_least(numbers: list[int]) -> None:
    assert solve(f"Find the LCM of {', '.join(map(str, numbers))}.") == str(lcm(*numbers))


@settings(deadline=None)
@given(st.integers(2, 10**7))
def test_the_careful_factors_are_prime_and_multiply_to_the_number(number: int) -> None:
    answer = solve(f"Find the prime factorization of {number}.")
    assert answer is not None
    factors = [int(factor) for factor in answer.split(" × ")]
    assert prod(factors) == number
    assert factors == sorted(factors)
    assert all(factor % prime for factor in factors for prime in primes_up_to_root(factor))


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_the_careful_count_is_the_number_of_primes(one: int, other: int) -> None:
    start, end = min(one, other), max(one, other)
    expected = sum(all(number % d for d in range(2, number)) for number in range(max(2, start), end + 1))
    assert solve(f"How many primes are there between {start} and {end}, inclusive?") == str(expected)


@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=40), st.randoms(use_true_random=False))
def test_the_careful_sum_is_the_sum(numbers: list[int], rng: random.Random) -> None:
    signs = [rng.choice((1, -1)) for _ in numbers[1:]]
    chain = str(numbers[0]) + "".join(f" {'-+'[s > 0]} {n}" for s, n in zip(signs, numbers[1:], strict=True))
    expected = numbers[0] + sum(s * n for s, n in zip(signs, numbers[1:], strict=True))
    assert solve(f"State the final answer to the following arithmetic problem: {chain} =") == str(expected)


@given(st.integers(0, 2**64 - 1), st.integers(2, 36), st.integers(2, 36))
def test_a_number_taken_to_another_base_and_back_is_unchanged(value: int, source: int, target: int) -> None:
    there = solve(f"Convert the decimal number {value} to base-{source}") if source != 10 else str(value)
    assert there is not None
    assert int(there, source) == value
    moved = solve(f"Convert the base-{source} number {there} to base-{target}")
    assert moved is None if source == target else int(str(moved), target) == value


expressions = st.recursive(
    st.integers(-99, 99).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(" ".join),
        inner.map("( {} )".format),
        inner.map("-( {} )".format),
    ),
    max_leaves=12,
)


@given(expressions)
def test_the_careful_value_of_an_expression_is_pythons(text: str) -> None:
    expected = str(eval(text))  # noqa: S307  (made above from digits, signs and brackets)
    answer = solve(f"Calculate {text}.")
    assert answer in (None, expected)
    parsed = parse(text)
    assert parsed is not None
    assert parsed.remainder(9) == int(expected) % 9
    assert parsed.bound() >= abs(int(expected))
    assert answer is not None or len(parsed.numbers()) < 2 or parsed.bound() >= 10**30 or "(" * 20 in text


@given(st.text(alphabet="0123456789+-*/() .,=?abcxyz×\n²", max_size=60))
def test_no_text_makes_a_family_fail_to_read(text: str) -> None:
    for cue in (
        "Calculate ",
        "Find the GCD of ",
        "Convert the base-36 number ",
        "Find the prime factorization of ",
        "",
    ):
        family_of(cue + text)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Find the GCD of 33, 26.", "7"),
        ("Find the LCM of 8, 12.", "48"),
        ("Find the LCM of 22, 33.", "726"),
        ("Find the prime factorization of 242.", "2 × 121"),
        ("How many primes are there between 120 and 122, inclusive?", "1"),
        ("State the final answer to the following arithmetic problem: 199 + 1 =", "100"),
        ("Convert the hexadecimal number a to decimal", "11"),
        ("Convert the decimal number 10 to hexadecimal", "10"),
        ("Calculate 5 - (3 - 2).", "0"),
        ("Calculate 1 + -(2 + 3).", "2"),
    ],
)
def test_the_hasty_method_makes_its_own_mistake(text: str, wrong: str) -> None:
    assert solve(text, "hasty") == wrong
    assert solve(text, "careful") != wrong


@pytest.mark.parametrize(
    "text",
    [
        "Find the GCD of 36, 24.",
        "Find the LCM of 6, 10, 15.",
        "Find the prime factorization of 2310.",
        "How many primes are there between 1 and 120, inclusive?",
        "State the final answer to the following arithmetic problem: 58 + 67 - 300 =",
        "Convert the octal number 777 to binary",
        "Calculate (5 - 3) * (2 + 7) + (1 - 4).",
    ],
)
def test_the_hasty_method_is_right_where_its_mistake_does_not_matter(text: str) -> None:
    assert solve(text, "hasty") == solve(text, "careful")


def test_a_search_that_is_cut_ends_in_a_guess_and_says_so() -> None:
    cut, whole = Argument(64), Argument(64)
    primes = FAMILIES["count_primes"]
    primes.reason(primes.read("How many primes are there between 1 and 250, inclusive?"), cut, "hasty")
    primes.reason(primes.read("How many primes are there between 1 and 100, inclusive?"), whole, "hasty")
    assert cut.guessed
    assert cut.steps == 64
    assert not whole.guessed


def test_the_careful_method_never_guesses() -> None:
    for name in NAMES:
        assert not any(attempt(name, question, "teacher-v1")[1].guessed for question, _ in rows(name)[:20])
