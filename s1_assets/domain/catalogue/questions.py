"""All rows of a source -> its questions: which rows are asked for, which of them can be read, and how many were not.

Every row that was read is a question, set aside, or not selected; nothing else happens to a row. Memory: 16 bytes and a
line number for every question seen, and of a seeded draw the questions drawn.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from s1_assets.domain.catalogue.columns import holds
from s1_assets.domain.catalogue.mapping import question_of, set_aside
from s1_assets.domain.identity import rank
from s1_assets.records.questions import Question, SetAside
from s1_assets.records.sources import Source, SourceRow

_LINE_BITS = 44  # a file's number and a line's number share one integer
_LINE_MASK = (1 << _LINE_BITS) - 1
LIMIT_SEED = 0
"""Of the draw that `limit_to` makes from a source that has no seed of its own."""


@dataclass
class RowCounts:
    """What became of the rows read: `read` is the sum of the rest."""

    read: int = 0
    questions: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    """By reason."""
    not_selected: Counter[str] = field(default_factory=Counter)
    """By the option that left the row out: `keep_if`, `start`, `end`, `num_samples`."""
    stopped_early: bool = False
    """Reading ended before the source did, as nothing after that could be selected."""


def questions_of(
    source: Source, rows: Iterable[SourceRow], revision: str, counts: RowCounts | None = None
) -> Iterator[Question | SetAside]:
    """The source's questions and the rows set aside, in its own order, each question once.

    `keep_if` comes first, then `start` and `end` among the rows it keeps, then mapping and duplicates, then
    `num_samples`: without `seed` the first questions; with it those of the smallest `identity.rank`, so that a larger
    draw holds the smaller one. Of a seeded draw the rows set aside come first.

    Args:
        source: With every option that selects rows.
        rows: As the reader gives them.
        revision: What the rows' `revision` column says.
        counts: Filled while reading; complete after the last row.
    """
    counts = RowCounts() if counts is None else counts
    results = _unique(source, _selected(source, rows, counts), revision)
    if source.num_samples is None:
        return _counted(results, counts)
    if source.seed is None:
        return _counted(_first(results, source.num_samples, counts), counts)
    return _counted(_drawn(results, source.num_samples, source.seed, counts), counts)


def limit_to(source: Source, limit: int | None) -> Source:
    """The source for a run of at most `limit` questions: a prefix of what the full run takes, drawn by seed.

    A source that takes its first `num_samples` rows gives the first `limit`; any other gives the `limit` smallest
    ranks under its own seed, or `LIMIT_SEED`.
    """
    if limit is None:
        return source
    if source.num_samples is not None:
        return replace(source, num_samples=min(limit, source.num_samples))
    return replace(source, num_samples=limit, seed=LIMIT_SEED if source.seed is None else source.seed)


@dataclass(slots=True)
class _Duplicate:
    row: SetAside
    question_id: str


_Result = Question | SetAside | _Duplicate


def _selected(source: Source, rows: Iterable[SourceRow], counts: RowCounts) -> Iterator[SourceRow]:
    """Rows between `start` and `end` that pass `keep_if`; unreadable rows between them too."""
    position = 0
    for row in rows:
        counts.read += 1
        if row.fault is None:
            if not all(holds(condition, row.values) for condition in source.keep_if):
                counts.not_selected["keep_if"] += 1
                continue
            position += 1
        place = max(position - 1, 0) if row.fault is None else position
        if place < source.start:
            counts.not_selected["start"] += 1
        elif source.end is not None and place >= source.end:
            counts.not_selected["end"] += 1
            counts.stopped_early = True
            return
        else:
            yield row


def _unique(source: Source, rows: Iterable[SourceRow], revision: str) -> Iterator[_Result]:
    files: dict[str, int] = {}
    seen: dict[bytes, int] = {}
    for row in rows:
        found = question_of(source, row, revision)
        if isinstance(found, SetAside):
            yield found
            continue
        key = bytes.fromhex(found.question_id)
        first = seen.get(key)
        if first is None:
            file, _, line = found.locator.rpartition("#")
            if not line.isdecimal():
                file, line = found.locator, "0"
            seen[key] = files.setdefault(file, len(files)) << _LINE_BITS | int(line)
            yield found
        else:
            file, line = list(files)[first >> _LINE_BITS], str(first & _LINE_MASK)
            named = file if line == "0" else f"{file}#{line}"
            evidence = f"the same question as {source.key}:{named} ({found.question_id}): {found.question}"
            yield _Duplicate(set_aside(source, row, "duplicate_question", evidence), found.question_id)


def _first(results: Iterable[_Result], size: int, counts: RowCounts) -> Iterator[_Result]:
    taken = 0
    for result in results:
        if isinstance(result, Question):
            taken += 1
        yield result
        if taken == size:
            counts.stopped_early = True
            return


def _drawn(results: Iterable[_Result], size: int, seed: int, counts: RowCounts) -> Iterator[_Result]:
    """Rows set aside at once, then the `size` questions of smallest rank in the order of the source."""
    kept: list[tuple[int, int, Question]] = []  # a heap with the largest rank first
    duplicates: dict[str, list[_Duplicate]] = {}
    for position, result in enumerate(results):
        if isinstance(result, SetAside):
            yield result
        elif isinstance(result, _Duplicate):
            if result.question_id in duplicates:
                duplicates[result.question_id].append(result)
            else:
                counts.not_selected["num_samples"] += 1
        else:
            duplicates[result.question_id] = []
            entry = (-int.from_bytes(rank(seed, result.question_id)), position, result)
            if len(kept) < size:
                heapq.heappush(kept, entry)
            else:
                left_out = heapq.heappushpop(kept, entry)[2]
                counts.not_selected["num_samples"] += 1 + len(duplicates.pop(left_out.question_id))
    for _, _, question in sorted(kept, key=lambda entry: entry[1]):
        yield question
        yield from duplicates[question.question_id]


def _counted(results: Iterable[_Result], counts: RowCounts) -> Iterator[Question | SetAside]:
    for result in results:
        if isinstance(result, Question):
            counts.questions += 1
            yield result
        else:
            row = result.row if isinstance(result, _Duplicate) else result
            counts.set_aside[row.reason] += 1
            yield row
