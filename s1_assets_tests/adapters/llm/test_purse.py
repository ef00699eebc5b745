"""Several purses of one budget: none waits for what another keeps and does not use."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from s1_assets.adapters.llm.ledger.presence import Presence
from s1_assets.adapters.llm.ledger.schema import Database
from s1_assets.adapters.llm.ledger.shares import Shares
from s1_assets.adapters.llm.purse import Purse
from s1_assets.adapters.llm.retries import Call
from s1_assets.errors import BudgetSpent
from s1_assets.records.models import ModelRequest
from s1_assets_tests.records import request

CAP_USD, WORST_USD = 0.92, 0.40


async def here(work: Callable[..., Any], *arguments: Any) -> Any:
    return work(*arguments)


def purse(database: Database, worst: Callable[[ModelRequest], float]) -> Purse:
    presence = Presence(database)
    presence.enter()
    made = Purse("order", CAP_USD, "a cap", worst)
    made.attach(Shares(database, presence), here)
    return made


def call(text: str) -> Call:
    return Call(text * 40, "{}", request(text))


def test_two_processes_near_the_cap_both_come_to_an_end(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/ledger.db")
    price = {"usd": WORST_USD}
    purses = [purse(database, lambda request: price["usd"]) for _ in range(2)]

    async def both() -> list[str]:
        for each in purses:
            held = call("a")
            await each.hold(held)
            each.let_go(held)  # kept by the purse, and used by no call
        price["usd"] = 0.50
        return list(await asyncio.gather(*(_hold(each) for each in purses)))

    assert sorted(asyncio.run(asyncio.wait_for(both(), 5))) in (["held", "spent"], ["spent", "spent"])
    database.close()


async def _hold(each: Purse) -> str:
    try:
        held = call("b")
        await each.hold(held)
    except BudgetSpent:
        return "spent"
    await asyncio.sleep(0.5)
    await each.charge(held)
    return "held"


def test_a_try_that_was_given_up_counts_as_spent(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/ledger.db")
    one = purse(database, lambda request: WORST_USD)

    async def given_up() -> float:
        held = call("a")
        await one.hold(held)
        await one.charge(held)
        return held.held_usd

    assert asyncio.run(given_up()) == 0.0
    assert Shares(database, Presence(database)).spent("order") == WORST_USD
    database.close()
