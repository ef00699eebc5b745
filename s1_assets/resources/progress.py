"""Telling how far a step is: to Dagster's event log every ten seconds, and to whoever listens in this process."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")
Listener = Callable[[str, str | None, int, int | None, str], None]
"""Called with asset, partition, items done, their total where it is known, and a word on how it goes."""

EVENT_EVERY_S = 10.0
"""Between two events of one step: SQLite storage does not like many."""
LISTENER_EVERY_S = 0.2

_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Report the progress of every step of this process to `listener` from now on."""
    _listeners.append(listener)


class Progress:
    """How far one step is."""

    def __init__(self, context: Any, asset: str, partition: str | None, total: int | None = None) -> None:
        self._context, self._asset, self._partition = context, asset, partition
        self.total = total
        self._told = 0.0

    def at(self, done: int, note: str = "") -> None:
        """Tell listeners, but not too often."""
        now = time.monotonic()
        if now - self._told >= LISTENER_EVERY_S:
            self._told = now
            self._tell(done, self.total, note)

    def counted(self, items: Iterable[Item]) -> Iterator[Item]:
        """`items`, reported as they pass."""
        done, logged = 0, time.monotonic()
        for done, item in enumerate(items, start=1):
            yield item
            if time.monotonic() - logged >= EVENT_EVERY_S:
                logged = time.monotonic()
                self._context.log.info(
                    f"{self._asset}: {done:,} of {self.total:,}" if self.total else f"{self._asset}: {done:,}"
                )
            self.at(done)
        self._tell(done, done)

    def _tell(self, done: int, total: int | None, note: str = "") -> None:
        for listener in _listeners:
            listener(self._asset, self._partition, done, total, note)


def counted(
    items: Iterable[Item], context: Any, asset: str, partition: str | None, total: int | None = None
) -> Iterator[Item]:
    """`items`, reported as they pass."""
    return Progress(context, asset, partition, total).counted(items)
