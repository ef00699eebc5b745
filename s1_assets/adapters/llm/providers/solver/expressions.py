"""Expressions of whole numbers with plus, minus, times and brackets: read from text, and worked out in remainders.

A minus sign before a number or a bracket belongs to it and binds closest, which for these operators makes no difference
to the value. Not covered: division, powers, implied multiplication as in 2(3 + 4).
"""

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

OPERATORS = ("+", "-", "*")
_TOKEN = re.compile(r"\d+|[-+*()]", re.ASCII)
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Bracket:
    """What stands between two brackets, or the whole expression: operands with an operator between any two."""

    operands: tuple["int | Bracket", ...]
    operators: tuple[str, ...]
    negated: bool = False
    """Whether a minus sign stands before it that is no operator."""

    def numbers(self) -> list[int]:
        """All numbers in it, from left to right."""
        found = []
        for operand in self.operands:
            found += [operand] if isinstance(operand, int) else operand.numbers()
        return found

    def bound(self) -> int:
        """A number that no result on the way exceeds, whatever the signs and the order of work."""
        bounds = [abs(operand) if isinstance(operand, int) else operand.bound() for operand in self.operands]
        largest = bounds[0]
        for operator, bound in zip(self.operators, bounds[1:], strict=True):
            largest = max(largest, 1) * max(bound, 1) if operator == "*" else largest + bound
        return largest

    def written(self, show: Callable[[int], str] = str) -> str:
        """As an expression, each number by `show`."""
        return joined([_operand_written(operand, show) for operand in self.operands], self.operators)

    def remainder(self, modulus: int) -> int:
        """Of its value by `modulus`, worked out from the remainders of its numbers and never from the value."""
        rests = [
            operand % modulus if isinstance(operand, int) else operand.remainder(modulus) for operand in self.operands
        ]
        total, sign, product = 0, 1, rests[0]
        for operator, rest in zip(self.operators, rests[1:], strict=True):
            if operator == "*":
                product = product * rest % modulus
            else:
                total += sign * product
                sign, product = (1 if operator == "+" else -1), rest
        total += sign * product
        return (-total if self.negated else total) % modulus


def parse(text: str) -> Bracket | None:
    """The expression that `text` is, or None if it is not one from beginning to end."""
    if _depth(text) > _DEEPEST:
        return None
    tokens = deque(_TOKEN.findall(text))
    try:
        expression = _take_bracket(tokens)
    except _MalformedError:
        return None
    return None if tokens else expression


def joined(operands: Sequence[str], operators: Sequence[str]) -> str:
    """`3 + 4 * 5` from its parts."""
    pairs = zip(operators, operands[1:], strict=True)
    return " ".join([operands[0], *(f"{operator} {operand}" for operator, operand in pairs)])


def _depth(text: str) -> int:
    return max(accumulate((sign == "(") - (sign == ")") for sign in text), default=0)


class _MalformedError(Exception):
    pass


def _take_bracket(tokens: deque[str]) -> Bracket:
    operands, operators = [_take_operand(tokens)], list[str]()
    while tokens and tokens[0] in OPERATORS:
        operators.append(tokens.popleft())
        operands.append(_take_operand(tokens))
    return Bracket(tuple(operands), tuple(operators))


def _take_operand(tokens: deque[str]) -> int | Bracket:
    negated = bool(tokens) and tokens[0] == "-"
    if negated:
        tokens.popleft()
    token = tokens.popleft() if tokens else ""
    if token.isdigit():
        return -int(token) if negated else int(token)
    if token != "(":
        raise _MalformedError
    inside = _take_bracket(tokens)
    if not tokens or tokens.popleft() != ")":
        raise _MalformedError
    return replace(inside, negated=negated)


def _operand_written(operand: int | Bracket, show: Callable[[int], str]) -> str:
    if isinstance(operand, int):
        return show(operand)
    return f"{'-' if operand.negated else ''}( {operand.written(show)} )"
