"""The plain client: asks a provider for what the ledger does not hold, and commits each group before it is used."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TYPE_CHECKING

from s1_assets.adapters.llm.provider import Provider
from s1_assets.domain.calls import call_key
from s1_assets.records.models import Caller, ModelRequest, Reply

if TYPE_CHECKING:
    from s1_assets.adapters.llm.ledger import Ledger

LOOK_UP = 500
"""Requests looked up in the ledger together: bounds what is held in memory."""
GROUP_COMMIT = 50
"""Replies committed together at most."""
COMMIT_EVERY_S = 1.0
"""A reply that comes later than this after the last commit is committed at once."""
GRACE_S = 3.0
"""How long calls under way are waited for after a fault or Ctrl-C; what comes later is lost, and may be paid."""


class LedgeredModel:
    """`LanguageModel` over the ledger. Counts what was taken from it and what was asked anew."""

    def __init__(self, provider_of: Callable[[str], Provider], ledger: "Ledger", caller: Caller) -> None:
        self._provider_of = provider_of
        self._ledger = ledger
        self._caller = caller
        self.from_ledger = 0
        self.asked = 0
        self.paid_again = 0

    def answer_all(
        self, requests: Iterable[ModelRequest], on_reply: Callable[[Reply], None] | None = None
    ) -> Iterator[Reply]:
        """One reply per request, in their order; equal requests are asked once."""
        remaining = iter(requests)
        while chunk := list(islice(remaining, LOOK_UP)):
            keys = [call_key(request) for request in chunk]
            replies = self._ledger.find(keys)
            self.from_ledger += sum(key in replies for key in keys)
            missing = {key: request for key, request in zip(keys, chunk, strict=True) if key not in replies}
            for key in keys:
                if on_reply is not None and key in replies:
                    on_reply(replies[key])
            replies.update(self._ask(missing, on_reply))
            yield from (replies[key] for key in keys)

    def _ask(
        self, missing: dict[str, ModelRequest], on_reply: Callable[[Reply], None] | None
    ) -> Iterator[tuple[str, Reply]]:
        """Replies in any order, each committed before it is given out; on a fault or Ctrl-C too, what came is kept."""
        answered: dict[str, Reply] = {}
        committed_at = time.monotonic()
        try:
            for _ in self._arrivals(missing, answered):
                if len(answered) >= GROUP_COMMIT or time.monotonic() - committed_at >= COMMIT_EVERY_S:
                    group = self._commit(missing, answered, on_reply)
                    answered.clear()
                    committed_at = time.monotonic()
                    yield from group.items()
        finally:
            group = self._commit(missing, answered, on_reply)
            answered.clear()
        yield from group.items()

    def _arrivals(self, missing: dict[str, ModelRequest], answered: dict[str, Reply]) -> Iterator[None]:
        """Put replies into `answered` as they come, as many calls under way at once as the provider takes."""
        in_flight = min(
            (self._provider_of(request.model.provider).in_flight for request in missing.values()), default=1
        )
        if in_flight == 1:
            for key, request in missing.items():
                answered[key] = self._one(request)
                yield
            return
        waiting, running, fault = iter(missing.items()), dict[Future[Reply], str](), None
        pool = ThreadPoolExecutor(max_workers=in_flight)
        try:
            while True:
                while fault is None and len(running) < in_flight and (item := next(waiting, None)) is not None:
                    running[pool.submit(self._one, item[1])] = item[0]
                if not running:
                    break
                fault = self._collect(running, answered, None) or fault
                yield
        finally:  # nothing more is sent; calls under way get a moment, since they are paid
            pool.shutdown(wait=False, cancel_futures=True)
            if running:
                self._collect(running, answered, GRACE_S, ALL_COMPLETED)
        if fault is not None:
            raise fault

    @staticmethod
    def _collect(
        running: dict[Future[Reply], str],
        answered: dict[str, Reply],
        timeout_s: float | None,
        until: str = FIRST_COMPLETED,
    ) -> BaseException | None:
        """Move what has ended from `running` to `answered`; the first fault among it."""
        fault: BaseException | None = None
        for call in wait(running, timeout_s, until).done:
            key = running.pop(call)
            if call.cancelled():
                continue
            if (error := call.exception()) is not None:
                fault = fault or error
            else:
                answered[key] = call.result()
        return fault

    def _commit(
        self, missing: dict[str, ModelRequest], answered: dict[str, Reply], on_reply: Callable[[Reply], None] | None
    ) -> dict[str, Reply]:
        """Put replies on record, and return what stands there under their keys: that is what is used."""
        stand = self._ledger.record(((missing[key], reply) for key, reply in answered.items()), self._caller)
        self.asked += len(answered)
        self.paid_again += len(stand)
        group = {**answered, **stand}
        if on_reply is not None:
            for reply in group.values():
                on_reply(reply)
        return group

    def _one(self, request: ModelRequest) -> Reply:
        return self._provider_of(request.model.provider).complete(request)
