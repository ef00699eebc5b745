"""The greatest common divisor of a list of positive whole numbers.

Careful: Euclid's divisions (Elements VII.2), one number after the other, checked by dividing and by Bezout's identity.
Hasty: the same divisions, given up at the first remainder of one digit, which is then taken for the divisor.
Not covered: zero, negative numbers, polynomials, more than twelve numbers, numbers of more than fifteen digits.
"""

import re
from dataclasses import dataclass

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.euclid import coefficients, divide_down
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.prose import listed
from s1_assets.adapters.llm.providers.solver.surroundings import NUMBERS, numbers_in, sole_question

_QUESTION = re.compile(
    r"(?:Find|Compute|Determine|Calculate|What is) the "
    r"(?:Greatest Common Divisor|Highest Common Factor|GCD)(?: \(GCD\))?"
    rf" of (?:these numbers: |the following numbers: |the numbers )?({NUMBERS})[.?]?"
    r"(?: Give only the GCD as your final answer\.)?",
    re.IGNORECASE | re.ASCII,
)
_MOST_NUMBERS, _MOST_DIGITS = 12, 15
_SMALL = 10


@dataclass(frozen=True, slots=True)
class CommonDivisorOf:
    """Positive whole numbers, two at least."""

    numbers: tuple[int, ...]


class Gcd:
    """Family `gcd`."""

    name = "gcd"

    def read(self, text: str) -> CommonDivisorOf | None:
        match = sole_question(_QUESTION, text)
        if match is None:
            return None
        numbers = numbers_in(match[1])
        fits = len(numbers) <= _MOST_NUMBERS and all(0 < number < 10**_MOST_DIGITS for number in numbers)
        return CommonDivisorOf(numbers) if fits else None

    def reason(self, problem: CommonDivisorOf, argument: Argument, care: Care) -> str:
        numbers = problem.numbers
        argument.say(f"I look for the greatest whole number that divides each of {listed(numbers)} without remainder.")
        if care == "hasty":
            return str(_reason_hastily(numbers, argument))
        _explain(numbers, argument)
        divisor = numbers[0]
        for place, number in enumerate(numbers[1:], start=2):
            argument.say(f"Now {divisor} and {number}:")
            divisor = divide_down(divisor, number, argument)
            argument.say(
                f"The remainder is 0, so the first {place} numbers have the greatest common divisor {divisor}."
            )
            if divisor == 1 and place < len(numbers):
                argument.say("Nothing above 1 divides these, so nothing above 1 divides all; the rest changes nothing.")
                break
        _check(numbers, divisor, argument)
        return str(divisor)


def _explain(numbers: tuple[int, ...], argument: Argument) -> None:
    larger, smaller = max(numbers[:2]), min(numbers[:2])
    argument.say(
        f"Instead of listing the divisors of {max(numbers)} and of the others to compare them, I divide with "
        f"remainder. Take {larger} and {smaller}: if {larger} = q × {smaller} + r, then whatever divides both also "
        f"divides r, which is the difference of {larger} and a multiple of {smaller}; and whatever divides {smaller} "
        f"and r also divides {larger}. So the pair ({smaller}, r) has exactly the common divisors that ({larger}, "
        f"{smaller}) has, only it is smaller. I go on until r is 0; then the last number divided by is the greatest "
        "common divisor."
    )
    if len(numbers) > 2:
        argument.say(
            f"There are {len(numbers)} numbers. A divisor of all of them divides the result for the first two, so I "
            "take that result with the third number, and so on."
        )


def _check(numbers: tuple[int, ...], divisor: int, argument: Argument) -> None:
    multiples = listed(f"{number} = {divisor} × {number // divisor}" for number in numbers)
    argument.say(f"Check that {divisor} divides all of them: {multiples}.")
    used = [(c, number) for c, number in zip(coefficients(numbers), numbers, strict=True) if c]
    combination = " + ".join(f"({c}) × {number}" for c, number in used)
    total = sum(c * number for c, number in used)
    argument.say(
        f"Check that nothing larger does: going back through the divisions, {combination} = {total}. A common divisor "
        f"of the numbers divides the left side, so it divides {total} and cannot be larger."
    )


def _reason_hastily(numbers: tuple[int, ...], argument: Argument) -> int:
    argument.say(
        "I know that one divides the larger by the smaller number and goes on with the remainder, because a common "
        "divisor divides the remainder too, so the numbers shrink quickly. These divisions drag on, though. Once a "
        "remainder has only one digit there is hardly room for anything else, so I stop there: the first remainder "
        f"below {_SMALL} must be about what all of {listed(numbers)} have in common. If a division comes out with "
        "remainder 0 before that, then the number I divided by is the divisor. With more than two numbers I carry the "
        "result on to the next number in the same way."
    )
    divisor = numbers[0]
    for number in numbers[1:]:
        argument.say(f"{divisor} with {number}:")
        divisor = _shrink(divisor, number, argument)
    argument.say(
        f"All {len(numbers)} numbers are used, and I am left with {divisor}. I do not divide the numbers by it to see "
        "whether it really goes into each of them."
    )
    return divisor


def _shrink(first: int, second: int, argument: Argument) -> int:
    larger, smaller = max(first, second), min(first, second)
    while rest := larger % smaller:
        argument.step(f"{larger} divided by {smaller} leaves {rest}")
        if rest < _SMALL:
            argument.guess(f"{rest} has one digit; I guess that it is the common divisor.")
            return rest
        larger, smaller = smaller, rest
    argument.step(f"{larger} divided by {smaller} leaves 0, so {smaller} divides both.")
    return smaller
