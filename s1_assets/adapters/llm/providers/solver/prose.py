"""Turns of phrase that several families need when they write an argument."""

from collections.abc import Iterable


def listed(parts: Iterable[object]) -> str:
    """`12, 18 and 24`.

    >>> listed([12, 18, 24])
    '12, 18 and 24'
    """
    words = [str(part) for part in parts]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def counted(number: int, noun: str) -> str:
    """`1 number`, `3 numbers`: for nouns that take an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
