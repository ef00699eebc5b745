"""An estimate as a person reads it."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from s1_assets.automation.estimate import Estimate, Line
from s1_assets.resources.settings import DEFAULT_BUDGET_USD, Settings


def show_estimate(estimate: Estimate, settings: Settings, console: Console) -> None:
    """Print it: calls, tokens and money by asset and model, what is saved, and the cap."""
    table = Table(title="What this run would ask", title_justify="left", box=None, pad_edge=False)
    for heading in ("asset", "model", "calls", "in the ledger", "tokens in", "tokens out", "USD, likely", "at most"):
        number = heading not in ("asset", "model")
        table.add_column(heading, justify="right" if number else "left", no_wrap=True, overflow="fold")
    for line in estimate.lines:
        table.add_row(*_cells(line))
    console.print(table)
    if estimate.filtered:
        console.print(f"{estimate.filtered:,} questions are kept from the teacher by free filters.")
    for note in estimate.notes:
        console.print(Text(note, style="yellow"))
    if estimate.is_paid:
        cap = DEFAULT_BUDGET_USD if settings.budget_usd is None else settings.budget_usd
        how = "the default; set S1_BUDGET_USD for another" if settings.budget_usd is None else "S1_BUDGET_USD"
        likely, most = money(estimate.usd_likely), money(estimate.usd_most)
        console.print(f"Likely {likely}, at most {most}. The run stops before it passes {cap:,.2f} USD ({how}).")
    else:
        console.print("Nothing of this costs money.")


def money(usd: float | None) -> str:
    return "unknown" if usd is None else f"{usd:,.2f} USD"


def _cells(line: Line) -> tuple[str, ...]:
    calls = f"{line.calls_most:,}"
    if line.calls_least != line.calls_most:
        calls = f"{line.calls_least:,} to {calls}"
    free = ("free", "free")
    usd = free if not line.paid else tuple("?" if each is None else f"{each:,.2f}" for each in _usd(line))
    tokens = (f"{line.input_tokens:,}", f"{line.output_tokens:,}")
    return (line.asset, line.model, calls, f"{line.in_ledger:,}", *tokens, *usd)


def _usd(line: Line) -> tuple[float | None, float | None]:
    return line.usd_likely, line.usd_most
