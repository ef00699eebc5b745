"""A lane: the calls to one model, on their way through its gates, tried again where that helps."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from s1_assets.adapters.llm.counts import Counts
from s1_assets.adapters.llm.gates import Gate
from s1_assets.adapters.llm.ledger.shares import Shares
from s1_assets.adapters.llm.ledger.store import Receipt
from s1_assets.adapters.llm.provider import Fault, Key, RemoteProvider, Told
from s1_assets.adapters.llm.purse import Purse
from s1_assets.adapters.llm.retries import Call, given_up
from s1_assets.adapters.llm.terms import Terms
from s1_assets.errors import ModelUnreachable, ModelUnusable
from s1_assets.records.models import ModelName, Reply

if TYPE_CHECKING:
    import aiohttp

AHEAD_S = 0.25
"""How far into the future sending times are reserved: what a process that dies leaves unused."""
MOST_PERMITS = 500
LOOK_S = 1.0
"""A lane that waits for its rate looks this often whether the rate has changed."""
LEAST_USABLE_S = 0.002
"""A shorter wait than the loop's timer can keep is no wait."""
DOWN_AFTER_S = 90.0
"""A server that answered before and has given nothing but faults for so long is down: the run stops and can go on."""
REFUSED_FOR_S = 900.0
"""A server that has only refused for so long, without saying when to come again, is given up for now."""
GRACE_S = 3.0
"""How long calls under way are waited for when somebody wants to stop now."""
THINKING_S = 5.0
FEW = SEVERAL = 3
NEVER_UP_FAULTS = 4
"""A server that never answered is given up after so many faults in a row."""

InThread = Callable[..., Awaitable[Any]]


class Lane:
    """One model's calls. Everything but `shares` happens on the loop's thread."""

    def __init__(
        self,
        model: ModelName,
        provider: RemoteProvider,
        gates: list[Gate],
        terms: Terms,
        shares: Shares,
        counts: Counts,
        in_thread: InThread,
        purse: Purse | None,
        day: Callable[[], str],
    ) -> None:
        self.model, self.gates = model, gates
        self._provider, self._limits, self._retries = provider, terms.limits, terms.retries
        self._shares, self._counts, self._in_thread, self._purse, self._day = shares, counts, in_thread, purse, day
        self._waiting: deque[Call] = deque()
        self._came = asyncio.Event()
        self._hungry: Callable[[], None] = lambda: None
        self._sent_at: dict[asyncio.Task[None], float] = {}
        """Calls under way."""
        self._forbidden: dict[str, set[str]] = {}
        """By key that has answered, calls that were refused with it since (403)."""
        self._unfinished = 0
        self._exhausted: set[str] = set()
        """Keys of unfinished calls that have used up their tries while nothing else was answered."""
        self._drivers: dict[str, asyncio.Task[None]] = {}
        self._later: set[asyncio.TimerHandle] = set()
        self._last_answer_at = 0.0
        self._faults_in_a_row = 0

    def start(
        self,
        session: "aiohttp.ClientSession",
        on_answer: Callable[[Gate | None, Call, Receipt], None],
        on_fault: Callable[[BaseException], None],
        on_hungry: Callable[[], None],
    ) -> None:
        """Begin to send, or go on. `on_answer` takes each call's last word; who commits it frees the gate's slot."""
        self._session, self._on_answer, self._on_fault, self._hungry = session, on_answer, on_fault, on_hungry
        self._open()

    def _open(self) -> None:
        for gate in self.gates:
            if gate.name not in self._drivers:
                self._drivers[gate.name] = asyncio.create_task(self._guarded(self._drive(gate)))

    def put(self, call: Call) -> None:
        self._unfinished += 1
        self._waiting.append(call)
        self._came.set()

    @property
    def waiting(self) -> int:
        """Calls that wait to be sent."""
        return len(self._waiting)

    @property
    def limit(self) -> int:
        """Calls under way at once at most, over all processes."""
        return sum(gate.limit for gate in self.gates if not gate.closed)

    @property
    def in_flight(self) -> int:
        return sum(gate.in_flight for gate in self.gates)

    @property
    def closed(self) -> list[str]:
        """Why gates let nothing through any more, one line each."""
        return [gate.closed for gate in self.gates if gate.closed]

    async def end(self, patience_s: float, hurry: asyncio.Event) -> None:
        """Send nothing more; calls under way get their time, since they are paid, or a moment once there is hurry."""
        for handle in self._later:
            handle.cancel()
        for task in self._drivers.values():
            task.cancel()
        under_way = list(self._sent_at)
        hurried = asyncio.create_task(hurry.wait())
        if under_way and not hurry.is_set():
            ending: asyncio.Future[Any] = asyncio.gather(*under_way, return_exceptions=True)
            await asyncio.wait(
                {ending, asyncio.ensure_future(hurried)}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED
            )
        if under_way and hurry.is_set():
            await asyncio.wait(under_way, timeout=GRACE_S)
        hurried.cancel()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*self._drivers.values(), *under_way, return_exceptions=True)

    async def keep(self, now: float) -> None:
        """Once a second: divide slots with other processes, learn what they learned, raise what was learned low."""
        for gate in self.gates:
            if gate.closed:
                continue
            wanted = min(gate.limit, gate.in_flight + len(self._waiting) + len(self._later))
            before = gate.slots
            gate.slots = await self._in_thread(
                self._shares.slots, gate.name, gate.limit, wanted, min(gate.in_flight, gate.slots)
            )
            if gate.slots > before:
                gate.changed.set()
            found = await self._in_thread(self._shares.learned, gate.name)
            gate.adopt(found, now)
            if gate.raise_rate(now):
                await self._in_thread(self._shares.teach, gate.name, gate.per_second)

    async def _guarded(self, work: Awaitable[None]) -> None:
        """A part of the lane; what it raises stops the engine."""
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  (the engine raises it)
            self._on_fault(error)

    # Sending

    async def _drive(self, gate: Gate) -> None:
        """Send calls through a gate as its slots and its rate allow."""
        wanted = min(gate.limit, len(self._waiting))
        gate.slots = await self._in_thread(self._shares.slots, gate.name, gate.limit, max(1, wanted), 0)
        gate.adopt(await self._in_thread(self._shares.learned, gate.name), time.time())
        while not gate.closed:
            if gate.room <= 0:
                gate.changed.clear()
                await gate.changed.wait()
            elif not self._waiting:
                self._came.clear()
                self._hungry()
                await self._came.wait()
            elif not gate.is_paced or await self._permitted(gate):
                await self._send_next(gate)

    async def _send_next(self, gate: Gate) -> None:
        if not self._waiting:  # another gate was faster; the permit is kept for the next call
            gate.permits.appendleft(time.time())
            return
        call = self._waiting.popleft()
        if self._purse is not None:
            await self._purse.hold(call)
        if gate.closed:  # while we waited
            self._again(call, 0.0)
            return
        now = time.time()
        call.first_at = call.first_at or now
        gate.sent(now)
        task = asyncio.create_task(self._try(gate, gate.key(), call, now))
        self._sent_at[task] = now
        task.add_done_callback(self._tried)

    def _tried(self, task: asyncio.Task[None]) -> None:
        del self._sent_at[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_fault(error)

    async def _permitted(self, gate: Gate) -> bool:
        """Wait for the next sending time; False when the gate has to be looked at anew."""
        now = time.time()
        if gate.paused_until > now:
            gate.permits.clear()
            await asyncio.sleep(min(gate.paused_until - now, LOOK_S))
            return False
        if gate.measure(now):
            await self._in_thread(self._shares.teach, gate.name, gate.per_second)
        rate = gate.rate
        if rate.is_unlimited:
            return True
        if not gate.permits:
            want = min(gate.room, len(self._waiting), MOST_PERMITS)
            permits = await self._in_thread(
                self._shares.permit, gate.name, rate, want, gate.tokens_each, AHEAD_S, self._day()
            )
            if permits.spent_for_today:
                gate.close(f"{gate.name}: its {rate.per_day:,} requests of the day are sent; it goes on tomorrow")
                self._check_open()
                return False
            if not permits.count:
                await asyncio.sleep(min(max(permits.first_at - AHEAD_S - time.time(), LEAST_USABLE_S), LOOK_S))
                return False
            gate.permits.extend(permits.times())
        at = gate.permits.popleft()
        if (wait := at - time.time()) > LEAST_USABLE_S:
            await asyncio.sleep(wait)
        return not gate.closed

    # What became of it

    async def _try(self, gate: Gate, key: Key | None, call: Call, sent_at: float) -> None:
        call.tries += 1
        tried = await self._provider.ask(self._session, call.as_sent(), key, self._limits)
        now = time.time()
        if tried.told is not None:
            await self._learn(gate, tried.told)
        outcome = tried.outcome
        if isinstance(outcome, Fault):
            gate.done()
            await self._after(outcome, gate, key, call, sent_at, now)
            return
        self._last_answer_at, self._faults_in_a_row = now, 0
        used = outcome.input_tokens + outcome.thinking_tokens + outcome.answer_tokens
        more = used - gate.tokens_each
        gate.answered(used)
        if key is not None:
            self._forbidden[key.fingerprint] = set()
        self._tell(gate, key, call, outcome, now - sent_at)
        if gate.counts_tokens:
            await self._in_thread(self._shares.settle_tokens, gate.name, gate.rate, more)

    def _tell(self, gate: Gate | None, key: Key | None, call: Call, reply: Reply, seconds: float) -> None:
        self._unfinished -= 1
        self._exhausted.discard(call.key)
        name = key.fingerprint if key else None
        receipt = Receipt(call.key, call.text, call.request, reply, call.tries, call.maybe_billed, seconds, name)
        self._on_answer(gate, call, receipt)

    async def _learn(self, gate: Gate, told: Told) -> None:
        """Limits that headers tell hold for gates of the same model that know nothing yet, too."""
        for other in self.gates:
            if other is gate or not other.from_headers:
                other.learn(told, time.time())

    async def _after(self, fault: Fault, gate: Gate, key: Key | None, call: Call, sent_at: float, now: float) -> None:
        """Do what the kind of fault asks for."""
        call.maybe_billed += fault.maybe_billed
        if self._purse is not None and (fault.maybe_billed or fault.kind == "no_answer"):
            await self._purse.charge(call)
        if fault.maybe_request and key is not None and self._is_about_request(call, key):
            if call.forbidden < SEVERAL:
                self._again(call, self._retries.shortest_s)
            else:
                self._tell(None, key, call, given_up(fault), now - sent_at)
            return
        match fault.kind:
            case "limited":
                call.tries -= 1
                if (fault.wait_s or 0.0) > REFUSED_FOR_S:
                    raise ModelUnreachable(f"{self.model}: it asks to wait for {fault.wait_s:,.0f} s: {fault.reason}")
                if now - max(self._last_answer_at, call.first_at) > max(REFUSED_FOR_S, 3 * (fault.wait_s or 0.0)):
                    raise ModelUnreachable(
                        f"{self.model}: refused for {REFUSED_FOR_S:.0f} s without a word: {fault.reason}"
                    )
                await self._slow_down(gate, fault, sent_at, now)
                self._again(call, 0.0)
            case "key_dead" | "key_exhausted":
                call.tries -= 1
                self._park(gate, key, fault)
                self._again(call, 0.0)
            case "unusable":
                raise ModelUnusable(f"{self.model}: {fault.reason}")
            case "failed":
                self._tell(None, key, call, given_up(fault), now - sent_at)
            case "no_answer":
                call.no_answers += 1
                self._last_answer_at, self._faults_in_a_row = now, 0
                self._retry_or_give_up(fault, self._retries.no_answer_tries, key, call, now - sent_at)
            case "transient":
                gate.hold_back()
                self._note_fault(fault, now)
                self._retry_or_give_up(fault, self._retries.tries, key, call, now - sent_at)

    def _is_about_request(self, call: Call, key: Key) -> bool:
        """Whether a refusal that fits key and request alike is the request's: one of a few, with a key that is good."""
        refused = self._forbidden.get(key.fingerprint)
        if refused is None:
            return False
        call.forbidden += 1
        refused.add(call.key)
        return len(refused) < SEVERAL

    def _retry_or_give_up(self, fault: Fault, tries: int, key: Key | None, call: Call, seconds: float) -> None:
        # While nothing is answered at all the fault is the server's, not this call's: it waits on.
        if call.tries >= tries:
            self._exhausted.add(call.key)
        answered_since = self._last_answer_at >= call.first_at
        # Nothing else is left that could tell: a few calls that fail at the end are the calls' own fault.
        only_these = self._last_answer_at > 0 and self._unfinished == len(self._exhausted) <= FEW
        if call.tries >= tries and (answered_since or only_these):
            self._tell(None, key, call, given_up(fault), seconds)
            return
        self._counts.retried += 1
        over = self._counts.retried > 20 + self._retries.budget * self._counts.asked
        self._again(call, self._retries.wait_s(min(call.tries, tries), over))

    def _note_fault(self, fault: Fault, now: float) -> None:
        """Stop where a server is down, or was never up."""
        self._faults_in_a_row += 1
        row = self._faults_in_a_row
        if not self._last_answer_at:
            # Calls under way are a sign of life: the server may be thinking.
            if row >= NEVER_UP_FAULTS and not self.in_flight:
                raise ModelUnreachable(f"{self.model}: no answer in {row} tries, the last time: {fault.reason}")
        elif row >= NEVER_UP_FAULTS and now - self._last_answer_at > DOWN_AFTER_S and not self._is_thinking(now):
            raise ModelUnreachable(
                f"{self.model}: nothing but faults for {now - self._last_answer_at:.0f} s, the last one: "
                f"{fault.reason}; what was answered is in the ledger, run again to go on"
            )

    def _is_thinking(self, now: float) -> bool:
        """Whether some call has been under way for longer than a fault takes to come back."""
        return any(now - sent_at > THINKING_S for sent_at in self._sent_at.values())

    def _again(self, call: Call, wait_s: float) -> None:
        """Queue a call before all that were never sent."""
        if self._purse is not None:
            self._purse.let_go(call)
        if not wait_s:
            self._waiting.appendleft(call)
            self._came.set()
            return

        def put() -> None:
            self._later.discard(handle)
            self._waiting.appendleft(call)
            self._came.set()

        handle = asyncio.get_running_loop().call_later(wait_s, put)
        self._later.add(handle)

    async def _slow_down(self, gate: Gate, fault: Fault, sent_at: float, now: float) -> None:
        self._counts.limited += 1
        gate.permits.clear()
        gate.was_refused(sent_at, now, fault.wait_s)
        for other in self.gates:
            if other is not gate and gate.shares_limit_with(other):
                gate.absorb(other, now)
                await self._in_thread(self._shares.teach, gate.name, gate.per_second)
        await self._in_thread(self._shares.pause, gate.name, gate.paused_until)

    def _park(self, gate: Gate, key: Key | None, fault: Fault) -> None:
        """Take a key out of use; the rest go on."""
        if key is None:
            raise ModelUnusable(f"{self.model}: {fault.reason}")
        if key in gate.keys:
            gate.keys.remove(key)
            self._counts.parked[key.fingerprint] = fault.reason
        if not gate.keys:
            gate.close(f"key {key.fingerprint}: {fault.reason}")
        self._check_open()

    def _check_open(self) -> None:
        """Raises ModelUnusable if no gate is left."""
        if all(gate.closed for gate in self.gates):
            raise ModelUnusable(
                f"{self.model}: no key is left: {'; '.join(self.closed)}. What was answered is in the ledger; the "
                "same command goes on from there"
            )
