"""A run whose teacher costs money: told before, capped, paid once, and without a trace of the key."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from s1_assets_tests.fakes.llm_server import Answer, LlmServer, always, llm_server
from s1_assets_tests.project import Project

RUN = ("run", "--sources", "gcd", "--limit", "40")
KEYS = {"GEMINI_API_KEY_1": "first-key-of-the-tests", "GEMINI_API_KEY_2": "second-key-of-the-tests"}
REASONED = Answer(text="<reasoning>I divide.</reasoning>\nFinal answer: \\boxed{1}")


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with llm_server(always(REASONED)) as running:
        yield running


@pytest.fixture
def paying(project: Project, server: LlmServer) -> Project:
    """A project whose teacher is a Gemini model that hides its thoughts."""
    project.environment |= {**KEYS, "S1_TEACHER": f"gemini:gemini-3.8-flash@{server.gemini_url}"}
    return project


def test_nothing_is_asked_before_somebody_agrees(paying: Project, server: LlmServer) -> None:
    refused = paying.s1(*RUN, expect=1)
    assert "--yes agrees beforehand" in refused.stderr
    assert "Likely" in refused.stdout
    assert "10.00 USD (the default" in refused.stdout
    assert server.calls == []


def test_an_estimate_is_what_the_run_then_asks(paying: Project, server: LlmServer) -> None:
    before = paying.json("estimate", *RUN[1:])["lines"][-1]
    told = paying.json(*RUN, "--yes")
    after = paying.json("estimate", *RUN[1:])["lines"][-1]
    assert before["asset"] == "raw_traces"
    assert 0 < len(server.paid()) <= before["calls_most"]
    assert (after["calls_most"], after["in_ledger"]) == (0, len(server.paid()))
    (spent,) = [each for each in told["spending"] if each["asset"] == "raw_traces"]
    assert spent["price_usd"] > 0
    again = paying.json(*RUN, "--yes")
    assert again["calls"] == {"asked": 0, "from_ledger": 0, "paid_again": 0}


def test_reasoning_that_was_asked_for_in_the_answer_is_the_trace(paying: Project, server: LlmServer) -> None:
    paying.s1(*RUN, "--yes")
    (row, *_) = paying.json("show", "raw_traces:gcd", "--head", "1")
    assert (row["thinking"], row["thinking_kind"]) == ("I divide.", "visible")
    assert row["answer"] == "Final answer: \\boxed{1}"
    assert row["prompt_version"] == "visible-v1"
    assert "<reasoning>" in server.calls[0].prompt


def test_the_budget_stops_the_run_and_a_higher_one_goes_on(paying: Project, server: LlmServer) -> None:
    server.rules.answer = lambda asked: replace(REASONED, thinking_tokens=40_000)  # 0.15 USD
    paying.environment["S1_BUDGET_USD"] = "0.5"  # two calls at their worst: 65,536 tokens at 3.75 USD a million
    stopped = paying.json(*RUN, "--yes", expect=1)
    (failed,) = [each["error"] for each in stopped["failed"] if each["source"] == "gcd"]
    assert "the budget is spent" in failed
    assert "S1_BUDGET_USD" in failed
    assert len(server.paid()) == 2  # a third could have passed the cap
    assert sum(each["price_usd"] for each in stopped["spending"]) <= 0.5
    paying.environment["S1_BUDGET_USD"] = "20"
    done = paying.json(*RUN, "--yes")
    prompts = [call.prompt for call in server.paid()]
    assert len(prompts) == len(set(prompts))
    assert done["failed"] == []


def test_a_teacher_without_thinking_is_stopped_after_twenty_replies(paying: Project, server: LlmServer) -> None:
    server.rules.answer = lambda asked: Answer(text="\\boxed{1}")
    told = paying.json("run", "--sources", "gcd", "--limit", "200", "--yes", expect=1)
    (failed,) = [each["error"] for each in told["failed"] if each["source"] == "gcd"]
    assert "hold no thinking" in failed
    assert len(server.paid()) <= 20 + 30  # what was under way on two keys


def test_a_dead_key_costs_no_row_and_both_dead_stop_the_run(paying: Project, server: LlmServer) -> None:
    server.rules.dead_keys = {KEYS["GEMINI_API_KEY_1"]: 403}
    assert paying.json(*RUN, "--yes")["failed"] == []
    server.rules.dead_keys |= {KEYS["GEMINI_API_KEY_2"]: 400}
    paying.environment["S1_TEACHER"] = f"gemini:gemini-3.5-flash@{server.gemini_url}"
    before = len(server.calls)
    told = paying.json(*RUN, "--yes", expect=1)
    (failed,) = [each["error"] for each in told["failed"] if each["source"] == "gcd"]
    assert "no key is left" in failed
    assert len(server.calls) - before <= 40


def test_no_key_is_anywhere_in_what_a_run_leaves(paying: Project, server: LlmServer) -> None:
    server.rules.dead_keys = {KEYS["GEMINI_API_KEY_1"]: 403}  # the fake's words repeat the key, as Google's do
    told = paying.s1(*RUN, "--yes")
    told_json = json.dumps(paying.json("status"))
    left = _files(paying.folder)
    assert any(".s1/ledger.db" in str(file) for file in left)
    assert any(".dagster" in str(file) for file in left)
    for secret in KEYS.values():
        assert secret not in told.stdout + told.stderr + told_json
        assert [file for file in left if secret.encode() in file.read_bytes()] == []


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def test_an_estimate_counts_what_the_run_makes_anew_and_not_what_an_earlier_one_left(paying: Project) -> None:
    paying.s1("run", "--sources", "gcd", "--limit", "10", "--yes")
    teacher = paying.json("estimate", "--sources", "gcd")["lines"][-1]
    assert teacher["calls_most"] > 50
    assert teacher["usd_likely"] > 0
    assert "--yes agrees beforehand" in paying.s1("run", "--sources", "gcd", expect=1).stderr


def test_what_failed_is_asked_again_only_when_told_to(paying: Project, server: LlmServer) -> None:
    paying.environment["S1_TEACHER"] = f"openai:model@{server.openai_url}"
    server.rules.answer = lambda asked: Answer(fault="status:400")
    paying.s1("run", "--sources", "gcd", "--limit", "20")
    asked = len(server.calls)
    assert {row["status"] for row in paying.json("show", "raw_traces:gcd", "--head", "50")} == {"failed"}
    server.rules.answer = lambda asked: Answer("I divide.", "Final answer: \\boxed{1}")
    assert paying.json("run", "--sources", "gcd", "--limit", "20")["calls"]["asked"] == 0
    again = paying.json("run", "--sources", "gcd", "--limit", "20", "--retry-failed")
    assert again["calls"]["asked"] == asked == len(server.paid())
    assert {row["status"] for row in paying.json("show", "raw_traces:gcd", "--head", "50")} == {"ok"}
    assert paying.json("run", "--sources", "gcd", "--limit", "20", "--retry-failed")["runs"] == 0
