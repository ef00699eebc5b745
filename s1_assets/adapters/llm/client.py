"""The plain client: asks a provider for what the ledger does not hold, and commits each group before it is used."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
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
"""Replies committed together: a kill can cost at most these."""


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
        remaining = iter(missing.items())
        while group := dict(islice(remaining, GROUP_COMMIT)):
            answered: dict[str, Reply] = {}
            try:
                self._complete(group, answered)
            finally:  # whatever stopped a call: what was answered beside it is paid
                paid = ((group[key], reply) for key, reply in answered.items())
                stand = self._ledger.record(paid, self._caller)
                self.asked += len(answered)
                self.paid_again += len(stand)
                answered.update(stand)  # what is used is what is on record
            for key, reply in answered.items():
                if on_reply is not None:
                    on_reply(reply)
                yield key, reply

    def _complete(self, group: dict[str, ModelRequest], answered: dict[str, Reply]) -> None:
        """Put replies into `answered` by key, as many calls under way at once as the provider takes.

        Whatever ends it, a fault of a call or Ctrl-C, sends nothing more and waits for the calls under way: they are
        paid.
        """
        in_flight = min(self._provider_of(request.model.provider).in_flight for request in group.values())
        with ThreadPoolExecutor(max_workers=in_flight) as pool:
            calls = {key: pool.submit(self._one, request) for key, request in group.items()}
            try:
                wait(calls.values(), return_when=FIRST_EXCEPTION)
            finally:
                pool.shutdown(cancel_futures=True)
                sent = {key: call for key, call in calls.items() if not call.cancelled()}
                answered.update((key, call.result()) for key, call in sent.items() if call.exception() is None)
        for call in sent.values():
            call.result()  # raises what stopped it

    def _one(self, request: ModelRequest) -> Reply:
        return self._provider_of(request.model.provider).complete(request)
