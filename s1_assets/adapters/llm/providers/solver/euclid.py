"""Euclid's chain of divisions, written out one division per step.

Source: Euclid, Elements VII.2; the coefficients of the check are Bezout's. Shared by the families of common
divisors and common multiples.
"""

from collections.abc import Sequence

from s1_assets.adapters.llm.providers.solver.argument import Argument


def divide_down(first: int, second: int, argument: Argument) -> int:
    """Greatest common divisor of two positive numbers, one step for each division."""
    larger, smaller = max(first, second), min(first, second)
    while smaller:
        quotient, rest = divmod(larger, smaller)
        argument.step(f"{larger} = {quotient} × {smaller} + {rest}")
        larger, smaller = smaller, rest
    return larger


def coefficients(numbers: Sequence[int]) -> list[int]:
    """Whole numbers c with c[0]*numbers[0] + c[1]*numbers[1] + ... equal to the greatest common divisor."""
    divisor, found = numbers[0], [1]
    for number in numbers[1:]:
        divisor, of_divisor, of_number = _extended(divisor, number)
        found = [coefficient * of_divisor for coefficient in found] + [of_number]
    return found


def _extended(a: int, b: int) -> tuple[int, int, int]:
    """The divisor g and x, y with g = x*a + y*b."""
    x, next_x, y, next_y = 1, 0, 0, 1
    while b:
        quotient, rest = divmod(a, b)
        a, b = b, rest
        x, next_x = next_x, x - quotient * next_x
        y, next_y = next_y, y - quotient * next_y
    return a, x, y
