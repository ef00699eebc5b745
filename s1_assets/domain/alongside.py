"""Joining tables that are stored in the same order, without holding them in memory."""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

Row = TypeVar("Row")


class Alongside(Generic[Row]):
    """A sorted stream read beside another one that is sorted by the same key.

    >>> lengths = Alongside(["a1", "a2", "c1"], key=lambda row: row[0])
    >>> [lengths.at(letter) for letter in "abc"]
    [['a1', 'a2'], [], ['c1']]
    """

    def __init__(self, rows: Iterable[Row], key: Callable[[Row], str]) -> None:
        self._rows: Iterator[Row] = iter(rows)
        self._key = key
        self._next: Row | None = next(self._rows, None)

    def at(self, key: str) -> list[Row]:
        """All rows of `key`. Keys must be asked for in ascending order; rows of keys passed over are skipped."""
        found: list[Row] = []
        while self._next is not None and (current := self._key(self._next)) <= key:
            if current == key:
                found.append(self._next)
            self._next = next(self._rows, None)
        return found

    def first_at(self, key: str) -> Row | None:
        """The first row of `key`, or None."""
        return next(iter(self.at(key)), None)
