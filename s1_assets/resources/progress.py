"""Telling how far a step is: to Dagster's event log every ten seconds, and to whoever listens in this process."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")
Listener = Callable[[str, str | None, int, int | None], None]
"""Called with asset, partition, items done and their total where it is known."""

EVENT_EVERY_S = 10.0
"""Between two events of one step: SQLite storage does not like many."""
LISTENER_EVERY_S = 0.2

_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Report the progress of every step of this process to `listener` from now on."""
    _listeners.append(listener)


def counted(
    items: Iterable[Item], context: Any, asset: str, partition: str | None, total: int | None = None
) -> Iterator[Item]:
    """`items`, reported as they pass."""
    done, told, logged = 0, 0.0, time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - logged >= EVENT_EVERY_S:
            logged = now
            context.log.info(f"{asset}: {done:,} of {total:,}" if total else f"{asset}: {done:,}")
        if now - told >= LISTENER_EVERY_S:
            told = now
            _tell(asset, partition, done, total)
    _tell(asset, partition, done, done)


def _tell(asset: str, partition: str | None, done: int, total: int | None) -> None:
    for listener in _listeners:
        listener(asset, partition, done, total)
