"""The event loop of a process's engines: one thread, kept, since a model in memory belongs to its loop."""

import asyncio
import os
from functools import cache
from threading import Thread
from typing import Any


def engine_loop() -> asyncio.AbstractEventLoop:
    """The loop of this process, started when first asked for; it ends with the process."""
    return _loop_of(os.getpid())


@cache
def _loop_of(pid: int) -> asyncio.AbstractEventLoop:
    """A forked process has its parent's memory and none of its threads: it needs a loop of its own."""
    loop: asyncio.AbstractEventLoop = _new_loop()
    Thread(target=loop.run_forever, name="s1-engine", daemon=True).start()
    return loop


def _new_loop() -> Any:
    try:
        import uvloop
    except ImportError:  # Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
