"""With what probability does the total of several different dice reach a bound?

Careful: the small dice are added up one by one, the two largest are counted in closed form with triangular numbers, and
the fraction is reduced with Euclid's algorithm (A. de Moivre, De mensura sortis, 1711, for counting points on dice).
Hasty: loses patience with the cases and supposes that the rest goes on as the last one, and reduces by 2, 3 and 5 only.
Not covered: totals that must be hit exactly, highest or lowest dice, rerolls, and a single die.
"""

import math
import re
from dataclasses import dataclass

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.reading import cue, understand

_MOST_DICE = 6
_MOST_SIDES = 40
_MOST_CASES = 60
_PATIENCE = 12
"""Cases that the hasty mind works out before it supposes the rest."""

_CUES = {
    "example": cue(
        r"assume (?:that )?all dice are rolled at once,? and that '1d6' represents one roll of a 6-sided dic?e"
    ),
    "dice": cue(r"\bI have these dice: (\d{1,2}d\d{1,3}(?:, \d{1,2}d\d{1,3})*)(?=\.)"),
    "asked": cue(
        r"what (?:are the odds|is the (?:probability|chance)) of rolling (?:a total of )?"
        r"(?P<before>at least |at most |more than |higher than |less than |lower than )?(?P<bound>\d{1,4})"
        r"(?P<after> or (?:higher|more|lower|less))?(?=\?)"
    ),
    "form": cue(
        r"respond with a reduced fraction(?: representing the probability)?"
        r"(?: \[(?:ex\.|e\.g\.),? \d+/\d+\])?(?=\.|\s|$)"
    ),
}
_AT_LEAST = {"at least", "or higher", "or more"}
_ABOVE = {"more than", "higher than"}
_AT_MOST = {"at most", "or lower", "or less"}
_BELOW = {"less than", "lower than"}


@dataclass(frozen=True, slots=True)
class Roll:
    sides: tuple[int, ...]
    """Of each die, ascending; two or more."""
    bound: int
    """Totals from here upwards are counted."""
    complement: bool
    """Whether the question asks for the totals below the bound instead."""


class Dice:
    """Family `dice`."""

    name = "dice"

    def read(self, text: str) -> Roll | None:
        found = understand(text, _CUES)
        if found is None:
            return None
        dice = re.findall(r"(\d+)d(\d+)", found["dice"][1], re.IGNORECASE)
        if sum(int(number) for number, _ in dice) > _MOST_DICE:
            return None
        sides = tuple(sorted(int(size) for number, size in dice for _ in range(int(number))))
        if len(sides) < 2 or sides[0] < 1 or sides[-1] > _MOST_SIDES or sum(sides[:-2]) > _MOST_CASES:
            return None
        asked = found["asked"]
        relation = _relation(asked["before"], asked["after"])
        if relation is None:
            return None
        above, complement = relation
        return Roll(sides, int(asked["bound"]) + above, complement)

    def reason(self, problem: Roll, argument: Argument, care: Care) -> str:
        wanted = "below" if problem.complement else "of at least"
        total = math.prod(problem.sides)
        argument.say(
            f"I roll dice with {', '.join(map(str, problem.sides))} sides and want the probability of a total "
            f"{wanted} {problem.bound}. All {' × '.join(map(str, problem.sides))} = {total} outcomes are equally "
            f"likely, so I count the outcomes that reach {problem.bound} or more."
        )
        ways = _count(problem, argument, care)
        if care == "careful":
            _recount(problem, ways, argument)
        if problem.complement:
            argument.say(f"Asked for is the rest: {total} − {ways} = {total - ways} outcomes.")
            ways = total - ways
        return _reduce_by_small(ways, total, argument) if care == "hasty" else _reduce(ways, total, argument)


def _relation(before: str | None, after: str | None) -> tuple[int, bool] | None:
    """(what to add to the bound, whether the totals below it are asked for), or None if the words do not tell."""
    words = {" ".join(part.lower().split()) for part in (before, after) if part}
    if len(words) != 1:
        return None
    above = int(bool(words & (_ABOVE | _AT_MOST)))
    return above, bool(words & (_AT_MOST | _BELOW))


def _count(problem: Roll, argument: Argument, care: Care) -> int:
    *small, second, first = problem.sides
    argument.say(
        f"I split the dice. The two largest, with {second} and {first} sides, can be counted at a stroke: if they "
        f"must bring u or more, I take from the {second * first} pairs those with a smaller sum. Without limits on "
        "the faces there would be T(u−2) of them, where T(k) = 1 + 2 + … + k and T is 0 below 1; those in which a "
        f"face beyond {second} or beyond {first} was used are T(u−2−{second}) and T(u−2−{first}), and those with "
        f"both, taken away twice, are T(u−2−{second + first})."
    )
    table = _add_up(small, argument)
    ways, pairs, cases = 0, 0, sorted(table.items())
    for number, (points, times) in enumerate(cases):
        if care == "hasty" and number == _PATIENCE:
            return _suppose(ways, pairs, cases[number:], argument)
        u = problem.bound - points
        pairs, how = _pairs_reaching(u, second, first)
        ways += times * pairs
        argument.step(
            f"Small dice {points}, ways {times}, u = {u}: {how}. {times} × {pairs} = {times * pairs}, sum {ways}."
        )
    argument.say(f"Together {ways} outcomes reach {problem.bound} or more.")
    return ways


def _add_up(small: list[int], argument: Argument) -> dict[int, int]:
    """In how many ways the small dice reach each of their totals."""
    table = {0: 1}
    if not small:
        argument.say("There are no other dice, so they always bring 0, in one way.")
    for sides in small:
        table = _convolve(table, sides)
        argument.step(
            f"With the die of {sides} sides added, the small dice reach the totals {min(table)} to {max(table)} in "
            f"{', '.join(str(table[points]) for points in sorted(table))} ways."
        )
    return table


def _convolve(table: dict[int, int], sides: int) -> dict[int, int]:
    longer: dict[int, int] = {}
    for points, times in table.items():
        for face in range(1, sides + 1):
            longer[points + face] = longer.get(points + face, 0) + times
    return longer


def _pairs_reaching(u: int, second: int, first: int) -> tuple[int, str]:
    if u <= 2:
        return second * first, f"every pair will do, {second * first}"
    if u > second + first:
        return 0, "no pair will do, 0"
    terms = [_triangle(u - 2), _triangle(u - 2 - second), _triangle(u - 2 - first)]
    below = terms[0] - terms[1] - terms[2]
    shown = " − ".join(str(term) for term in terms if term)
    return second * first - below, f"{second * first} − ({shown}) = {second * first - below} pairs"


def _triangle(k: int) -> int:
    return k * (k + 1) // 2 if k > 0 else 0


def _suppose(ways: int, pairs: int, rest: list[tuple[int, int]], argument: Argument) -> int:
    times = sum(number for _, number in rest)
    argument.guess(
        f"There are {len(rest)} more cases with {times} ways of the small dice. I do not work them out; I suppose "
        f"that each goes with about as many pairs as the last, {pairs}, and take {ways} + {times} × {pairs} = "
        f"{ways + times * pairs}."
    )
    return ways + times * pairs


def _recount(problem: Roll, ways: int, argument: Argument) -> None:
    table = {0: 1}
    for sides in problem.sides:
        table = _convolve(table, sides)
    below = [table[points] for points in sorted(table) if points < problem.bound]
    total = math.prod(problem.sides)
    argument.say(
        f"Check from the other side, adding up all dice one by one: the totals from {len(problem.sides)} to "
        f"{problem.bound - 1} come in {' + '.join(map(str, below)) or 'no'} = {sum(below)} ways, and {sum(below)} + "
        f"{ways} = {sum(below) + ways}, {'as it must be' if sum(below) + ways == total else 'which does not fit'} out "
        f"of {total}."
    )


def _reduce(ways: int, total: int, argument: Argument) -> str:
    argument.say(
        f"To reduce {ways}/{total} I look for the greatest common divisor, dividing by the remainder each time."
    )
    larger, smaller = total, ways
    while smaller:
        quotient, remainder = divmod(larger, smaller)
        argument.step(f"{larger} = {quotient} × {smaller} + {remainder}.")
        larger, smaller = smaller, remainder
    answer = f"{ways // larger}/{total // larger}"
    argument.say(f"The last divisor is {larger}, so the reduced fraction is {answer}.")
    return answer


def _reduce_by_small(ways: int, total: int, argument: Argument) -> str:
    for divisor in (2, 3, 5):
        while ways % divisor == 0 and total % divisor == 0:
            argument.step(f"Both {ways} and {total} can be divided by {divisor}.")
            ways, total = ways // divisor, total // divisor
    argument.say(f"2, 3 and 5 divide no further. Check: {ways} is not above {total}, as a probability must not be.")
    return f"{ways}/{total}"
