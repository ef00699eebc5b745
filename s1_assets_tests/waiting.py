"""Waiting for something that another process does."""

import time
from collections.abc import Callable


def wait_until(happens: Callable[[], bool], limit_s: float = 60, what: str = "it") -> None:
    """Return when `happens()` is true; fail the test if that takes longer than `limit_s`."""
    end = time.monotonic() + limit_s
    while not happens():
        assert time.monotonic() < end, f"{what} did not happen within {limit_s} s"
        time.sleep(0.05)
