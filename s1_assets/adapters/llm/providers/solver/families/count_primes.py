"""How many primes lie in an interval, both ends included.

Careful: the smallest divisor of each odd number, or its remainders by all primes up to its root; checked by striking
out multiples (the sieve of Eratosthenes).
Hasty: counts what 2, 3, 5 and 7 do not divide, and when the numbers get too many, estimates from those looked at.
Not covered: open intervals, ends above a thousand (the remainders would fill pages).
"""

import re
from dataclasses import dataclass

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.prose import counted, listed
from s1_assets.adapters.llm.providers.solver.surroundings import sole_question
from s1_assets.adapters.llm.providers.solver.trial_division import primes_up_to_root

_QUESTION = re.compile(
    r"(?:Count how many|How many) (?:prime numbers|primes) (?:there are|are there) between (\d{1,9}) and (\d{1,9})"
    r"(?: \(inclusive\)|, inclusive|, both included) ?[.?]?",
    re.IGNORECASE | re.ASCII,
)
_LARGEST = 1000
_KNOWN_PRIMES = (3, 5, 7)


@dataclass(frozen=True, slots=True)
class Interval:
    """Both ends belong to it."""

    start: int
    end: int

    @property
    def odd_candidates(self) -> range:
        """Odd numbers from 3 on."""
        return range(max(3, self.start | 1), self.end + 1, 2)

    @property
    def has_two(self) -> bool:
        return self.start <= 2 <= self.end


class CountPrimes:
    """Family `count_primes`."""

    name = "count_primes"

    def read(self, text: str) -> Interval | None:
        match = sole_question(_QUESTION, text)
        if match is None or not 1 <= int(match[1]) <= int(match[2]) <= _LARGEST:
            return None
        return Interval(int(match[1]), int(match[2]))

    def reason(self, problem: Interval, argument: Argument, care: Care) -> str:
        argument.say(f"I count the primes from {problem.start} to {problem.end}, both ends included.")
        return str(_count(problem, argument) if care == "careful" else _count_hastily(problem, argument))


def _count(interval: Interval, argument: Argument) -> int:
    trial = primes_up_to_root(interval.end)[1:]
    _explain(interval, trial, argument)
    found = _count_two(interval, argument)
    composite = 0
    for number in interval.odd_candidates:
        needed = [prime for prime in trial if prime * prime <= number]
        divisor = next((prime for prime in needed if number % prime == 0), None)
        if divisor:
            composite += 1
            argument.step(f"{number} = {divisor} × {number // divisor}")
            continue
        found += 1
        rests = f" leaves {', '.join(str(number % prime) for prime in needed)}" if needed else " is below 9"
        argument.step(f"{number}{rests}: prime, number {found}")
    _check(interval, trial, found, composite, argument)
    return found


def _explain(interval: Interval, trial: list[int], argument: Argument) -> None:
    candidates = interval.odd_candidates
    argument.say(
        "1 is not a prime, and 2 is the only even one, so apart from 2 only the "
        f"{counted(len(candidates), 'odd number')} from 3 on in this stretch can be prime, and I look at each. A "
        "number that is not prime has a prime divisor whose square is at most that number, since of two factors one "
        "is not above the root."
    )
    if trial:
        argument.say(
            f"Up to {interval.end} the odd primes needed are {listed(trial)}, as the square of the next one is larger "
            f"than {interval.end}; a smaller number needs fewer of them. I write a number as a product when one of "
            "them divides it. Otherwise I write the remainders that they leave, in this order, and as none is 0 the "
            "number is prime."
        )
    else:
        argument.say(f"All of it is below 9 = 3 × 3, so here no odd number up to {interval.end} has such a divisor.")


def _count_two(interval: Interval, argument: Argument) -> int:
    if interval.has_two:
        argument.say("2 lies in the stretch: prime, number 1")
    return int(interval.has_two)


def _check(interval: Interval, trial: list[int], found: int, composite: int, argument: Argument) -> None:
    left = set(interval.odd_candidates)
    struck = []
    for prime in trial:
        multiples = left & set(range(prime * prime, interval.end + 1, prime))
        left -= multiples
        struck.append(len(multiples))
    each = ", ".join(f"{count} by {prime}" for prime, count in zip(trial, struck, strict=True)) or "none"
    total = len(left) + interval.has_two
    argument.say(
        "Check the other way round, by striking out multiples among the "
        f"{counted(len(interval.odd_candidates), 'odd number')}, each once: {each}. That strikes out {sum(struck)}, "
        f"and above I wrote {composite} as products. {len(left)} "
        f"stay{', and with 2 that makes' if interval.has_two else '; in all'} {total}, while I had counted {found}."
    )


def _count_hastily(interval: Interval, argument: Argument) -> int:
    argument.say(
        "A prime is a number that nothing divides, and in practice that means the small primes 2, 3, 5 and 7: even "
        "numbers go at once, then I see whether 3, 5 or 7 divides a number, and if not, I count it. Of course 2, 3, 5 "
        "and 7 themselves count too, and 1 does not. I see no need for divisors above 7, since those come up so "
        "seldom."
    )
    candidates = interval.odd_candidates
    argument.say(
        f"From {interval.start} to {interval.end} that means {counted(len(candidates), 'odd number')} from 3 on."
    )
    found = _count_two(interval, argument)
    for place, number in enumerate(candidates):
        if argument.left == 0:
            return _estimate(found, place, len(candidates), argument)
        divisor = next((prime for prime in _KNOWN_PRIMES if number % prime == 0 and number > prime), None)
        found += divisor is None
        argument.step(f"{number}: {divisor} divides it" if divisor else f"{number}: none divides it, number {found}")
    argument.say(
        f"That was the last one, so there are {found}. I have divided by 3, 5 and 7 only and have not gone over it "
        "again."
    )
    return found


def _estimate(found: int, seen: int, candidates: int, argument: Argument) -> int:
    estimate = round(found * candidates / seen)
    argument.guess(
        f"This gets too long. Of the first {seen} I counted {found}; at the same rate {candidates} would give about "
        f"{found} × {candidates} ÷ {seen}, so I guess {estimate}."
    )
    return estimate
