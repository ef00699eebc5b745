"""The balance checks: they see a row that is lost."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from s1_assets.assets.balance import BALANCE_CHECKS, funnel_faults
from s1_assets.records.attempts import Candidate
from s1_assets.records.questions import SetAside
from s1_assets.records.tables import TABLES, write_rows
from s1_assets.resources.artifact import Artifact
from s1_assets.resources.house import House
from s1_assets.resources.io_manager import TableIOManager

ASIDE = [SetAside("9", "quality", "ascii_diagram", "")]


@pytest.mark.parametrize(("came", "passed"), [(4, True), (5, False), (3, False)])
def test_rows_in_are_rows_out_and_rows_set_aside(
    came: int, passed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [Candidate(name, "a", "question", "logic", "hard") for name in "123"]

    @dg.asset(name="trace_candidates", partitions_def=dg.StaticPartitionsDefinition(["a"]))
    def candidates() -> Any:
        batches = write_rows(TABLES["trace_candidates"], rows)
        return Artifact(batches, set_aside=ASIDE, facts=lambda: {"came": came})

    check = next(check for check in BALANCE_CHECKS if next(iter(check.check_keys)).asset_key == candidates.key)
    house = House()
    made = dg.materialize(
        [candidates, check], partition_key="a", resources={"house": house, "io_manager": TableIOManager(house)}
    )
    (evaluation,) = made.get_asset_check_evaluations()
    assert evaluation.passed is passed


def funnel(**changes: Any) -> dict[str, Any]:
    stages = {
        "quality": {"came": 10, "kept": 9, "dropped": {"ascii_diagram": 1}},
        "difficulty": {"came": 9, "kept": 4, "dropped": {"solved_by_a_student": 5}},
        "trace": {"came": 4, "kept": 4, "dropped": {}},
        "verdict": {"came": 4, "kept": 3, "dropped": {"incorrect": 1}},
        "diversity": {"came": 3, "kept": 3, "dropped": {}},
    }
    return {**stages, **changes}


def test_a_funnel_that_adds_up_has_no_fault() -> None:
    assert funnel_faults(funnel(), 10) == []


def test_a_question_that_is_lost_between_or_in_stages_is_told() -> None:
    assert funnel_faults(funnel(), 11) == ["quality: 10 came, 11 expected"]
    lost = funnel(trace={"came": 4, "kept": 3, "dropped": {}})
    assert funnel_faults(lost, 10) == [
        "trace: 4 came, 3 kept, {} dropped",
        "verdict: 4 came, 3 expected",
    ]
