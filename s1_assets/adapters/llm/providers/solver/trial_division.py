"""Small primes, for families that test divisors one by one."""

from collections.abc import Iterator
from itertools import count


def primes() -> Iterator[int]:
    """2, 3, 5, 7, 11, ... without end."""
    found: list[int] = []
    for number in count(2):
        if all(number % prime for prime in found if prime * prime <= number):
            found.append(number)
            yield number


def primes_up_to_root(number: int) -> list[int]:
    """The primes whose square is at most `number`: enough to decide whether it is prime.

    >>> primes_up_to_root(48), primes_up_to_root(49)
    ([2, 3, 5], [2, 3, 5, 7])
    """
    fitting = []
    for prime in primes():
        if prime * prime > number:
            break
        fitting.append(prime)
    return fitting
