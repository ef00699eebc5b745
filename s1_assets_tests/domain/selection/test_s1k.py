import json
import os
import subprocess
import sys
import time
from collections import Counter
from random import Random
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from s1_assets.domain.funnel import count_stages
from s1_assets.domain.question_quality import Flaw
from s1_assets.domain.selection.s1k import STAGES, Considered, ConsideredTrace, S1KPlan, decide_s1k, judge_question
from s1_assets.records.decisions import Decision
from s1_assets.records.models import Status
from s1_assets.records.verdicts import Mark
from s1_assets_tests.domain.selection.considered import drawn, pool, question, trace

TRACES = st.builds(
    ConsideredTrace,
    trace_id=st.text("abc", min_size=1, max_size=3),
    status=st.sampled_from(get_args(Status)),
    has_thinking=st.booleans(),
    has_answer=st.booleans(),
    mark=st.sampled_from(get_args(Mark)),
    verdict_reason=st.just("differs"),
    verdict_evidence=st.sampled_from(["", "found 3"]),
    tokens=st.integers(0, 5),
)
POOLS = st.lists(
    st.builds(
        Considered,
        question_id=st.text("0123456789abcdef", min_size=4, max_size=4),
        source=st.sampled_from(["one", "two"]),
        subject=st.sampled_from(["algebra", "logic", ""]),
        flaw=st.none() | st.just(Flaw("missing_figure", "see the figure")),
        difficulty=st.sampled_from(["hard", "solved", "unknown", None]),
        difficulty_evidence=st.just("why"),
        traces=st.lists(TRACES, max_size=3).map(tuple),
    ),
    unique_by=lambda one: one.question_id,
    max_size=20,
)
PLANS = st.builds(S1KPlan, size=st.integers(1, 12), seed=st.integers(0, 9), keep_unknown=st.booleans())


def decided(*questions: Considered, **plan: int) -> list[Decision]:
    return decide_s1k(questions, S1KPlan(**plan))  # type: ignore[arg-type]


def last(*questions: Considered, **plan: int) -> tuple[str, bool, str]:
    row = decided(*questions, **plan)[-1]
    return row.stage, row.kept, row.reason


@given(POOLS, PLANS)
def test_no_question_is_lost_between_stages(questions: list[Considered], plan: S1KPlan) -> None:
    decisions = decide_s1k(questions, plan)
    expected = len(questions)
    counts = {count.stage: count for count in count_stages(decisions)}
    for stage in STAGES:
        came = counts[stage].came if stage in counts else 0
        assert came == expected
        expected = counts[stage].kept if stage in counts else 0
    assert expected == len(drawn(decisions)) <= plan.size
    assert all(row.reason for row in decisions)


@given(POOLS, PLANS)
def test_a_question_meets_the_stages_in_order_until_one_drops_it(questions: list[Considered], plan: S1KPlan) -> None:
    decisions = decide_s1k(questions, plan)
    assert [(row.question_id, row.stage_number) for row in decisions] == sorted(
        (row.question_id, row.stage_number) for row in decisions
    )
    for one in questions:
        life = [row for row in decisions if row.question_id == one.question_id]
        assert [row.stage for row in life] == list(STAGES[: len(life)])
        assert [row.stage_number for row in life] == list(range(1, len(life) + 1))
        assert all(row.kept for row in life[:-1])
        assert len(life) == len(STAGES) or not life[-1].kept


@given(POOLS, PLANS)
def test_only_what_is_whole_hard_and_verified_is_drawn(questions: list[Considered], plan: S1KPlan) -> None:
    decisions = decide_s1k(questions, plan)
    by_id = {one.question_id: one for one in questions}
    for row in decisions:
        if row.stage != "diversity":
            continue
        one = by_id[row.question_id]
        assert one.flaw is None
        assert one.difficulty == "hard" or (plan.keep_unknown and one.difficulty in ("unknown", None))
        chosen = [each for each in one.traces if each.trace_id == row.trace_id and each.mark == "correct"]
        assert any(each.status == "ok" and each.has_thinking and each.has_answer for each in chosen)


@given(POOLS, PLANS, st.randoms(use_true_random=False))
def test_the_order_of_the_questions_plays_no_part(questions: list[Considered], plan: S1KPlan, chance: Random) -> None:
    shuffled = list(questions)
    chance.shuffle(shuffled)
    assert decide_s1k(shuffled, plan) == decide_s1k(questions, plan)


def test_a_large_pool_in_another_order_gives_the_same_decisions() -> None:
    decisions = decide_s1k(pool(), S1KPlan(size=20))
    for seed in range(5):
        assert decide_s1k(Random(seed).sample(pool(), 300), S1KPlan(size=20)) == decisions


def test_unknown_is_never_treated_as_hard_unless_the_plan_says_so() -> None:
    for difficulty, reason in (("unknown", "difficulty_unknown"), (None, "not_labelled")):
        assert last(question("q", difficulty=difficulty)) == ("difficulty", False, reason)
        assert last(question("q", difficulty=difficulty), keep_unknown=True) == ("diversity", True, "drawn")
    assert last(question("q", difficulty="solved"), keep_unknown=True) == ("difficulty", False, "solved_by_a_student")


def test_each_stage_names_its_reason() -> None:
    flaw = Flaw("ascii_diagram", "+--+")
    assert last(question("q", flaw=flaw, difficulty="solved")) == ("quality", False, "ascii_diagram")
    assert last(question("q", traces=())) == ("trace", False, "no_trace")
    assert last(question("q", traces=(trace(status="truncated"),))) == ("trace", False, "truncated")
    assert last(question("q", traces=(trace(has_thinking=False),))) == ("trace", False, "empty_thinking")
    assert last(question("q", traces=(trace(has_answer=False),))) == ("trace", False, "empty_answer")
    assert last(question("q", traces=(trace(mark="incorrect"),))) == ("verdict", False, "incorrect")
    assert last(question("q", traces=(trace(mark="unscored"),))) == ("verdict", False, "unscored")
    assert decided(question("q", flaw=flaw))[-1].evidence == "+--+"


def test_of_several_traces_the_first_right_one_is_taken() -> None:
    traces = (trace("cut", status="truncated"), trace("wrong", mark="incorrect"), trace("right"), trace("later"))
    rows = decided(question("q", traces=traces))
    assert [row.trace_id for row in rows] == [None, None, "wrong", "right", "right"]


def test_a_plan_larger_than_the_pool_takes_all_that_survive() -> None:
    decisions = decide_s1k(pool(), S1KPlan(size=10_000))
    met = [row for row in decisions if row.stage == "diversity"]
    assert len(drawn(decisions)) == len(met) > 50
    assert decide_s1k([], S1KPlan()) == []


def test_a_question_that_is_not_drawn_knows_the_size_and_its_rank() -> None:
    rows = decided(*(question(f"q{n}", traces=(trace(tokens=n),)) for n in range(9)), size=8)
    left = next(row for row in rows if row.reason == "not_drawn")
    longer = 8 - int(left.question_id[1:])
    assert left.evidence == f"8 rows were drawn without it; {longer} of 9 in logic have a longer trace"


def test_the_seed_decides_and_nothing_of_the_process_does() -> None:
    def selection(hash_seed: str, seed: int) -> list[str]:
        command = [sys.executable, "-m", "s1_assets_tests.domain.selection.considered", str(seed)]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return list(json.loads(done.stdout))

    first = selection("1", 7)
    assert first == selection("2", 7)
    assert len(first) == 20
    assert first != selection("1", 8)


def test_the_free_stages_are_the_same_before_and_after_the_teacher() -> None:
    for one in pool():
        free = list(judge_question(one.flaw, one.difficulty, one.difficulty_evidence, keep_unknown=False))
        kept_free = all(kept for _, kept, _, _ in free)
        reached = any(row.stage == "trace" for row in decided(one))
        assert kept_free == reached


def test_fifty_thousand_questions_of_one_subject_are_decided_in_seconds() -> None:
    questions = [question(f"q{n:05}", traces=(trace(tokens=n),)) for n in range(50_000)]
    started = time.process_time()
    decisions = decide_s1k(questions, S1KPlan())
    assert time.process_time() - started < 10
    assert Counter(row.reason for row in decisions if row.stage == "diversity") == {"drawn": 1_000, "not_drawn": 49_000}
