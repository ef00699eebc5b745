"""A run whose teacher is a server: what was answered is not asked again, whatever ends the run."""

import signal
import time
from collections.abc import Callable
from typing import Any

from s1_assets_tests.end_to_end.conftest import Started
from s1_assets_tests.fakes.chat_server import Answer, chat_server, message
from s1_assets_tests.project import Project
from s1_assets_tests.waiting import wait_until

RUN = ("run", "--sources", "gcd", "--limit", "40")


def slow(body: dict[str, Any], number: int) -> Answer:
    time.sleep(1)
    return message("<think>I divide.</think>Final answer: \\boxed{1}")


def test_ctrl_c_loses_no_answer_that_comes_within_moments(
    project: Project, ended: Callable[[Started], Started]
) -> None:
    with chat_server(slow) as server:
        project.environment["S1_TEACHER"] = f"openai:model@{server.base_url}"
        process = ended(project.start("s1", *RUN, log=project.folder.parent / "told"))
        wait_until(lambda: len(server.journal) >= 5, what="the fifth call")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        told = project.json(*RUN)
    prompts = [call["messages"][-1]["content"] for call in server.journal]
    assert len(prompts) == len(set(prompts))
    assert told["failed"] == []
    assert told["calls"]["paid_again"] == 0


def test_rows_of_a_real_teacher_are_told_from_the_embedded_ones(project: Project) -> None:
    with chat_server(lambda body, number: message("<think>I divide.</think>Final answer: \\boxed{1}")) as server:
        project.environment["S1_TEACHER"] = f"openai:model@{server.base_url}"
        told = project.s1(*RUN).stdout
    assert "are the embedded model's" not in told
    assert "price unknown" in told
    assert {row["model"] for row in project.json("show", "s1k_dataset")} == {f"openai:model@{server.base_url}"}
    assert {row["mark"] for row in project.json("show", "scored_traces:gcd", "--head", "99")} == {
        "correct",
        "incorrect",
    }
