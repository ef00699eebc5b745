"""The engine of calls: many at once through the ledger, with keys, limits, tries and a budget.

A request is claimed, so that no other process pays for it too; sent through a gate that has a slot and a sending time;
its reply is committed, together with others that came at the same time; only then is its slot free again. So a kill -9
loses at most what was under way.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Protocol

from s1_assets.adapters.llm.counts import Counts
from s1_assets.adapters.llm.gates import WINDOW_STEP_S, Gate
from s1_assets.adapters.llm.lanes import GRACE_S, Lane
from s1_assets.adapters.llm.ledger.presence import SEEN_EVERY_S, Presence
from s1_assets.adapters.llm.ledger.shares import Shares
from s1_assets.adapters.llm.ledger.store import Ledger, Receipt
from s1_assets.adapters.llm.provider import RemoteProvider
from s1_assets.adapters.llm.purse import Purse
from s1_assets.adapters.llm.retries import Call
from s1_assets.adapters.llm.terms import Terms
from s1_assets.domain.calls import canonical_request, text_key
from s1_assets.errors import BudgetSpent, ModelUnusable, StorageError
from s1_assets.records.models import Caller, ModelName, ModelRequest, Reply

LOOK_UP = 500
"""Requests looked up and claimed together."""
LOOK_AHEAD = 2
"""Requests ready to be sent, as a multiple of those that may be under way."""
OTHERS_EVERY_S = 0.5
"""Between two looks at calls that another process has claimed."""
KEEP_EVERY_S = 1.0
RARELY = (20_000, 20, 50)
"""Thresholds of the garbage collector."""

Pair = tuple[ModelRequest, Reply]
Sink = Callable[[list[Pair]], None]
Keyed = dict[str, tuple[str, ModelRequest]]
"""By key, a request in the ledger's words and as it came."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cyclic garbage less often: calls leave hardly any, and every look costs them a tenth of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(*(max(now, rare) for now, rare in zip(usual, RARELY, strict=True)))
    try:
        yield
    finally:
        gc.set_threshold(*usual)


class Stopped(Exception):  # noqa: N818  (not a fault: somebody asked for it)
    """The engine was told to stop before it was done."""


class Roads(Protocol):
    """The way to each model: its provider, and the gates that its keys and limits make."""

    def provider(self, model: ModelName) -> RemoteProvider: ...

    def gates(self, model: ModelName) -> list[Gate]:
        """Fresh gates, one for each group of keys.

        Raises:
            SettingsError: If the model needs a key and none is there.
        """
        ...

    def day(self, model: ModelName) -> str:
        """The provider's present day, by which it counts requests."""
        ...


@dataclass(slots=True)
class _Chunk:
    """Requests taken in together."""

    came: int
    mine: Keyed
    answered: int


class Engine:
    """Answers requests to remote models. One for each step or command that asks; used once."""

    def __init__(
        self,
        ledger: Ledger,
        roads: Roads,
        caller: Caller,
        terms: Terms,
        purse: Purse | None = None,
        counts: Counts | None = None,
        on_asked: Sink | None = None,
    ) -> None:
        """Contact nothing yet.

        Args:
            purse: The budget; None: nothing is stopped for money.
            counts: Kept up to date while it runs; may be looked at from another thread.
            on_asked: The same for replies that were asked anew alone; what it raises stops the engine.
        """
        self._ledger, self._roads, self._caller, self._terms, self._purse = ledger, roads, caller, terms, purse
        self.counts = counts or Counts()
        self._on_asked = on_asked
        self._presence = Presence(ledger.database)
        self._shares = Shares(ledger.database, self._presence)
        self._database_thread = ThreadPoolExecutor(1, "s1-ledger")
        self._seen_thread = ThreadPoolExecutor(1, "s1-seen")  # so that a slow taker of replies costs no lease
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sink: Sink | None = None
        self._lanes: dict[ModelName, Lane] = {}
        self._answered: list[tuple[Gate | None, Call, Receipt]] = []
        self._theirs: Keyed = {}
        """Claimed by another process, or under way here for an equal request."""
        self._again: list[tuple[str, ModelRequest]] = []
        self._asking: set[str] = set()
        """Keys that are ours and have no reply yet; touched in the database's thread alone."""
        self._unfinished = 0
        self._fed = self._closing = False
        self._fault: BaseException | None = None

    async def run(self, requests: Iterable[ModelRequest], sink: Sink | None = None) -> None:
        """Ask until every request has a reply in the ledger; equal requests are asked once.

        Args:
            sink: Called with requests and their replies, in any order, from one thread that is not the loop's; a slow
                sink slows the engine down. What it raises stops the engine.

        Raises:
            Stop: Nothing more can be answered: no key left, no such model, the budget is spent.
            Wait: The server is down. In all cases what was answered is in the ledger.
        """
        import aiohttp

        self._loop, self._sink = asyncio.get_running_loop(), sink
        self._arrived, self._hungry, self._ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._hurry = asyncio.Event()
        if self._fault is not None:  # told to stop before it began
            raise self._fault
        await self._in_thread(self._presence.enter)
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=60)
        try:
            async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
                self._session = session
                with rare_collections():
                    await self._work(requests)
                if self._fault is None and self._again:
                    await self._in_thread(self._repeat)
        finally:
            self.counts.in_flight = 0
            await self._in_thread(self._presence.leave)
            self._database_thread.shutdown()
            self._seen_thread.shutdown()
        if self._fault is not None:
            raise self._fault

    def stop(self) -> None:
        """Send nothing more; `run` raises `Stopped` once calls under way had their moment. For any thread."""
        self._fault = self._fault or Stopped()
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hurry.set)
            self._loop.call_soon_threadsafe(self._end)

    async def _work(self, requests: Iterable[ModelRequest]) -> None:
        feeding = asyncio.create_task(self._guarded(self._feed(iter(requests))))
        keeping = asyncio.create_task(self._guarded(self._keep_house()))
        committing = asyncio.create_task(self._guarded(self._commit_forever()))
        try:
            await self._ended.wait()
        finally:
            feeding.cancel()
            await asyncio.gather(*(lane.end(self._patience_s, self._hurry) for lane in self._lanes.values()))
            keeping.cancel()
            self._closing = True  # a commit is never cancelled: it would take paid replies with it
            self._arrived.set()
            await asyncio.gather(feeding, keeping, committing, return_exceptions=True)
            await self._commit()

    @property
    def _patience_s(self) -> float:
        """How long calls under way are waited for: they are paid. Only what cannot be recorded is not worth it."""
        if isinstance(self._fault, BudgetSpent | ModelUnusable):
            return self._terms.limits.total_s
        return GRACE_S

    async def _guarded(self, work: Awaitable[None]) -> None:
        """A part of the engine; what it raises stops all."""
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  (`run` raises it)
            self._end(error)

    def _end(self, fault: BaseException | None = None) -> None:
        self._fault = self._fault or fault
        self._ended.set()

    async def _in_thread(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Database work, one piece after the other, off the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._database_thread, work, *arguments)

    # Requests come in

    async def _feed(self, requests: Iterator[ModelRequest]) -> None:
        """Look up, claim and hand to the lanes, never far ahead of what can be sent."""
        fed = False
        while not fed:
            chunk = await self._in_thread(self._take, requests)
            self.counts.came += chunk.came
            self.counts.from_ledger += chunk.answered
            self._hand_out(chunk.mine)
            fed = chunk.came < LOOK_UP
            while self._waiting > max(LOOK_UP, LOOK_AHEAD * sum(lane.limit for lane in self._lanes.values())):
                self._hungry.clear()
                await self._hungry.wait()
        while self._theirs:
            if self._purse is not None and not self._unfinished:
                await self._purse.give_back_free()  # those who ask them may need it
            await asyncio.sleep(OTHERS_EVERY_S)
            chunk = await self._in_thread(self._look_again)
            self.counts.from_ledger += chunk.answered
            self._hand_out(chunk.mine)
        self._fed = True
        self._end_if_done()

    @property
    def _waiting(self) -> int:
        return sum(lane.waiting for lane in self._lanes.values())

    def _take(self, requests: Iterator[ModelRequest]) -> _Chunk:
        taken = list(islice(requests, LOOK_UP))
        keyed: Keyed = {}
        for request in taken:
            text = canonical_request(request)
            self._put(keyed, text_key(text), text, request)
        return self._sort(len(taken), keyed)

    def _put(self, keyed: Keyed, key: str, text: str, request: ModelRequest) -> None:
        """Add a request; one that is there already is answered at the end, to a sink that wants every one."""
        if key not in keyed:
            keyed[key] = (text, request)
        elif self._sink is not None:
            self._again.append((key, request))

    def _repeat(self) -> None:
        """Hand on the replies of requests that came more than once."""
        for start in range(0, len(self._again), LOOK_UP):
            part = self._again[start : start + LOOK_UP]
            found = self._ledger.find([key for key, _ in part])
            if self._sink is not None:
                self._sink([(request, found[key]) for key, request in part])

    def _look_again(self) -> _Chunk:
        """What has become of calls that other processes had claimed."""
        theirs, self._theirs = self._theirs, {}
        return self._sort(len(theirs), theirs)

    def _sort(self, came: int, keyed: Keyed) -> _Chunk:
        """Part requests into those that have a reply, those that are now ours to ask, and those that others ask."""
        missing = self._without_answered(keyed)
        fresh = [key for key in missing if key not in self._asking]  # an equal request may be under way already
        claimed = self._presence.claim(fresh) if fresh else set()
        for key, (text, request) in missing.items():
            if key not in claimed:
                self._put(self._theirs, key, text, request)
        mine = {key: request for key, request in missing.items() if key in claimed}
        # Another process may have answered and let go between our look and our claim.
        still = self._without_answered(mine) if mine else mine
        if late := [key for key in mine if key not in still]:
            self._presence.release(late)
        self._asking.update(still)
        return _Chunk(came, still, came - len(missing) + len(late))

    def _without_answered(self, keyed: Keyed) -> Keyed:
        keys, again = list(keyed), self._terms.retry_failed
        if self._sink is None:
            known = self._ledger.known(keys, again)
            return {key: request for key, request in keyed.items() if key not in known}
        found = self._ledger.find(keys, again)
        self._sink([(keyed[key][1], reply) for key, reply in found.items()])
        return {key: request for key, request in keyed.items() if key not in found}

    def _hand_out(self, mine: Keyed) -> None:
        self._unfinished += len(mine)
        for key, (text, request) in mine.items():
            lane = self._lanes.get(request.model) or self._open(request.model)
            lane.put(Call(key, text, request))
        for lane in self._lanes.values():
            lane.start(self._session, self._came_back, self._end, self._hungry.set)

    def _open(self, model: ModelName) -> Lane:
        if self._purse is not None:
            self._purse.attach(self._shares, self._in_thread)
        lane = self._lanes[model] = Lane(
            model,
            self._roads.provider(model),
            self._roads.gates(model),
            self._terms,
            self._shares,
            self.counts,
            self._in_thread,
            self._purse,
            lambda: self._roads.day(model),
        )
        return lane

    # Replies come back

    def _came_back(self, gate: Gate | None, call: Call, receipt: Receipt) -> None:
        self._answered.append((gate, call, receipt))
        self._arrived.set()

    async def _commit_forever(self) -> None:
        while not self._closing:
            await self._arrived.wait()
            self._arrived.clear()
            await self._commit()
            self._end_if_done()

    async def _commit(self) -> None:
        """Commit what has come since the last time as one group, then free its slots."""
        group, self._answered = self._answered, []
        if not group:
            return
        try:
            receipts = await self._in_thread(self._record, [receipt for _, _, receipt in group])
        except StorageError:
            self._answered = group + self._answered  # paid: the last commit of all tries them once more
            raise
        for gate, _, _ in group:
            if gate is not None:
                gate.done()
        self._unfinished -= len(group)
        if self._purse is not None:
            await self._purse.settle([call for _, call, _ in group], sum(r.reply.price_usd or 0.0 for r in receipts))

    def _record(self, receipts: list[Receipt]) -> list[Receipt]:
        """Price, commit and hand on; in the database's thread."""
        priced = [self._priced(receipt) for receipt in receipts]
        self.counts.paid_again += len(self._ledger.record(priced, self._caller))
        self._asking.difference_update(receipt.key for receipt in priced)
        for receipt in priced:
            self._count(receipt)
        pairs = [(receipt.request, receipt.reply) for receipt in priced]
        for sink in (self._on_asked, self._sink):
            if sink is not None:
                sink(pairs)
        return priced

    def _priced(self, receipt: Receipt) -> Receipt:
        reply = receipt.reply
        usd = 0.0 if reply.status == "failed" else self._terms.price(receipt.request.model, reply)
        return replace(receipt, reply=replace(reply, price_usd=usd)) if usd is not None else receipt

    def _count(self, receipt: Receipt) -> None:
        counts, reply = self.counts, receipt.reply
        counts.asked += 1
        counts.failed += reply.status == "failed"
        counts.maybe_billed += receipt.maybe_billed
        counts.input_tokens += reply.input_tokens
        counts.output_tokens += reply.thinking_tokens + reply.answer_tokens
        counts.usd += reply.price_usd or 0.0
        counts.unpriced += reply.price_usd is None

    def _end_if_done(self) -> None:
        if self._fed and not self._unfinished:
            self._end()

    # Meanwhile

    async def _keep_house(self) -> None:
        """Be seen, and keep what is shared with other processes up to date."""
        seen_at = time.monotonic()
        while True:
            for _ in range(int(KEEP_EVERY_S / WINDOW_STEP_S)):
                await asyncio.sleep(WINDOW_STEP_S)
                for lane in self._lanes.values():
                    for gate in lane.gates:
                        gate.grow()
            self.counts.in_flight = sum(lane.in_flight for lane in self._lanes.values())
            for lane in self._lanes.values():
                await lane.keep(time.time())
            if time.monotonic() - seen_at >= SEEN_EVERY_S:
                seen_at = time.monotonic()
                await asyncio.get_running_loop().run_in_executor(self._seen_thread, self._presence.be_seen)
