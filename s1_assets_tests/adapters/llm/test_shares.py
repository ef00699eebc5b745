"""What several processes on one ledger divide: sending times, slots, money and claims. Each has a `Presence` here."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from s1_assets.adapters.llm.ledger import Ledger
from s1_assets.adapters.llm.ledger.presence import LEASE_S, Presence, started_at
from s1_assets.adapters.llm.ledger.schema import Database, engines, reservations, slots
from s1_assets.adapters.llm.ledger.shares import Shares, fair_part
from s1_assets.adapters.llm.rates import Learned, Rate
from s1_assets.records.models import Caller, ModelName, Reply
from s1_assets_tests.adapters.llm.conftest import Opened, prompt, receipt

LONG_S = 1e6
"""So far ahead that nothing is held back for being in the future."""
NEAR = 1e-6
"""What is lost of a second's fraction where seconds count from 1970."""


class Process:
    """A process at work on a ledger, as the database sees it."""

    def __init__(self, ledger: Ledger) -> None:
        self.database = ledger.database
        self.presence = Presence(ledger.database)
        self.presence.enter()
        self.shares = Shares(ledger.database, self.presence)

    def permit(self, rate: Rate, want: int = 1, ahead_s: float = LONG_S, each: float = 0.0) -> list[float]:
        return self.shares.permit("gate", rate, want, each, ahead_s, "2026-01-01").times()

    def become(self, **changes: object) -> None:
        """Let the process be another one, or seen at another time."""
        with self.database.writing() as connection:
            mine = engines.c.id == self.presence.id
            connection.execute(sa.update(engines).where(mine).values(**changes))

    def die(self) -> None:
        """Let the process be one that has ended without a word."""
        gone = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        started = started_at(gone.pid)
        gone.communicate(b"\n")
        self.become(pid=gone.pid, started=started)


@pytest.fixture
def processes(opened: Opened) -> Callable[[int], list[Process]]:
    return lambda count: [Process(opened()) for _ in range(count)]


def at_once(work: Callable[[Process], object], processes: list[Process]) -> None:
    """Every process does its work in a thread of its own."""
    with ThreadPoolExecutor(len(processes)) as threads:
        for done in [threads.submit(work, process) for process in processes]:
            done.result(60)


def total(database: Database, column: sa.Column[Any]) -> float:
    with database.reading() as connection:
        return float(connection.execute(sa.select(sa.func.coalesce(sa.func.sum(column), 0))).scalar_one())


def closest(times: list[float]) -> float:
    return min((after - before for before, after in pairwise(sorted(times))), default=LONG_S)


# Sending times


@settings(max_examples=15)
@given(
    st.floats(0.1, 500.0),
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40), st.sampled_from([0.0, 0.25, LONG_S])), max_size=12),
)
def test_sending_times_of_all_processes_are_never_closer_than_the_rate(
    per_second: float, asked: list[tuple[int, int, float]]
) -> None:
    with TemporaryDirectory() as folder:
        ledger = Ledger(f"sqlite:///{folder}/ledger.db")
        several, times = [Process(ledger) for _ in range(3)], list[float]()
        for who, want, ahead_s in asked:
            given_out = several[who].permit(Rate(per_second), want, ahead_s)
            assert len(given_out) <= want
            assert all(at <= time.time() + ahead_s + NEAR for at in given_out)
            times += given_out
        ledger.close()
    assert closest(times) >= 1 / per_second - NEAR


def test_sending_times_asked_for_at_once_are_never_closer_than_the_rate(
    processes: Callable[[int], list[Process]],
) -> None:
    times: list[float] = []

    def work(one: Process) -> None:
        for _ in range(10):
            times.extend(one.permit(Rate(100.0), 5))

    at_once(work, processes(4))
    assert len(times) == 4 * 10 * 5
    assert closest(times) >= 0.01 - NEAR


def test_no_time_is_lost_between_two_askings(ledger: Ledger) -> None:
    one = Process(ledger)
    times = [at for _ in range(20) for at in one.permit(Rate(1.0), 3)]
    assert times[-1] - times[0] == pytest.approx(59.0)


def test_the_first_request_goes_at_once_and_those_after_it_wait_for_their_turn(ledger: Ledger) -> None:
    one = Process(ledger)
    first, none = one.permit(Rate(2.0), 9, ahead_s=0.25), one.permit(Rate(2.0), 9, ahead_s=0.25)
    assert first == pytest.approx([time.time()], abs=1.0)
    assert none == []


def test_tokens_space_requests_where_they_are_the_narrower_limit(ledger: Ledger) -> None:
    times = Process(ledger).permit(Rate(100.0, 1_000.0), 5, each=500.0)
    assert closest(times) == pytest.approx(0.5)


def test_tokens_used_beyond_or_below_what_was_expected_move_the_next_time(ledger: Ledger) -> None:
    one, rate = Process(ledger), Rate(100.0, 1_000.0)
    last = one.permit(rate, 10, each=1_000.0)[-1]
    one.shares.settle_tokens("gate", rate, 4_000.0)
    late = one.permit(rate, 10, each=1_000.0)
    assert late[0] - last == pytest.approx(5.0)
    one.shares.settle_tokens("gate", rate, -6_000.0)
    assert late[-1] + 1.0 - one.permit(rate, each=1_000.0)[0] == pytest.approx(6.0)


def test_a_pause_holds_for_all_processes_and_a_shorter_one_does_not_end_it(
    processes: Callable[[int], list[Process]],
) -> None:
    one, other = processes(2)
    until = time.time() + 100
    one.shares.pause("gate", until)
    other.shares.pause("gate", until - 50)
    assert other.permit(Rate(10.0), ahead_s=0.25) == []
    assert other.permit(Rate(10.0))[0] == pytest.approx(until)
    assert other.shares.learned("gate").paused_until == pytest.approx(until)


def test_requests_of_a_day_are_counted_over_all_processes(processes: Callable[[int], list[Process]]) -> None:
    several, rate, counts = processes(3), Rate(None, None, 100), list[int]()

    def work(one: Process) -> None:
        for _ in range(10):
            counts.append(len(one.permit(rate, 7)))

    at_once(work, several)
    assert sum(counts) == 100
    spent = several[0].shares.permit("gate", rate, 7, 0.0, LONG_S, "2026-01-01")
    assert (spent.spent_for_today, spent.count) == (True, 0)
    tomorrow = several[0].shares.permit("gate", rate, 7, 0.0, LONG_S, "2026-01-02")
    assert (tomorrow.spent_for_today, tomorrow.count) == (False, 7)


def test_gates_have_sending_times_of_their_own(ledger: Ledger) -> None:
    one = Process(ledger)
    one.permit(Rate(1.0), 100)
    assert one.shares.permit("another", Rate(1.0), 1, 0.0, 0.25, "").count == 1


def test_what_one_process_learned_the_others_hear(processes: Callable[[int], list[Process]]) -> None:
    one, other = processes(2)
    assert other.shares.learned("gate") == Learned(None, 0.0, 0.0)
    one.shares.teach("gate", 7.5)
    heard = other.shares.learned("gate")
    assert heard.per_second == 7.5
    assert heard.learned_at == pytest.approx(time.time(), abs=5.0)


# Slots


@settings(max_examples=15)
@given(st.integers(1, 40), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50), st.floats(0, 1)), max_size=30))
def test_slots_in_sum_never_exceed_the_limit(limit: int, steps: list[tuple[int, int, float]]) -> None:
    with TemporaryDirectory() as folder:
        ledger = Ledger(f"sqlite:///{folder}/ledger.db")
        several, held = [Process(ledger) for _ in range(4)], [0] * 4
        for who, wanted, busy in steps:
            under_way = round(busy * held[who])  # a process has no more under way than it has slots
            held[who] = several[who].shares.slots("gate", limit, wanted, under_way)
            assert held[who] >= under_way
            assert sum(held) <= limit
        ledger.close()


def test_slots_asked_for_at_once_never_exceed_the_limit(processes: Callable[[int], list[Process]]) -> None:
    several = processes(4)
    seen: list[float] = []

    def work(one: Process) -> None:
        for wanted in (9, 2, 30, 5, 17):
            one.shares.slots("gate", 20, wanted, 0)
            seen.append(total(one.database, slots.c.held))

    at_once(work, several)
    assert max(seen) <= 20
    assert max(seen) > 10


@pytest.mark.parametrize(
    ("limit", "wants", "parts"),
    [
        (64, [100] * 2, [32, 32]),
        (64, [100] * 8, [8] * 8),
        (64, [100] * 9, [7] * 9),
        (256, [300] * 30, [8] * 30),
        (10, [2, 100, 100], [2, 4, 4]),
        (100, [10, 20, 30], [10, 20, 30]),
    ],
)
def test_processes_that_want_more_than_there_is_get_equal_parts_and_small_wishes_are_met(
    ledger: Ledger, limit: int, wants: list[int], parts: list[int]
) -> None:
    several, held = [Process(ledger) for _ in wants], [0] * len(wants)
    for _ in range(4):
        for number, one in enumerate(several):
            held[number] = one.shares.slots("gate", limit, wants[number], 0)
    assert all(part <= slots <= part + 1 for part, slots in zip(parts, held, strict=True)), held


def test_a_process_that_comes_later_gets_its_part_as_the_first_ones_requests_end(ledger: Ledger) -> None:
    first, later = Process(ledger), Process(ledger)
    assert first.shares.slots("gate", 20, 100, 0) == 20
    assert later.shares.slots("gate", 20, 100, 0) == 0
    assert first.shares.slots("gate", 20, 100, 16) == 16
    assert later.shares.slots("gate", 20, 100, 0) == 4
    assert first.shares.slots("gate", 20, 100, 3) == 10
    assert later.shares.slots("gate", 20, 100, 4) == 10


def test_slots_of_a_process_that_died_or_left_are_free(processes: Callable[[int], list[Process]]) -> None:
    dead, left, one = processes(3)
    assert [dead.shares.slots("gate", 8, 4, 0), left.shares.slots("gate", 8, 4, 0)] == [4, 4]
    assert one.shares.slots("gate", 8, 8, 0) == 0
    dead.die()
    left.presence.leave()
    assert one.shares.slots("gate", 8, 8, 0) == 8


@given(st.integers(0, 100), st.integers(0, 100), st.lists(st.integers(0, 100), max_size=9))
def test_a_part_is_never_more_than_wanted_nor_than_there_is(limit: int, wanted: int, others: list[int]) -> None:
    part = fair_part(limit, wanted, others)
    assert 0 <= part <= min(limit, wanted)
    if sum(others) + wanted <= limit:
        assert part == wanted


# Claims


def test_a_call_is_claimed_by_one_process_alone(processes: Callable[[int], list[Process]]) -> None:
    one, other = processes(2)
    keys = [f"{number:040}" for number in range(1_203)]
    assert one.presence.claim(keys[:700]) == set(keys[:700])
    assert other.presence.claim(keys) == set(keys[700:])
    assert one.presence.claim(keys) == set(keys[:700])
    one.presence.release(keys[:10])
    one.presence.release(keys[700:])  # not its own
    assert other.presence.claim(keys) == {*keys[:10], *keys[700:]}


def test_calls_claimed_at_once_in_any_order_have_one_owner_each(processes: Callable[[int], list[Process]]) -> None:
    keys, claimed = [f"{number:040}" for number in range(600)], list[str]()

    def work(one: Process) -> None:
        mine = keys.copy()
        Random(one.presence.id).shuffle(mine)
        claimed.extend(one.presence.claim(mine))

    at_once(work, processes(4))
    assert sorted(claimed) == keys


def test_claims_of_a_process_that_died_are_taken_over_and_of_one_that_lives_are_not(
    processes: Callable[[int], list[Process]],
) -> None:
    dead, alive, one = processes(3)
    dead.presence.claim(["a" * 40])
    alive.presence.claim(["b" * 40])
    both = ["a" * 40, "b" * 40]
    assert one.presence.claim(both) == set()
    dead.die()
    assert one.presence.claim(both) == {"a" * 40}


def test_a_later_process_of_the_same_number_is_another_one(ledger: Ledger) -> None:
    dead, one = Process(ledger), Process(ledger)
    dead.presence.claim(["a" * 40])
    dead.become(started="long ago")  # this number is in use, by a process that started later
    assert one.presence.claim(["a" * 40]) == {"a" * 40}


def test_a_process_of_another_machine_is_gone_when_its_lease_has_run_out(
    processes: Callable[[int], list[Process]],
) -> None:
    far, one = processes(2)
    far.presence.claim(["a" * 40])
    far.become(host="elsewhere", pid=1, started="1", seen_at=time.time() - LEASE_S + 10)
    assert one.presence.claim(["a" * 40]) == set()
    far.become(seen_at=time.time() - LEASE_S - 1)
    assert one.presence.claim(["a" * 40]) == {"a" * 40}


def test_leaving_gives_back_everything_that_was_held(processes: Callable[[int], list[Process]]) -> None:
    one, other = processes(2)
    one.presence.claim(["a" * 40])
    one.shares.slots("gate", 8, 8, 0)
    one.shares.reserve("budget", 10.0, 10.0)
    one.presence.leave()
    assert other.presence.claim(["a" * 40]) == {"a" * 40}
    assert other.shares.slots("gate", 8, 8, 0) == 8
    assert other.shares.reserve("budget", 10.0, 10.0).granted


def test_what_the_dead_held_is_swept_away_and_the_living_stay(processes: Callable[[int], list[Process]]) -> None:
    dead, alive, one = processes(3)
    dead.shares.slots("gate", 8, 4, 0)
    alive.shares.slots("gate", 8, 4, 0)
    dead.die()
    one.presence.be_seen()
    with one.database.reading() as connection:
        known = set(connection.execute(sa.select(engines.c.id)).scalars())
        holding = set(connection.execute(sa.select(slots.c.engine)).scalars())
    assert known == {alive.presence.id, one.presence.id}
    assert holding == {alive.presence.id}


def test_a_process_that_was_taken_for_gone_is_known_again_once_it_is_seen(ledger: Ledger) -> None:
    slept, one = Process(ledger), Process(ledger)
    slept.become(host="elsewhere", seen_at=time.time() - LEASE_S - 1)
    one.presence.be_seen()
    slept.presence.be_seen()
    slept.presence.claim(["a" * 40])
    slept.die()  # else nobody could ever take its claims over
    assert one.presence.claim(["a" * 40]) == {"a" * 40}


@pytest.fixture
def killed() -> Iterator[tuple[int, str]]:
    """A process that was killed and that its parent has not looked at yet: its number, and when it started."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = started_at(process.pid)
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid, started
    process.communicate()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only /proc tells when a process started")
def test_a_killed_process_is_gone_before_its_parent_has_looked_at_it(ledger: Ledger, killed: tuple[int, str]) -> None:
    dead, one = Process(ledger), Process(ledger)
    dead.presence.claim(["a" * 40])
    dead.become(pid=killed[0], started=killed[1])
    assert one.presence.claim(["a" * 40]) == {"a" * 40}


# Money


def test_money_set_aside_and_spent_never_passes_the_cap_whoever_asks(opened: Opened) -> None:
    cap, several = 10.0, [(ledger := opened(), Process(ledger)) for _ in range(4)]
    peak, granted = list[float](), list[float]()

    def spend(ledger: Ledger, one: Process, random: Random) -> None:
        for number in range(25):
            held = random.uniform(0.1, 2.0)
            if not one.shares.reserve("order", cap, held).granted:
                continue
            granted.append(held)
            peak.append(total(one.database, reservations.c.usd))
            price = held * random.random()
            asked = prompt(f"{one.presence.id} {number}", ModelName("openai", "m"))
            ledger.record([receipt(asked, Reply("ok", price_usd=price))], Caller(budget="order"))
            one.shares.give_back("order", held)

    with ThreadPoolExecutor(4) as threads:
        work = [threads.submit(spend, ledger, one, Random(seed)) for seed, (ledger, one) in enumerate(several)]
        for done in work:
            done.result(60)
    assert max(peak) <= cap
    assert several[0][1].shares.spent("order") <= cap
    assert several[0][1].shares.spent("order") > cap - 2.0 or len(granted) == 100
    assert total(several[0][1].database, reservations.c.usd) == pytest.approx(0.0, abs=1e-9)


def test_a_refused_reservation_leaves_nothing_behind_and_tells_how_the_budget_stands(
    processes: Callable[[int], list[Process]],
) -> None:
    one, other = processes(2)
    assert one.shares.reserve("order", 10.0, 7.0).granted
    refused = other.shares.reserve("order", 10.0, 3.5)
    assert (refused.granted, refused.spent, refused.set_aside) == (False, 0.0, 7.0)
    assert other.shares.reserve("order", 10.0, 3.0).granted


def test_money_that_a_dead_process_had_set_aside_is_free(processes: Callable[[int], list[Process]]) -> None:
    dead, one = processes(2)
    dead.shares.reserve("order", 10.0, 10.0)
    assert not one.shares.reserve("order", 10.0, 1.0).granted
    dead.die()
    assert one.shares.reserve("order", 10.0, 10.0).granted


def test_budgets_know_nothing_of_each_other(ledger: Ledger) -> None:
    one = Process(ledger)
    assert one.shares.reserve("order", 10.0, 10.0).granted
    assert one.shares.reserve("another", 10.0, 10.0).granted
    assert one.shares.spent("order") == 0.0
