"""`s1 status`: who is asking models now, through which gates, and what was spent."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from s1_assets.adapters.llm.ledger.looking import at_work, spent_since
from s1_assets.resources.house import House


@dataclass(frozen=True, slots=True)
class Status:
    """The ledger as it stands now."""

    calls: int
    spent_today_usd: float | None
    spent_ever_usd: float | None
    at_work: list[dict[str, Any]]


def tell_status(house: House) -> Status:
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Status(
        house.ledger.count(),
        spent_since(house.ledger, midnight),
        spent_since(house.ledger, None),
        at_work(house.ledger),
    )


def show_status(status: Status, as_json: bool, console: Console) -> None:
    if as_json:
        console.print_json(data=asdict(status))
        return
    console.print(f"{status.calls:,} calls on record")
    for when, usd in (("today (UTC)", status.spent_today_usd), ("ever", status.spent_ever_usd)):
        console.print(f"spent {when}: {'at least one price is unknown' if usd is None else f'{usd:,.2f} USD'}")
    if not status.at_work:
        console.print("no process is asking a remote model now")
        return
    table = Table(title="Asking now", title_justify="left", box=None, pad_edge=False)
    for heading in ("process", "gate", "slots", "wanted"):
        table.add_column(heading, no_wrap=True)
    for row in status.at_work:
        table.add_row(f"{row['pid']} on {row['host']}", row["gate"], str(row["held"]), str(row["wanted"]))
    console.print(table)
