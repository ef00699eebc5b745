"""A whole number rewritten from one base of 2 to 36 in another.

Careful: the value by Horner's scheme, then repeated division with the remainders read from the last to the first;
checked by adding up the places of the answer.
Hasty: the same, but believes that ten is still written 10 in every base above ten, so that a stands for eleven.
Not covered: fractions, negative numbers, digits in capitals on demand, numbers of 2**64 or more.
"""

import re
from dataclasses import dataclass
from string import ascii_lowercase, digits

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.prose import listed
from s1_assets.adapters.llm.providers.solver.surroundings import sole_question

_BASE = r"(binary|octal|decimal|hexadecimal|base-\d{1,2})"
_QUESTION = re.compile(
    r"(?:Your task is to convert a number between two different bases\. )?"
    r"(?:If the target base is > 10, use lowercase letters a-z for digits above 9\. )?"
    rf"(?:Now, )?Convert the {_BASE} number ([0-9a-z]{{1,64}}) to {_BASE}(?![-\w])",
    re.IGNORECASE | re.ASCII,
)
_NAMED_BASES = {"binary": 2, "octal": 8, "decimal": 10, "hexadecimal": 16}
_FIGURES = digits + ascii_lowercase
_HASTY_FIGURES = (*digits, "10", *ascii_lowercase)
_LARGEST = 2**64


@dataclass(frozen=True, slots=True)
class Conversion:
    """A number in lower-case figures, each below `source`, and the bases it goes from and to."""

    figures: str
    source: int
    target: int


class BaseConversion:
    """Family `base_conversion`."""

    name = "base_conversion"

    def read(self, text: str) -> Conversion | None:
        match = sole_question(_QUESTION, text)
        if match is None:
            return None
        source, target, figures = _base(match[1]), _base(match[3]), match[2].lower()
        if not (2 <= source <= 36 and 2 <= target <= 36 and source != target):
            return None
        fits = all(_FIGURES.index(figure) < source for figure in figures) and int(figures, source) < _LARGEST
        return Conversion(figures, source, target) if fits else None

    def reason(self, problem: Conversion, argument: Argument, care: Care) -> str:
        argument.say(
            f"{problem.figures} is written in base {problem.source}; I need the same number in base {problem.target}."
        )
        symbols = tuple(_FIGURES) if care == "careful" else _HASTY_FIGURES
        _explain(problem, care, argument)
        value = _read_value(problem, symbols, argument)
        answer = _write_value(value, problem.target, symbols, argument)
        if care == "careful":
            _check(problem, value, answer, argument)
        else:
            argument.say(f"Put together that is {answer} in base {problem.target}. I do not convert it back.")
        return answer


def _base(name: str) -> int:
    return _NAMED_BASES.get(name.lower()) or int(name.split("-")[1])


def _explain(problem: Conversion, care: Care, argument: Argument) -> None:
    argument.say(
        f"I go through ordinary decimal numbers. In base {problem.source} every place is worth {problem.source} times "
        f"the place to its right. So I read {problem.figures} from the left: multiply what I have by {problem.source}, "
        f"add the next digit. To write a number in base {problem.target} I divide by {problem.target} again and again: "
        "a remainder is the number of units that do not make up a full group, so the first remainder is the last "
        "digit, and the quotient still has to be written in the places before it. I read the remainders from the last "
        "to the first."
    )
    largest = max(problem.source, problem.target)
    if largest <= 10:
        return
    if care == "careful":
        argument.say(
            f"Digits above nine are letters: a = 10, b = 11, and so on up to {_FIGURES[largest - 1]} = {largest - 1}."
        )
    else:
        argument.say(
            "Digits go as usual up to 10; the letters come in after that, so a = 11, b = 12, c = 13 and so on."
        )


def _read_value(problem: Conversion, symbols: tuple[str, ...], argument: Argument) -> int:
    if problem.source == 10:
        argument.say(f"{problem.figures} is decimal already, so its value needs no work.")
        return int(problem.figures)
    value = 0
    for figure in problem.figures:
        digit = symbols.index(figure)
        meaning = f" ({figure} = {digit})" if figure.isalpha() else ""
        argument.step(f"{value} × {problem.source} + {digit} = {value * problem.source + digit}{meaning}")
        value = value * problem.source + digit
    argument.say(f"So the value is {value}.")
    return value


def _write_value(value: int, base: int, symbols: tuple[str, ...], argument: Argument) -> str:
    if base == 10:
        argument.say(f"Base 10 is decimal, so {value} stands as it is.")
        return str(value)
    left, written = value, ""
    while left or not written:
        quotient, rest = divmod(left, base)
        meaning = f", which is written {symbols[rest]}" if rest > 9 else ""
        argument.step(f"{left} = {base} × {quotient} + {rest}{meaning}")
        left, written = quotient, symbols[rest] + written
    argument.say(f"The remainders from the last to the first give {written}.")
    return written


def _check(problem: Conversion, value: int, answer: str, argument: Argument) -> None:
    places = [
        (_FIGURES.index(figure), problem.target**power)
        for power, figure in enumerate(reversed(answer))
        if figure != "0"
    ]
    parts = " + ".join(f"{digit} × {worth}" for digit, worth in reversed(places)) or "0"
    total = sum(digit * worth for digit, worth in places)
    source_parts = [_FIGURES.index(figure) * problem.source**i for i, figure in enumerate(reversed(problem.figures))]
    argument.say(f"Check by the worth of the places of {answer} in base {problem.target}: {parts} = {total}.")
    argument.say(
        f"And by the places of {problem.figures} in base {problem.source}: "
        f"{listed(part for part in reversed(source_parts) if part) or 0} add up to {sum(source_parts)}. "
        f"The value that I worked with was {value}."
    )
