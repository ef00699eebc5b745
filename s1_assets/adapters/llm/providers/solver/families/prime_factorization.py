"""The prime factorisation of one whole number.

Careful: trial division by the primes in turn, until the square of the next prime is larger than what is left; checked
by multiplying back.
Hasty: tries 2, 3, 5 and 7 only, and takes whatever is left for a prime.
Not covered: 0, 1 and negative numbers, numbers above a thousand million, answers in exponents.
"""

import re
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.prose import listed
from s1_assets.adapters.llm.providers.solver.surroundings import sole_question
from s1_assets.adapters.llm.providers.solver.trial_division import primes

_QUESTION = re.compile(
    r"(?:Find|Give|Determine|What is) the prime factori[sz]ation of (?:the number )?(\d{1,12})[.?]?"
    r"(?: Write the factors separated by ×(?: \(Example: for 12 the answer would be: 2 × 2 × 3\))?)?",
    re.IGNORECASE | re.ASCII,
)
_LARGEST = 10**9
_KNOWN_PRIMES = (2, 3, 5, 7)


@dataclass(frozen=True, slots=True)
class Factorable:
    """A whole number from 2 on."""

    number: int


class PrimeFactorization:
    """Family `prime_factorization`."""

    name = "prime_factorization"

    def read(self, text: str) -> Factorable | None:
        match = sole_question(_QUESTION, text)
        if match is None or not 2 <= int(match[1]) <= _LARGEST:
            return None
        return Factorable(int(match[1]))

    def reason(self, problem: Factorable, argument: Argument, care: Care) -> str:
        argument.say(f"I want to write {problem.number} as a product of primes.")
        factors = _divide_out(problem.number, argument) if care == "careful" else _use_rules(problem.number, argument)
        return " × ".join(map(str, factors))


def _divide_out(number: int, argument: Argument) -> list[int]:
    argument.say(
        "I try the primes 2, 3, 5, 7, ... in turn. A composite divisor need not be tried: its primes are smaller and "
        "have been divided out by then. I write what is left as d × q + r, prime d first; d divides it exactly when r "
        f"is 0, and then I note d, go on with q and try the same d again. I need not go up to {number}: if what is "
        "left were not prime, it would have a prime factor whose square is at most what is left. So when the square "
        "of the next prime is larger, what is left is prime itself."
    )
    left, factors = number, list[int]()
    for prime in primes():
        while prime * prime <= left:
            quotient, rest = divmod(left, prime)
            if rest:
                argument.step(f"{prime} × {quotient} + {rest}")
                break
            argument.step(f"{prime} × {quotient} + 0: {prime} is a factor and {quotient} is left.")
            left = quotient
            factors.append(prime)
        if prime * prime > left:
            argument.say(f"{prime} × {prime} = {prime * prime} is above {left}, so {left} is prime: the last factor.")
            break
    factors.append(left)
    _check(number, factors, argument)
    return factors


def _check(number: int, factors: list[int], argument: Argument) -> None:
    if len(factors) == 1:
        argument.say(
            f"Check: no prime up to the root of {number} divides it, so {number} is prime and its only factor."
        )
        return
    argument.say(
        f"Check by multiplying {listed(factors)} one after the other: {', '.join(map(str, accumulate(factors, mul)))}. "
        f"That ends at {number}, as it should, and each factor is prime because it was the smallest divisor of what "
        "was left at that point."
    )


def _use_rules(number: int, argument: Argument) -> list[int]:
    argument.say(
        "There are simple signs for the small primes: the last digit for 2 and 5, the sum of the digits for 3, and "
        f"for 7 I just divide. I take each of {listed(_KNOWN_PRIMES)} out of the number as often as it goes. Numbers "
        "that none of these four divides are prime as far as I have seen, like 11, 13, 17, 19, 23, 29, 31, 37, 41, 43 "
        "and 47, so whatever is left at the end is the last factor."
    )
    left, factors = number, list[int]()
    for prime in _KNOWN_PRIMES:
        while left % prime == 0:
            argument.step(f"{prime} divides {left}: {left} ÷ {prime} = {left // prime}")
            left //= prime
            factors.append(prime)
        argument.step(f"{prime} does not divide {left}.")
    if left > 1:
        argument.say(f"{left} is left. 2, 3, 5 and 7 do not divide it, so I take it for a prime.")
        factors.append(left)
    argument.say(f"So {number} is made of {listed(factors)}. I have tried nothing above 7.")
    return factors
