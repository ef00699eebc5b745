"""One expression of whole numbers with plus, minus, times and brackets.

Careful: brackets from the inside out, products before sums; checked by the same expression in remainders by 9 and 11
(casting out nines).
Hasty: leaves away the brackets that do not stand beside a times sign, so that a minus sign before a bracket reaches
only the first number in it.
Not covered: division (the known source of these questions has wrong keys for it), powers, decimals, and expressions
whose results could exceed 30 digits.
"""

import re
from functools import partial
from operator import add, mul, sub

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.expressions import Bracket, joined, parse
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.prose import counted
from s1_assets.adapters.llm.providers.solver.surroundings import sole_question

_QUESTION = re.compile(r"(?:Calculate|What is|Solve|Compute|Evaluate:?) ([-+*() \d]+)[.?]", re.IGNORECASE | re.ASCII)
_OPERATIONS = {"+": add, "-": sub, "*": mul}
_MOST_NUMBERS, _LARGEST_NUMBER, _LARGEST_RESULT = 64, 10**6, 10**30
_LONGEST = 1000
"""Characters of an expression; bounds the digits of a number before it is read."""


class BasicArithmetic:
    """Family `basic_arithmetic`."""

    name = "basic_arithmetic"

    def read(self, text: str) -> Bracket | None:
        match = sole_question(_QUESTION, text)
        if match is None or len(match[1]) > _LONGEST:
            return None
        expression = parse(match[1])
        if expression is None or expression.bound() >= _LARGEST_RESULT:
            return None
        numbers = expression.numbers()
        fits = 2 <= len(numbers) <= _MOST_NUMBERS and all(abs(number) < _LARGEST_NUMBER for number in numbers)
        return expression if fits else None

    def reason(self, problem: Bracket, argument: Argument, care: Care) -> str:
        argument.say(f"I work out {problem.written()}, which has {counted(len(problem.numbers()), 'number')}.")
        if care == "hasty":
            return str(_reason_hastily(problem, argument))
        _explain(problem, argument)
        value = _work_out(problem, argument)
        _check(problem, value, argument)
        return str(value)


def _explain(problem: Bracket, argument: Argument) -> None:
    written, numbers = problem.written(), problem.numbers()
    if brackets := written.count("("):
        argument.say(
            f"There are {counted(brackets, 'pair')} of brackets. A bracket stands for one number, so it comes before "
            "whatever is around it, the innermost first."
        )
    else:
        argument.say("There are no brackets, so only the kinds of the signs decide what comes before what.")
    if "-(" in written:
        argument.say("A minus sign directly before a bracket changes the sign of the bracket's value as a whole.")
    if "*" in written:
        argument.say(
            "Beside each other, a product comes before a sum or difference, because a + b * c means that b is taken c "
            "times and then joined with a."
        )
    argument.say("Sums and differences go from left to right, as in a - b + c only b is taken away and not b + c.")
    if any(number < 0 for number in numbers):
        argument.say(
            "Some numbers are negative: taking one away is adding, and a product is negative when exactly one of its "
            "two factors is."
        )
    lines = counted(len(numbers) - 1, "line")
    argument.say(f"With one operation in each line, {len(numbers)} numbers have become one number after {lines}.")


def _work_out(bracket: Bracket, argument: Argument) -> int:
    values = [operand if isinstance(operand, int) else _work_out(operand, argument) for operand in bracket.operands]
    if len(bracket.operators) > 1:
        argument.say(f"Now {joined(list(map(str, values)), bracket.operators)}:")
    value = _combine(values, bracket.operators, argument)
    if bracket.negated:
        argument.say(f"The minus sign before this bracket makes {value} into {-value}.")
        return -value
    return value


def _combine(values: list[int], operators: tuple[str, ...], argument: Argument) -> int:
    """Without brackets: all products, then from left to right."""
    terms, signs = values[:1], list[str]()
    for operator, value in zip(operators, values[1:], strict=True):
        if operator == "*":
            terms[-1] = _operate(terms[-1], operator, value, argument)
        else:
            terms.append(value)
            signs.append(operator)
    total = terms[0]
    for operator, value in zip(signs, terms[1:], strict=True):
        total = _operate(total, operator, value, argument)
    return total


def _operate(first: int, operator: str, second: int, argument: Argument) -> int:
    value = int(_OPERATIONS[operator](first, second))
    argument.step(f"{first} {operator} {f'({second})' if second < 0 else second} = {value}")
    return value


def _check(problem: Bracket, value: int, argument: Argument) -> None:
    argument.say(
        "Check with remainders: sums, differences and products keep their remainder when each number in them is "
        "replaced by its own remainder."
    )
    for modulus in (9, 11):
        shown = problem.written(partial(_remainder_written, modulus))
        argument.say(
            f"By {modulus} the numbers leave {shown}, which comes to {problem.remainder(modulus)}; and {value} leaves "
            f"{value % modulus}."
        )


def _remainder_written(modulus: int, number: int) -> str:
    return str(number % modulus)


def _reason_hastily(problem: Bracket, argument: Argument) -> int:
    argument.say(
        "Brackets only matter beside a times sign, since there they say what is multiplied; such a bracket I work out "
        "first and put in its value. All other brackets stand among plus and minus, where the order of work makes no "
        "difference, so I leave them away and keep the signs as they stand: a minus before a bracket then simply "
        "stands before the first number that was in it. What is left is one line, in which I do the products first "
        "and then go from left to right."
    )
    value = _flatten_and_work_out(problem, argument)
    argument.say(f"The line is used up, and {value} is left. I have not put it back into the brackets to compare.")
    return value


def _flatten_and_work_out(bracket: Bracket, argument: Argument) -> int:
    values, operators = _flatten(bracket, argument)
    if operators:
        argument.say(f"Without brackets this is {joined(list(map(str, values)), operators)}:")
    return _combine(values, tuple(operators), argument)


def _flatten(bracket: Bracket, argument: Argument) -> tuple[list[int], list[str]]:
    """Numbers and operators in one line, where each minus sign before a bracket went to the first number in it."""
    values, operators = list[int](), list[str]()
    around = ("", *bracket.operators, "")
    for place, operand in enumerate(bracket.operands):
        operators += [around[place]] if place else []
        if isinstance(operand, int):
            values.append(operand)
        elif "*" in around[place : place + 2]:
            argument.say(f"( {operand.written()} ) stands beside a times sign, so it comes first.")
            inside = _flatten_and_work_out(operand, argument)
            values.append(-inside if operand.negated else inside)
        else:
            inner_values, inner_operators = _flatten(operand, argument)
            inner_values[0] *= -1 if operand.negated else 1
            values += inner_values
            operators += inner_operators
    return values, operators
