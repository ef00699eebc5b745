"""Counting what came in, what went on and what was dropped by which reason."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from s1_assets.records.decisions import Decision


@dataclass(slots=True)
class StageCount:
    """One stage of a funnel: `came = kept + sum(dropped.values())`, always."""

    stage: str
    came: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


def count_stages(decisions: Iterable[Decision]) -> list[StageCount]:
    """The funnel of a selection, stages in the order of the recipe."""
    counts: dict[int, StageCount] = {}
    for decision in decisions:
        count = counts.setdefault(decision.stage_number, StageCount(decision.stage))
        count.came += 1
        if decision.kept:
            count.kept += 1
        else:
            count.dropped[decision.reason] += 1
    return [counts[number] for number in sorted(counts)]
