"""The least common multiple of a list of positive whole numbers.

Careful: the product of two numbers over their greatest common divisor (Euclid, Elements VII.34), one number after the
other, checked by dividing.
Hasty: takes shared primes out of the product, but knows only 2, 3, 5 and 7 and takes each of them out once.
Not covered: zero, negative numbers, more than six numbers, numbers above a million.
"""

import re
from dataclasses import dataclass
from itertools import accumulate
from math import gcd

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.euclid import divide_down
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.prose import listed
from s1_assets.adapters.llm.providers.solver.surroundings import NUMBERS, numbers_in, sole_question

_QUESTION = re.compile(
    r"(?:Find|Compute|Determine|Calculate|What is) the "
    r"(?:Least Common Multiple|Lowest Common Multiple|LCM)(?: \(LCM\))?"
    rf" of (?:these numbers: |the following numbers: |the numbers )?({NUMBERS})[.?]?",
    re.IGNORECASE | re.ASCII,
)
_MOST_NUMBERS, _LARGEST = 6, 10**6
_KNOWN_PRIMES = (2, 3, 5, 7)


@dataclass(frozen=True, slots=True)
class CommonMultipleOf:
    """Positive whole numbers, two at least."""

    numbers: tuple[int, ...]


class Lcm:
    """Family `lcm`."""

    name = "lcm"

    def read(self, text: str) -> CommonMultipleOf | None:
        match = sole_question(_QUESTION, text)
        if match is None:
            return None
        numbers = numbers_in(match[1])
        fits = len(numbers) <= _MOST_NUMBERS and all(0 < number <= _LARGEST for number in numbers)
        return CommonMultipleOf(numbers) if fits else None

    def reason(self, problem: CommonMultipleOf, argument: Argument, care: Care) -> str:
        numbers = problem.numbers
        argument.say(
            f"I look for the smallest positive number that each of {listed(numbers)} divides without remainder."
        )
        if care == "hasty":
            return str(_reason_hastily(numbers, argument))
        _explain(numbers, argument)
        multiple = numbers[0]
        for number in numbers[1:]:
            multiple = _join(multiple, number, argument)
        _check(numbers, multiple, argument)
        return str(multiple)


def _explain(numbers: tuple[int, ...], argument: Argument) -> None:
    first, second = numbers[:2]
    argument.say(
        f"{first} × {second} is a common multiple of the first two, but it contains twice what they share. Dividing by "
        "their greatest common divisor d once leaves every prime as often as the one that needs it most, and no more, "
        f"so {first} ÷ d × {second} is the least one. I get d by dividing with remainder: the pair (b, r) with r the "
        "remainder of a by b has the same common divisors as (a, b), and the last number divided by before r is 0 is "
        "d."
    )
    if len(numbers) > 2:
        argument.say(
            f"A multiple of all {len(numbers)} numbers is a multiple of the result for the first two, so I join the "
            "third number to that result, and so on."
        )


def _join(multiple: int, number: int, argument: Argument) -> int:
    argument.say(f"Greatest common divisor of {multiple} and {number}:")
    shared = divide_down(multiple, number, argument)
    joined = multiple // shared * number
    argument.step(f"It is {shared}, so the multiple is {multiple} × ({number} ÷ {shared}) = {joined}.")
    return joined


def _check(numbers: tuple[int, ...], multiple: int, argument: Argument) -> None:
    quotients = [multiple // number for number in numbers]
    products = listed(f"{number} × {quotient}" for number, quotient in zip(numbers, quotients, strict=True))
    shared = list(accumulate(quotients, gcd))
    argument.say(f"Check that it is a multiple of each: {multiple} equals {products}.")
    argument.say(
        f"Check that no smaller one would do: if {multiple} could be divided by some k > 1 and still be a multiple of "
        f"each, k would divide all of {listed(quotients)}. Taken one after the other, their greatest common divisors "
        f"are {listed(shared)}, so the only such k is {shared[-1]}."
    )


def _reason_hastily(numbers: tuple[int, ...], argument: Argument) -> int:
    argument.say(
        "Multiplying all of them would do, but the result is too large whenever two of the numbers share a factor. So "
        "I go through the list and keep one multiple; before I multiply it by the next number, I take out of that "
        f"number what it shares with the multiple. Shared factors I look for among the primes {listed(_KNOWN_PRIMES)}: "
        "a prime that divides both is struck out of the number, and then I pass to the next prime. That should be "
        "all, since larger primes are rare."
    )
    multiple = numbers[0]
    argument.say(f"I begin with {multiple}.")
    for number in numbers[1:]:
        multiple = _join_hastily(multiple, number, argument)
    argument.say(
        f"That was the last of the {len(numbers)} numbers, so {multiple} is my common multiple. It came from taking "
        "out what is shared, so I trust that it is the least one."
    )
    return multiple


def _join_hastily(multiple: int, number: int, argument: Argument) -> int:
    rest = number
    for prime in _KNOWN_PRIMES:
        if multiple % prime == 0 and number % prime == 0:
            argument.step(f"{prime} divides {multiple} and {number}: {rest} ÷ {prime} = {rest // prime}")
            rest //= prime
        else:
            argument.step(f"{prime} does not divide both {multiple} and {number}.")
    argument.step(f"{multiple} × {rest} = {multiple * rest}")
    return multiple * rest
