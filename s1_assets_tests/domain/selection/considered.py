"""Questions for the recipe, for tests and for a process of its own: `python -m ... SEED` prints a selection."""

import json
import sys
from random import Random
from typing import Any

from s1_assets.domain.question_quality import Flaw
from s1_assets.domain.selection.s1k import Considered, ConsideredTrace, S1KPlan, decide_s1k
from s1_assets.records.decisions import Decision


def trace(name: str = "t", **changes: Any) -> ConsideredTrace:
    values: dict[str, Any] = {
        "status": "ok",
        "has_thinking": True,
        "has_answer": True,
        "mark": "correct",
        "verdict_reason": "same_text",
        "verdict_evidence": "",
        "tokens": 100,
    }
    return ConsideredTrace(trace_id=name, **{**values, **changes})


def question(name: str, subject: str = "logic", **changes: Any) -> Considered:
    values: dict[str, Any] = {
        "source": "mine",
        "flaw": None,
        "difficulty": "hard",
        "difficulty_evidence": "0 of 2",
        "traces": (trace(f"t-{name}"),),
    }
    return Considered(question_id=name, subject=subject, **{**values, **changes})


def pool(size: int = 300) -> list[Considered]:
    """Questions of several subjects, lengths and fates; the same at every call."""
    chance = Random(1)
    return [
        question(
            f"q{number:04}",
            chance.choice(["algebra", "logic", "geometry"]),
            flaw=Flaw("missing_figure", "") if chance.random() < 0.1 else None,
            difficulty=chance.choice(["hard", "hard", "solved", "unknown", None]),
            traces=(trace(f"t{number}", tokens=chance.randrange(1_000), mark=chance.choice(["correct", "incorrect"])),),
        )
        for number in range(size)
    ]


def drawn(decisions: list[Decision]) -> list[str]:
    return [row.question_id for row in decisions if row.stage == "diversity" and row.kept]


if __name__ == "__main__":
    print(json.dumps(drawn(decide_s1k(pool(), S1KPlan(20, int(sys.argv[1]))))))
