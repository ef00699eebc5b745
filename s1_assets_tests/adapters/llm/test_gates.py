"""What a gate learns from headers, refusals and other processes, by times that the tests name."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s1_assets.adapters.llm.gates import FIRST_WINDOW, LONGEST_WAIT_S, LOWEST_PER_S, PER_ANSWER, WINDOW_STEP, Gate
from s1_assets.adapters.llm.provider import Key, Told
from s1_assets.adapters.llm.rates import Learned, Rate

START = 1_000_000.0
NEVER = Learned(None, 0.0, 0.0)


def gate(told: Rate | None = None, limit: int = 64, keys: int = 1, **changes: object) -> Gate:
    made = [Key(f"secret-{number}", f"print-{number}", "group") for number in range(keys)]
    return Gate("gate", made, told or Rate(), limit, slots=limit, **changes)  # type: ignore[arg-type]


def accept(one: Gate, count: int, since: float = START) -> None:
    """Requests sent at `since` and answered."""
    for _ in range(count):
        one.sent(since)
        one.answered(100)
        one.done()


def cut(one: Gate, now: float, wait_s: float = 0.0, sent_at: float | None = None) -> bool:
    """A request is refused, and what came until the pause is over is measured; whether the rate was cut."""
    one.was_refused(now if sent_at is None else sent_at, now, wait_s)
    return one.measure(one.paused_until)


def kept_house(one: Gate, seconds: int, since: float) -> list[float | None]:
    """The rate after each second in which nothing is refused."""
    rates = []
    for second in range(1, seconds + 1):
        one.raise_rate(since + second)
        rates.append(one.per_second)
    return rates


# What is told


def test_a_gate_that_knows_nothing_is_not_paced() -> None:
    assert not gate().is_paced
    assert gate().rate.is_unlimited


@pytest.mark.parametrize("told", [Rate(5.0), Rate(None, 100.0), Rate(None, None, 250)])
def test_any_told_limit_paces(told: Rate) -> None:
    assert gate(told).is_paced
    assert gate(told).rate == told


def test_the_lower_of_told_and_learned_holds() -> None:
    assert gate(Rate(5.0), per_second=3.0).rate.per_second == 3.0
    assert gate(Rate(5.0), per_second=9.0).rate.per_second == 5.0


# Headers


def test_headers_pace_a_gate_that_was_told_nothing() -> None:
    one = gate()
    assert one.learn(Told(requests_per_minute=1_200, tokens_per_minute=60_000), START)
    assert (one.is_paced, one.rate) == (True, Rate(20.0, 1_000.0))


def test_the_same_headers_again_are_no_news_and_others_are() -> None:
    one = gate()
    one.learn(Told(1_200, 60_000), START)
    assert not one.learn(Told(1_200, 60_000), START)
    assert one.learn(Told(600, 60_000), START)
    assert one.rate.per_second == 10.0


def test_what_a_person_told_outlives_what_headers_say() -> None:
    one = gate(Rate(5.0, 50.0))
    one.learn(Told(1_200, 60_000), START)
    assert one.rate == Rate(5.0, 50.0)


def test_headers_do_not_lift_a_rate_that_was_cut_below_them() -> None:
    one = gate()
    one.learn(Told(1_200), START)
    assert cut(one, START + 1, 1.0)
    one.learn(Told(1_200), START + 2)
    assert one.per_second == 10.0


def test_a_refusal_of_what_was_sent_before_the_headers_came_is_no_reason_to_cut() -> None:
    one = gate()
    one.learn(Told(1_200), START + 1)
    assert not cut(one, START + 1.1, 1.0, sent_at=START + 0.9)
    assert one.rate.per_second == 20.0


# Refusals


def test_a_refusal_cuts_to_just_below_the_rate_that_was_accepted() -> None:
    one = gate()
    accept(one, 100)
    assert cut(one, START + 10)
    assert one.per_second == pytest.approx(0.97 * 10)


def test_the_wait_counts_as_part_of_the_time_in_which_so_many_were_accepted() -> None:
    one = gate()
    accept(one, 100)
    assert cut(one, START + 5, 15.0)
    assert one.per_second == pytest.approx(0.97 * 5)
    assert one.paused_until == START + 20


def test_answers_that_come_during_the_pause_count_too() -> None:
    one = gate()
    accept(one, 50)
    one.was_refused(START + 9, START + 9, 1.0)
    assert not one.measure(START + 9.5)
    accept(one, 50)
    assert one.measure(START + 10)
    assert one.per_second == pytest.approx(0.97 * 10)


def test_of_many_refused_together_only_the_first_cuts() -> None:
    one = gate()
    accept(one, 100)
    fresh = [one.was_refused(START + 9, START + 10 + number / 100, 1.0) for number in range(20)]
    assert fresh == [True] + [False] * 19
    assert one.refused == 20
    assert [one.measure(START + 20), one.measure(START + 21)] == [True, False]
    assert one.was_refused(START + 22, START + 22, 1.0)


def test_a_known_rate_is_never_more_than_halved_and_always_lowered() -> None:
    starved, full = gate(Rate(20.0)), gate(Rate(20.0))
    accept(starved, 1)
    cut(starved, START + 10)
    assert starved.rate.per_second == 10.0
    accept(full, 500)
    cut(full, START + 10)
    assert full.rate.per_second == pytest.approx(0.97 * 20)


def test_before_any_answer_a_refusal_means_one_a_second_or_half_of_what_is_known() -> None:
    blind, told = gate(), gate(Rate(20.0))
    cut(blind, START)
    cut(told, START)
    assert (blind.per_second, told.per_second) == (1.0, 10.0)


def test_no_refusals_bring_a_gate_to_a_stop() -> None:
    one = gate()
    for minute in range(60):
        cut(one, START + 60 * minute, 1.0)
    assert one.per_second == LOWEST_PER_S


def test_waits_that_nobody_told_double_up_to_a_minute_and_begin_anew_after_an_answer() -> None:
    one, now, waits = gate(), START, []
    for _ in range(9):
        one.was_refused(now, now, None)
        waits.append(one.paused_until - now)
        now = one.paused_until
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST_WAIT_S, LONGEST_WAIT_S, LONGEST_WAIT_S]
    accept(one, 1, now)
    one.was_refused(now, now, None)
    assert one.paused_until - now == 1


def test_a_short_wait_does_not_shorten_a_long_one() -> None:
    one = gate()
    one.was_refused(START, START, 30.0)
    one.was_refused(START, START + 1, 2.0)
    assert one.paused_until == START + 30


# Raising


def cut_twice(one: Gate) -> Gate:
    """A gate whose rate is a measured one: 0.5 a second at the latest from `START` on."""
    cut(one, START - 10)
    cut(one, START)
    return one


def test_a_cut_rate_is_left_alone_for_a_moment_then_raised_ever_faster() -> None:
    one = cut_twice(gate())
    rates = [one.per_second or 0.0, *(rate or 0.0 for rate in kept_house(one, 150, START))]
    growth = [after / before for before, after in pairwise(rates)]
    assert growth[0] == 1.0
    assert growth[1:29] == pytest.approx([1.006] * 28)
    assert growth[29:119] == pytest.approx([1.03] * 90)
    assert growth[119:] == pytest.approx([1.10] * 31)


def test_a_rate_that_may_have_been_one_small_burst_is_raised_fast_until_the_next_refusal() -> None:
    one = gate()
    cut(one, START)
    kept_house(one, 20, START)
    assert (one.per_second or 0.0) > 50
    cut(one, START + 21)
    slow = one.per_second or 0.0
    kept_house(one, 10, START + 21)
    assert slow < (one.per_second or 0.0) < 1.1 * slow


def test_a_rate_is_raised_at_most_once_a_second() -> None:
    one = cut_twice(gate())
    assert [one.raise_rate(START + 10 + quarter / 4) for quarter in range(5)] == [True, False, False, False, True]


@pytest.mark.parametrize("by", ["told", "headers"])
def test_a_rate_is_raised_no_higher_than_what_is_known(by: str) -> None:
    one = gate(Rate(20.0)) if by == "told" else gate()
    one.learn(Told(1_200), START)
    cut(one, START)
    assert (one.rate.per_second or 20.0) < 20.0
    kept_house(one, 300, START)
    assert one.rate.per_second == 20.0


def test_a_rate_that_was_never_cut_is_not_raised() -> None:
    one = gate()
    one.learn(Told(1_200), START)
    assert not one.raise_rate(START + 100)


def test_nothing_is_raised_during_a_pause() -> None:
    one = cut_twice(gate())
    one.was_refused(START + 1, START + 1, 60.0)
    assert not one.raise_rate(START + 60)


# What other processes learned


def test_a_gate_takes_over_what_another_process_learned_later() -> None:
    one = gate()
    one.adopt(Learned(7.0, START, START + 5), START + 1)
    assert (one.per_second, one.paused_until) == (7.0, START + 5)
    assert one.is_paced


def test_a_gate_keeps_what_it_learned_later_itself() -> None:
    one = gate()
    cut(one, START)
    one.adopt(Learned(7.0, START - 1, 0.0), START + 1)
    assert one.per_second == 1.0


def test_what_was_learned_more_than_an_hour_ago_is_forgotten() -> None:
    one = gate()
    one.adopt(Learned(7.0, START, 0.0), START + 3_601)
    assert one.per_second is None


def test_nothing_learned_changes_nothing() -> None:
    one = gate(Rate(5.0))
    one.adopt(NEVER, START)
    assert (one.per_second, one.paused_until) == (None, 0.0)


def test_a_raise_that_a_gate_reads_back_does_not_begin_the_quiet_time_anew() -> None:
    alone, sharing, found = cut_twice(gate()), cut_twice(gate()), NEVER
    kept_house(alone, 150, START)
    for second in range(1, 151):
        now = START + second
        sharing.adopt(found, now)
        if sharing.raise_rate(now):
            found = Learned(sharing.per_second, now + 0.005, 0.0)  # as stored, a moment after it was decided
    assert sharing.per_second == pytest.approx(alone.per_second)


# One limit behind several gates


def test_gates_that_were_refused_together_though_they_kept_to_their_rates_share_a_limit() -> None:
    one, other = gate(Rate(20.0)), gate()
    other.learn(Told(1_200), START)
    assert not one.shares_limit_with(other)
    other.was_refused(START, START, 1.0)
    one.was_refused(START, START + 2, 1.0)
    assert one.shares_limit_with(other)


def test_gates_that_know_no_rate_or_were_refused_apart_do_not_count_as_sharing() -> None:
    one, later, blind = gate(Rate(20.0)), gate(Rate(20.0)), gate()
    one.was_refused(START, START, 1.0)
    later.was_refused(START + 10, START + 10, 1.0)
    blind.was_refused(START, START, 1.0)
    assert not one.shares_limit_with(later)
    assert not one.shares_limit_with(blind)


def test_a_gate_that_absorbs_another_goes_on_with_the_keys_and_the_room_of_both() -> None:
    one, other = gate(Rate(20.0), keys=1), gate(Rate(20.0), keys=2)
    one.absorb(other, START)
    assert {one.key(), one.key(), one.key()} == {*one.keys}
    assert len(one.keys) == 3
    assert one.limit == 128
    assert other.closed and other.room == 0 and other.changed.is_set()


@pytest.mark.parametrize("measured", [False, True])
def test_a_merged_gate_sends_about_as_fast_as_both_were_accepted_together(measured: bool) -> None:
    one, other = gate(Rate(20.0)), gate(Rate(20.0))
    accept(one, 100)
    accept(other, 100)
    other.was_refused(START + 9.9, START + 10, 0.0)
    if measured:  # its pause was over before the first one was refused, too
        other.measure(START + 10)
    one.was_refused(START + 9.9, START + 10, 0.0)
    one.absorb(other, START + 10)
    assert one.rate.per_second == pytest.approx(20.0, rel=0.1)


def test_gates_merged_before_any_answer_go_on_at_half_of_what_one_was_told() -> None:
    one, other = gate(Rate(20.0)), gate(Rate(20.0))
    for each in (other, one):
        each.was_refused(START, START, 1.0)
    one.absorb(other, START)
    one.measure(START + 1)
    assert 10.0 <= (one.rate.per_second or 0.0) <= 20.0


def test_a_merged_gate_may_be_raised_to_the_sum_of_what_was_told() -> None:
    one, other = gate(Rate(20.0)), gate(Rate(10.0))
    one.absorb(other, START)
    kept_house(one, 300, START)
    assert one.rate.per_second == 30.0


# Windows and keys


def test_the_window_opens_with_each_answer_up_to_the_limit() -> None:
    one = gate(limit=40)
    assert one.room == FIRST_WINDOW
    accept(one, 5)
    assert one.room == FIRST_WINDOW + 5 * PER_ANSWER
    accept(one, 100)
    assert one.room == 40


def test_the_window_opens_with_time_but_not_without_end_before_an_answer() -> None:
    one = gate(limit=1_000)
    for _ in range(100):
        one.grow()
    assert one.window <= 8 * FIRST_WINDOW + WINDOW_STEP
    one.answered(1)
    for _ in range(200):
        one.grow()
    assert one.window == 1_000


def test_a_fault_before_any_answer_shrinks_the_window_to_one_and_later_ones_do_not() -> None:
    one = gate()
    one.hold_back()
    assert one.room == 1
    accept(one, 1)
    one.hold_back()
    assert one.window == 1 + PER_ANSWER


def test_room_is_what_slots_and_window_leave_and_none_where_closed() -> None:
    one = gate(limit=64, window=64.0)
    one.slots = 5
    one.sent(START)
    one.sent(START)
    assert one.room == 3
    one.close("key dead")
    assert one.room == 0


def test_keys_take_turns() -> None:
    one = gate(keys=3)
    assert [one.key() for _ in range(6)].count(one.keys[0]) == 2
    assert gate(keys=0).key() is None


def test_expected_tokens_follow_the_answers() -> None:
    one = gate()
    one.answered(1_000)
    assert one.tokens_each == 1_000
    for _ in range(200):
        one.answered(50)
    assert one.tokens_each == pytest.approx(50, rel=0.01)


@given(st.lists(st.tuples(st.sampled_from(["sent", "ok", "refused", "tick"]), st.floats(0.001, 30.0)), max_size=60))
def test_whatever_happens_a_gate_keeps_to_what_it_was_told(steps: list[tuple[str, float]]) -> None:
    one, now = gate(Rate(20.0), limit=32), START
    for what, seconds in steps:
        now += seconds
        match what:
            case "sent":
                one.sent(now)
            case "ok":
                one.answered(10)
            case "refused":
                one.was_refused(now - seconds / 2, now, None)
            case "tick":
                one.grow()
                one.measure(now)
                one.raise_rate(now)
        assert LOWEST_PER_S <= (one.rate.per_second or 0.0) <= 20.0
        assert 1 <= one.window <= 32
        assert one.paused_until <= now + LONGEST_WAIT_S
