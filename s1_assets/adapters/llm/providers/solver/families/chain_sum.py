"""Long sums and differences of whole numbers, without brackets.

Careful: a running total from left to right, checked by adding up separately what is added and what is taken away.
Hasty: adds in columns, but forgets that a carry can fill the next column and so cause another carry.
Not covered: other operators, decimals, more than a hundred numbers, numbers of more than twelve digits.
"""

import re
from dataclasses import dataclass

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.prose import counted
from s1_assets.adapters.llm.providers.solver.surroundings import sole_question

_QUESTION = re.compile(
    r"State the final answer to the following arithmetic problem: (-?\d{1,15}(?: [+-] -?\d{1,15})+) =(?: ?\?)?",
    re.IGNORECASE | re.ASCII,
)
_TERM = re.compile(r"(?:(?<= )([+-]) )?(-?\d+)", re.ASCII)
_MOST_TERMS, _MOST_DIGITS = 100, 12


@dataclass(frozen=True, slots=True)
class Chain:
    """A first number, then what is done with each further one."""

    first: int
    rest: tuple[tuple[str, int], ...]
    """(`+` or `-`, number), where the number may be negative itself."""


class ChainSum:
    """Family `chain_sum`."""

    name = "chain_sum"

    def read(self, text: str) -> Chain | None:
        match = sole_question(_QUESTION, text)
        if match is None:
            return None
        terms = [(operator, int(number)) for operator, number in _TERM.findall(match[1])]
        fits = len(terms) <= _MOST_TERMS and all(abs(number) < 10**_MOST_DIGITS for _, number in terms)
        return Chain(terms[0][1], tuple(terms[1:])) if fits else None

    def reason(self, problem: Chain, argument: Argument, care: Care) -> str:
        return str(_add_up(problem, argument) if care == "careful" else _add_up_hastily(problem, argument))


def _add_up(chain: Chain, argument: Argument) -> int:
    argument.say(
        f"I have to work out a chain of {counted(len(chain.rest) + 1, 'number')} that begins with {chain.first} and "
        f"ends with {chain.rest[-1][1]}."
    )
    argument.say(
        "There are only plus and minus signs and no brackets, so no part has to be done before another: I go from "
        f"left to right with one running total, starting at {chain.first}. Each line takes in exactly one number with "
        "the sign before it, so nothing is left out as long as there are as many lines as signs, and here there are "
        f"{len(chain.rest)}."
    )
    if any(number < 0 for _, number in chain.rest):
        argument.say(
            "Adding a negative number means taking it away, and taking a negative number away means adding it."
        )
    total = chain.first
    for operator, number in chain.rest:
        change = number if operator == "+" else -number
        argument.step(f"{total} {operator} {_bracketed(number)} = {total + change}")
        total += change
    _check(chain, total, argument)
    return total


def _bracketed(number: int) -> str:
    return f"({number})" if number < 0 else str(number)


def _check(chain: Chain, total: int, argument: Argument) -> None:
    changes = [chain.first] + [number if operator == "+" else -number for operator, number in chain.rest]
    gains = [change for change in changes if change > 0]
    losses = [-change for change in changes if change < 0]
    argument.say("Check in another order, first all that is added and then all that is taken away.")
    argument.say(f"Added: {' + '.join(map(str, gains)) or 'nothing'}, together {sum(gains)}.")
    argument.say(f"Taken away: {' + '.join(map(str, losses)) or 'nothing'}, together {sum(losses)}.")
    argument.say(f"{sum(gains)} - {sum(losses)} = {sum(gains) - sum(losses)}, and the running total ended at {total}.")


def _add_up_hastily(chain: Chain, argument: Argument) -> int:
    argument.say(
        f"This is a chain of {counted(len(chain.rest) + 1, 'number')}, beginning with {chain.first}; I keep a running "
        "total. When I add, I write one number under the other and add column by column from the right. Where the two "
        "digits of a column make ten or more, I write down the last figure and remember a one for the column to the "
        "left. That one is simply put on top of the figure there: what I remember depends only on the two digits that "
        "stand in a column. When I take away, I count back from the larger number."
    )
    total = chain.first
    for operator, number in chain.rest:
        change = number if operator == "+" else -number
        result = _add_signed(total, change)
        argument.step(f"{total} {operator} {_bracketed(number)} = {result}")
        total = result
    argument.say(
        f"All {counted(len(chain.rest) + 1, 'number')} are used up and the last total is {total}. I have not added "
        "them a second time in another order, nor looked back at the figures that I had to remember on the way."
    )
    return total


def _add_signed(total: int, change: int) -> int:
    if total >= 0 and change >= 0:
        return _add_columns(total, change)
    if total < 0 and change < 0:
        return -_add_columns(-total, -change)
    return total + change


def _add_columns(first: int, second: int) -> int:
    """Column addition in which a carry never causes another one: 199 + 1 becomes 100."""
    width = max(len(str(first)), len(str(second))) + 1
    figures, carry = "", 0
    for a, b in zip(reversed(str(first).zfill(width)), reversed(str(second).zfill(width)), strict=True):
        figures = str((int(a) + int(b) + carry) % 10) + figures
        carry = int(int(a) + int(b) >= 10)
    return int(figures)
