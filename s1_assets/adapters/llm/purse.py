"""Money of one engine: set aside for the worst before a call, settled by its price after.

The cap holds over all processes of a budget: what is set aside stands in the ledger's database.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from s1_assets.adapters.llm.ledger.shares import Shares
from s1_assets.adapters.llm.rates import Balance
from s1_assets.adapters.llm.retries import Call
from s1_assets.errors import BudgetSpent
from s1_assets.records.models import ModelRequest

AT_ONCE = 8
"""Calls whose money is set aside together."""
ROUNDING_USD = 1e-6
LOOK_S = 0.2
"""Between two looks whether calls under way have cost less than the worst."""


class Purse:
    """Sets money aside; not for several threads."""

    def __init__(
        self, budget: str, cap_usd: float, cap_name: str, worst: Callable[[ModelRequest], float | None]
    ) -> None:
        """Set nothing aside yet.

        Args:
            cap_name: How the cap was set, for the message that stops a run.
            worst: The most a call can cost in US dollars; None where unknown, which the caller has ruled out for models
                that cost.
        """
        self._budget, self._cap_usd, self._cap_name, self._worst = budget, cap_usd, cap_name, worst
        self._free = 0.0
        self._lock = asyncio.Lock()

    def attach(self, shares: Shares, in_thread: Callable[..., Awaitable[Any]]) -> None:
        self._shares, self._in_thread = shares, in_thread

    async def hold(self, call: Call) -> None:
        """Set the worst price of a call aside; waits while calls under way may still turn out cheaper.

        Raises:
            BudgetSpent: If the call could pass the cap.
        """
        worst = self._worst(call.request) or 0.0
        async with self._lock:
            while self._free < worst:
                for wanted in (AT_ONCE * worst - self._free, worst - self._free):
                    balance: Balance = await self._in_thread(self._shares.reserve, self._budget, self._cap_usd, wanted)
                    if balance.granted:
                        self._free += wanted
                        break
                else:
                    if self._free >= worst:  # a call that waits to be tried again let go of it meanwhile
                        break
                    if self._free:  # or two processes could wait for what the other keeps and does not use
                        await self.give_back_free()
                        continue
                    if balance.set_aside <= ROUNDING_USD or balance.spent + worst > self._cap_usd:
                        raise BudgetSpent(self._told(balance, worst))
                    await asyncio.sleep(LOOK_S)
            self._free -= worst
            call.held_usd = worst

    def let_go(self, call: Call) -> None:
        """What was held for a call that is not under way any more is free for others; it is held anew before a try."""
        self._free += call.held_usd
        call.held_usd = 0.0

    async def give_back_free(self) -> None:
        """Leave to other processes what no call of ours needs now."""
        free, self._free = self._free, 0.0
        if free:
            await self._in_thread(self._shares.give_back, self._budget, free)

    async def charge(self, call: Call) -> None:
        """Count what was held for a try as spent: we gave it up, and the vendor may charge for it all the same."""
        usd, call.held_usd = call.held_usd, 0.0
        if usd:
            await self._in_thread(self._shares.charge, self._budget, usd)

    async def settle(self, calls: list[Call], usd: float) -> None:
        """After the calls' price was recorded as spent: the rest of what was held for them is free again."""
        held = sum(call.held_usd for call in calls)
        for call in calls:
            call.held_usd = 0.0
        if held:
            await self._in_thread(self._shares.give_back, self._budget, usd)
            self._free += held - usd

    def _told(self, balance: Balance, worst: float) -> str:
        return (
            f"the budget is spent: {balance.spent:,.2f} of {self._cap_usd:,.2f} USD ({self._cap_name}), tries included "
            "that were given up and may be billed, and the next "
            f"call may cost {worst:,.2f}. Nothing more was sent; what was answered is in the ledger. With a higher "
            "S1_BUDGET_USD the same command goes on from there"
        )
