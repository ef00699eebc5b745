"""What assets and commands ask: local models here, remote ones through the engine, all through the ledger."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import islice
from queue import Empty, Full, Queue
from threading import Event
from typing import TYPE_CHECKING

from s1_assets.adapters.llm.counts import Counts
from s1_assets.adapters.llm.directory import Directory
from s1_assets.adapters.llm.loop import engine_loop
from s1_assets.adapters.llm.terms import Terms
from s1_assets.domain.calls import call_key, canonical_request
from s1_assets.errors import SettingsError, StorageError
from s1_assets.records.models import Caller, ModelName, ModelRequest, Reply

if TYPE_CHECKING:
    from s1_assets.adapters.llm.engine import Engine, Sink
    from s1_assets.adapters.llm.ledger import Ledger, Receipt
    from s1_assets.adapters.llm.purse import Purse

LOOK_UP = 500
"""Requests looked up in the ledger together: bounds what is held in memory."""
GROUP_COMMIT = 50
"""Replies of a local model committed together."""
LOOK_S = 0.1
"""Between two looks of the waiting thread: how soon it hears Ctrl-C and tells progress."""
LAST_WORDS_S = 4.5
"""How long the engine may take to commit what came, once it was told to stop."""
STREAMED = 16
"""Groups of replies that wait to be taken, before the engine waits for the taker."""

Requests = Callable[[], Iterable[ModelRequest]]


class LedgeredModel:
    """`LanguageModel` over the ledger."""

    def __init__(
        self,
        directory: Directory,
        ledger: "Ledger",
        caller: Caller,
        terms: Terms,
        purse: "Purse | None" = None,
        on_progress: Callable[[Counts], None] | None = None,
        on_reply: Callable[[Reply], None] | None = None,
    ) -> None:
        """Ask nothing yet.

        Args:
            on_progress: Called in the asking thread a few times a second.
            on_reply: Called with every reply that was asked anew; what it raises stops the asking.
        """
        self._directory, self._ledger, self._caller, self._terms, self._purse = directory, ledger, caller, terms, purse
        self._on_progress, self._on_reply = on_progress, on_reply
        self.counts = Counts()

    def answer_all(self, requests: Requests, models: Sequence[ModelName]) -> Iterator[Reply]:
        """One reply per request, in their order, in bounded memory; equal requests are asked once.

        Remote models are asked first, for all requests in any order, so that one slow answer holds up no other; the
        replies are then taken from the ledger in order.

        Args:
            requests: Gives the same requests whenever it is called.
            models: All models that the requests name.
        """
        self.check(models)
        remote = {model for model in models if not self._directory.is_local(model)}
        if remote:
            self._drive(lambda: (request for request in requests() if request.model in remote), None)
        return self._in_order(requests(), remote)

    def stream(self, requests: Requests, models: Sequence[ModelName]) -> Iterator[tuple[ModelRequest, Reply]]:
        """Every request with its reply as it comes, in any order, in bounded memory."""
        self.check(models)
        local = {model for model in models if self._directory.is_local(model)}
        if len(local) < len(set(models)):
            yield from self._stream_remote(lambda: (request for request in requests() if request.model not in local))
        if local:

            def here() -> Iterator[ModelRequest]:
                return (request for request in requests() if request.model in local)

            yield from zip(here(), self._in_order(here(), set()), strict=True)

    def _stream_remote(self, requests: Requests) -> Iterator[tuple[ModelRequest, Reply]]:
        came: Queue[list[tuple[ModelRequest, Reply]]] = Queue(STREAMED)
        gone = Event()

        def put(pairs: list[tuple[ModelRequest, Reply]]) -> None:
            while not gone.is_set():
                with suppress(Full):
                    came.put(pairs, timeout=LOOK_S)
                    return

        engine, running = self._start(requests, put)
        try:
            while not running.done() or not came.empty():
                with suppress(Empty):
                    yield from came.get(timeout=LOOK_S)
                self._tell_progress()
            running.result()
        finally:
            gone.set()
            self._finish(engine, running)

    def check(self, models: Iterable[ModelName]) -> None:
        """Raises SettingsError with every reason why a model cannot be called; nothing is asked before."""
        if faults := self._directory.faults(models):
            raise SettingsError("models that cannot be called:", faults)

    # Remote models

    def _drive(self, requests: Requests, sink: "Sink | None") -> None:
        """Have the engine answer all requests; Ctrl-C and a cancelled run end it with what came committed."""
        engine, running = self._start(requests, sink)
        try:
            while not running.done():
                with suppress(TimeoutError):
                    running.result(LOOK_S)
                self._tell_progress()
            running.result()
        finally:
            self._finish(engine, running)

    def _start(self, requests: Requests, sink: "Sink | None") -> "tuple[Engine, Future[None]]":
        from s1_assets.adapters.llm.engine import Engine

        def hear(pairs: list[tuple[ModelRequest, Reply]]) -> None:
            if self._on_reply is not None:
                for _, reply in pairs:
                    self._on_reply(reply)

        engine = Engine(
            self._ledger, self._directory, self._caller, self._terms, self._purse, self.counts, on_asked=hear
        )
        return engine, asyncio.run_coroutine_threadsafe(engine.run(requests(), sink), engine_loop())

    def _finish(self, engine: "Engine", running: "Future[None]") -> None:
        """See to it that the engine has ended, also when this thread was interrupted."""
        if not running.done():
            engine.stop()
            with suppress(BaseException):
                running.result(LAST_WORDS_S)
        self._tell_progress()

    def _tell_progress(self) -> None:
        if self._on_progress is not None:
            self._on_progress(self.counts)

    # In order

    def _in_order(self, requests: Iterable[ModelRequest], remote: set[ModelName]) -> Iterator[Reply]:
        remaining = iter(requests)
        while chunk := list(islice(remaining, LOOK_UP)):
            keyed = {call_key(request): request for request in chunk}
            replies = self._ledger.find(list(keyed))
            missing = {key: request for key, request in keyed.items() if key not in replies}
            if lost := sum(request.model in remote for request in missing.values()):
                raise StorageError(f"{lost} replies are not in the ledger, where they were a moment ago")
            here = sum(request.model not in remote for request in chunk)
            self.counts.came += here
            self.counts.from_ledger += here - len(missing)
            replies.update(self._compute(missing))
            yield from (replies[call_key(request)] for request in chunk)

    def _compute(self, missing: dict[str, ModelRequest]) -> dict[str, Reply]:
        """Ask local models, and commit in groups before anything is used; on a fault too, what came is kept."""
        answered: dict[str, Reply] = {}
        group: list[Receipt] = []
        try:
            for key, request in missing.items():
                reply = answered[key] = self._directory.local(request.model).complete(request)
                self.counts.asked += 1
                if reply.status != "failed":  # a local model fails where something is missing here, not for good
                    group.append(_receipt(key, request, reply))
                if len(group) >= GROUP_COMMIT:
                    self._record(group)
                    self._tell_progress()
        finally:
            self._record(group)
        return answered

    def _record(self, group: "list[Receipt]") -> None:
        self.counts.paid_again += len(self._ledger.record(group, self._caller))
        for receipt in group:
            if self._on_reply is not None:
                self._on_reply(receipt.reply)
            self.counts.input_tokens += receipt.reply.input_tokens
            self.counts.output_tokens += receipt.reply.thinking_tokens + receipt.reply.answer_tokens
        group.clear()


def _receipt(key: str, request: ModelRequest, reply: Reply) -> "Receipt":
    from s1_assets.adapters.llm.ledger import Receipt

    return Receipt(key, canonical_request(request), request, reply)
