"""Checks that no row is lost without a reason: rows in = rows out + rows set aside."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from s1_assets.domain.selection.s1k import STAGES
from s1_assets.ports import Address
from s1_assets.resources.house import House

CAME = "came"
"""Fact of every balanced table: the rows that its inputs say there should be, counted apart from the rows written."""
BALANCED = (
    "raw_questions",
    "student_attempts",
    "difficulty_labels",
    "trace_candidates",
    "raw_traces",
    "scored_traces",
)


def _balance_check(asset: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=asset, name="row_balance", description="Rows in = rows out + rows set aside.")
    def row_balance(context: dg.AssetCheckExecutionContext, house: House) -> dg.AssetCheckResult:
        version = house.tables.current(Address(asset, context.partition_key if context.has_partition_key else None))
        if version is None:
            return dg.AssetCheckResult(passed=False, description="nothing is stored")
        came = version.facts.get(CAME)
        counted = {"came": came, "rows": version.rows, "set_aside": version.set_aside}
        return dg.AssetCheckResult(passed=came == version.rows + version.set_aside, metadata=counted)

    return row_balance


@dg.asset_check(asset="s1k_decisions", name="row_balance", description="Every stage: came = kept + dropped.")
def decisions_balance(house: House) -> dg.AssetCheckResult:
    """Each stage takes what the one before kept, drops nothing without a reason, and has a row for each question."""
    version = house.tables.current(Address("s1k_decisions"))
    if version is None:
        return dg.AssetCheckResult(passed=False, description="nothing is stored")
    funnel = version.facts["funnel"]
    faults = funnel_faults(funnel, version.facts[CAME])
    met = sum(stage["came"] for stage in funnel.values())
    if met != version.rows:
        faults.append(f"{version.rows} decisions are stored, {met} were made")
    return dg.AssetCheckResult(passed=not faults, description="; ".join(faults))


@dg.asset_check(asset="s1k_dataset", name="row_balance", description="As many rows as the last stage kept.")
def dataset_balance(house: House) -> dg.AssetCheckResult:
    """The set holds what the decisions selected, all of it, and nothing that was not marked correct."""
    version, decisions = house.tables.current(Address("s1k_dataset")), house.tables.current(Address("s1k_decisions"))
    if version is None or decisions is None:
        return dg.AssetCheckResult(passed=False, description="nothing is stored")
    kept = decisions.facts["funnel"].get(STAGES[-1], {"kept": 0})["kept"]
    counted = {"selected": kept, "rows": version.rows, "verified_correct": version.facts["verified_correct"]}
    return dg.AssetCheckResult(passed=len(set(counted.values())) == 1, metadata=counted)


def funnel_faults(funnel: Mapping[str, Mapping[str, Any]], questions: int) -> list[str]:
    faults, expected = [], questions
    for stage in STAGES:
        count = funnel.get(stage, {"came": 0, "kept": 0, "dropped": {}})
        if count["came"] != expected:
            faults.append(f"{stage}: {count['came']} came, {expected} expected")
        if count["came"] != count["kept"] + sum(count["dropped"].values()):
            faults.append(f"{stage}: {count['came']} came, {count['kept']} kept, {count['dropped']} dropped")
        expected = count["kept"]
    return faults


BALANCE_CHECKS = [*(_balance_check(asset) for asset in BALANCED), decisions_balance, dataset_balance]
