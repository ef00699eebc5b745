"""What a reader of answers gives out, for every format alike."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from s1_assets.records.models import Message, Reply, Sampling

Row = Mapping[str, object]
"""A JSON object as a tool wrote it."""


@dataclass(frozen=True, slots=True)
class ImportedAnswer:
    """One answer that another tool asked for."""

    messages: tuple[Message, ...]
    """As asked."""
    model: str
    """In the tool's own words; empty if its files do not tell it."""
    reply: Reply
    sample_index: int
    """Counts the answers of one model to the same messages, in the order of the files."""
    sampling: Sampling
    """As far as the files tell it."""
    origin: str
    """`FILE#LINE` or `FILE:INDEX`, with `/N` behind it where several answers stand there."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that holds no answer we can take: it is damaged, or the tool kept an error there."""

    origin: str
    reason: str


Read = ImportedAnswer | Unreadable


class UnreadableRow(Exception):  # noqa: N818  (never leaves this package)
    """Why a row cannot be taken."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a row holds, before its samples are counted."""

    messages: tuple[Message, ...]
    reply: Reply
    model: str = ""
    sampling: Sampling = field(default_factory=Sampling)


def taken(rows: Iterable[tuple[str, Row] | Unreadable], take: Callable[[Row], Iterable[Said]]) -> Iterator[Read]:
    """The answers of rows that come with their origins; a row that `take` refuses becomes `Unreadable`."""
    for row in rows:
        if isinstance(row, Unreadable):
            yield row
            continue
        origin, values = row
        try:
            found = list(take(values))
        except UnreadableRow as error:
            yield Unreadable(origin, str(error))
            continue
        for number, said in enumerate(found):
            place = origin if len(found) == 1 else f"{origin}/{number}"
            yield ImportedAnswer(said.messages, said.model, said.reply, 0, said.sampling, place)
