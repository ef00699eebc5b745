"""What `s1 ledger stats`, `verify` and `prune` do and print; `ledger_export` and `ledger_import` have their own."""

import json
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from rich.console import Console
from rich.table import Table

from s1_assets.adapters.llm.ledger import Ledger
from s1_assets.adapters.llm.ledger.upkeep import Dropped, Tally, checked, drop_leftovers, size_bytes, tallies
from s1_assets.resources.settings import read_settings
from s1_assets.resources.terminal import inert

SHOWN = 20
"""Broken rows that are told one by one; JSON tells all."""
WIDE = 500
"""Columns where the output goes to a file or a program."""


def open_ledger() -> Ledger:
    """The ledger that `S1_LEDGER` names."""
    return Ledger(read_settings().ledger)


def stats(as_json: bool) -> int:
    """Print what the ledger holds; the exit status."""
    ledger = open_ledger()
    found, size = tallies(ledger), size_bytes(ledger)
    by_model = _summed(found, lambda tally: {"model": tally.model, "state": tally.state})
    by_asset = _summed(found, lambda tally: {"asset": tally.asset or "none named"})
    total = _sums(found)
    if as_json:
        print(json.dumps({"total": total, "by_model": by_model, "by_asset": by_asset, "bytes": size}, indent=2))
        return 0
    console = _console()
    told = "" if size is None else f", {size:,} bytes"
    console.print(f"{total['calls']:,} calls on record{told}")
    for rows in (by_model, by_asset, [{"calls of": "all", **total}]) if found else ():
        console.print()
        console.print(_as_table(rows))
    return 0


def verify(as_json: bool) -> int:
    """Check every row and print the broken ones; the exit status, 1 if there are any."""
    rows, broken = 0, list[dict[str, str]]()
    for key, fault in checked(open_ledger()):
        rows += 1
        if fault is not None:
            broken.append({"key": key, "fault": inert(fault, 200)})
    if as_json:
        print(json.dumps({"rows": rows, "broken": broken}, indent=2))
        return 1 if broken else 0
    for row in islice(broken, SHOWN):
        print(f"{row['key']}: {row['fault']}")
    if len(broken) > SHOWN:
        print(f"and {len(broken) - SHOWN:,} more; --json tells all")
    print(f"{rows:,} rows read, {len(broken):,} broken")
    return 1 if broken else 0


def prune(failed: bool) -> int:
    """Drop what nobody needs any more, and print what it was; the exit status."""
    dropped = drop_leftovers(open_ledger(), failed)
    for line in _told(dropped, failed):
        print(line)
    return 0


def _told(dropped: Dropped, failed: bool) -> Iterable[str]:
    if failed:
        yield f"{dropped.failed:,} failed calls dropped; they are asked again the next time"
    yield (
        f"{dropped.processes:,} processes that are gone forgotten, with {dropped.claims:,} claims, {dropped.slots:,} "
        f"slots and {dropped.reservations:,} reservations of money"
    )
    yield f"{dropped.rates:,} gates that nobody uses any more forgotten"
    yield "every answer stays"


def _summed(found: list[Tally], heading: Callable[[Tally], dict[str, str]]) -> list[dict[str, Any]]:
    """Sums by heading. A cost that is not known for every call is None, and what is known of it stands beside it."""
    groups: dict[tuple[str, ...], list[Tally]] = {}
    for tally in found:
        groups.setdefault(tuple(heading(tally).values()), []).append(tally)
    return [{**heading(group[0]), **_sums(group)} for _, group in sorted(groups.items())]


def _sums(group: list[Tally]) -> dict[str, Any]:
    known, unpriced = round(sum(tally.usd for tally in group), 6), sum(tally.unpriced for tally in group)
    return {
        "calls": sum(tally.calls for tally in group),
        "failed": sum(tally.calls for tally in group if tally.state == "failed"),
        "maybe_billed": sum(tally.maybe_billed for tally in group),
        "input_tokens": sum(tally.input_tokens for tally in group),
        "cached_tokens": sum(tally.cached_tokens for tally in group),
        "thinking_tokens": sum(tally.thinking_tokens for tally in group),
        "answer_tokens": sum(tally.answer_tokens for tally in group),
        "cost_usd": None if unpriced else known,
        "known_cost_usd": known,
        "unpriced": unpriced,
    }


def _as_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    hidden = ("known_cost_usd", "unpriced")
    for name in rows[0]:
        if name not in hidden:
            number = not isinstance(rows[0][name], str)
            table.add_column(name.replace("_", " "), justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(name, value, row) for name, value in row.items() if name not in hidden))
    return table


def _cell(name: str, value: Any, row: dict[str, Any]) -> str:
    if name != "cost_usd":
        return f"{value:,}" if isinstance(value, int) else inert(value)
    if value is not None:
        return f"{value:,.4f}"
    return f"unknown ({row['unpriced']:,} calls; the others {row['known_cost_usd']:,.4f})"


def _console() -> Console:
    console = Console(soft_wrap=True, highlight=False)
    return console if console.is_terminal else Console(soft_wrap=True, highlight=False, width=WIDE)
