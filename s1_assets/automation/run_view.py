"""Runs being made, on a terminal: a bar per source at work, one line per source that is done."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from s1_assets.automation.workers import Event, Outcome, Progress
from s1_assets.resources.terminal import inert

LONGEST_ERROR = 400


class RunView:
    """Bars where a person watches; lines alone where the output goes elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (
            TextColumn("{task.description:<28}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[asset]}"),
            TimeElapsedColumn(),
        )
        self._bars = Bars(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._whole: TaskID | None = None

    def __enter__(self) -> "RunView":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def planned(self, runs: int) -> None:
        if runs > 1:
            self._whole = self._bars.add_task("all runs", total=runs, asset="")

    def happened(self, event: Event) -> None:
        if isinstance(event, Outcome):
            self._ended(event)
        else:
            self._progressed(event)

    def _progressed(self, event: Progress) -> None:
        name = event.job.name
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=event.total, asset=event.asset)
        self._bars.update(
            self._tasks[name], completed=event.done, total=event.total, asset=f"{event.asset}  {event.note}"
        )

    def _ended(self, outcome: Outcome) -> None:
        task = self._tasks.pop(outcome.job.name, None)
        if task is not None:
            self._bars.remove_task(task)
        if self._whole is not None:
            self._bars.advance(self._whole)
        if outcome.success:
            told = f"{outcome.asked:,} asked, {outcome.from_ledger:,} from the ledger"
            mark = Text("done   ", style="green")
        else:
            told, mark = inert(outcome.error, LONGEST_ERROR), Text("FAILED ", style="red")
        self._console.print(Text.assemble(mark, f"{outcome.job.name:<28}", told))
