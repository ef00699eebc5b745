"""How much time lies between two times of one day that are given to the millisecond?

Careful: both times are turned into milliseconds since midnight and subtracted as whole numbers, so nothing is rounded.
Hasty: subtracts hours, minutes, seconds and milliseconds each for itself, the smaller number from the larger one, and
forgets to borrow.
Not covered: dates, time zones, times without milliseconds, and an end that is earlier than the start.
"""

import re
from dataclasses import dataclass

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.reading import cue, understand

_CUES = {
    "times": cue(
        r"(?:between|from|a [a-z]+(?: [a-z]+)? (?:started|began|departed) at) (?P<start>\d\d:\d\d:\d\d\.\d{3}) "
        r"(?:and|to|and (?:ended|completed|arrived) at) (?P<end>\d\d:\d\d:\d\d\.\d{3})(?=[.?])"
    ),
    "asked": cue(
        r"what is the duration|calculate the time difference|how much time elapsed|"
        r"how long (?:was|did) the (?:meeting|flight|call|conference|query take)\?|"
        r"what was the (?:total )?(?:operation|backup) duration\?"
    ),
    "form": cue(r"(?:answer|express the result|give your answer) in HH:MM:SS\.mmm(?=[.\s]|$)"),
}

_MS = {"hour": 3_600_000, "minute": 60_000, "second": 1_000, "millisecond": 1}


@dataclass(frozen=True, slots=True)
class Interval:
    start: tuple[int, ...]
    """Hours, minutes, seconds, milliseconds."""
    end: tuple[int, ...]
    """Not before `start`."""


class TimeIntervals:
    """Family `time_intervals`, milliseconds only."""

    name = "time_intervals"

    def read(self, text: str) -> Interval | None:
        found = understand(text, _CUES)
        if found is None:
            return None
        start, end = (_parts(found["times"][name]) for name in ("start", "end"))
        if not (_of_a_day(start) and _of_a_day(end) and start <= end):
            return None
        return Interval(start, end)

    def reason(self, problem: Interval, argument: Argument, care: Care) -> str:
        argument.say(
            f"I want the time from {_shown(problem.start)} to {_shown(problem.end)}, hours, minutes, seconds and "
            "milliseconds. The end is the later of the two times, so both belong to one day."
        )
        return _column_by_column(problem, argument) if care == "hasty" else _in_milliseconds(problem, argument)


def _parts(time: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.split(r"[:.]", time))


def _of_a_day(time: tuple[int, ...]) -> bool:
    return time[0] < 24 and time[1] < 60 and time[2] < 60


def _shown(time: tuple[int, ...]) -> str:
    return "{:02d}:{:02d}:{:02d}.{:03d}".format(*time)


def _in_milliseconds(problem: Interval, argument: Argument) -> str:
    argument.say(
        "Borrowing between columns that count to 60 and to 1000 is where such sums go wrong. So I express both times "
        "in the smallest unit, milliseconds since midnight: an hour has 3600000 of them, a minute 60000, a second "
        "1000. All numbers are whole, so nothing is rounded anywhere."
    )
    start, end = (_since_midnight(time, argument) for time in (problem.start, problem.end))
    rest = end - start
    argument.step(f"The difference is {end} − {start} = {rest} milliseconds.")
    argument.say("Now back, the largest unit first.")
    fields = []
    for unit, ms in _MS.items():
        number, left = divmod(rest, ms)
        if unit != "millisecond":
            argument.step(f"{rest} = {number} × {ms} + {left}: {number} {unit}s.")
        fields.append(number)
        rest = left
    argument.step(f"What is left over is {fields[-1]} milliseconds.")
    _add_back(problem.start, tuple(fields), argument)
    return _shown(tuple(fields))


def _since_midnight(time: tuple[int, ...], argument: Argument) -> int:
    total = sum(number * ms for number, ms in zip(time, _MS.values(), strict=True))
    terms = " + ".join(f"{number} × {ms}" for number, ms in zip(time, _MS.values(), strict=True))
    argument.step(f"{_shown(time)} is {terms} = {total} milliseconds after midnight.")
    return total


def _add_back(start: tuple[int, ...], duration: tuple[int, ...], argument: Argument) -> None:
    carry, columns, words = 0, [], []
    for name, size, one, other in zip(
        ("milliseconds", "seconds", "minutes", "hours"), (1000, 60, 60, 24), start[::-1], duration[::-1], strict=True
    ):
        total = one + other + carry
        words.append(f"{name} {one} + {other}{' + 1' if carry else ''} = {total}")
        carry, column = divmod(total, size)
        columns.append(column)
    argument.say(
        f"Check by adding {_shown(duration)} to the start, column by column with carries: {', '.join(words)}. That "
        f"gives {_shown(tuple(columns[::-1]))}, the end that was stated."
    )


def _column_by_column(problem: Interval, argument: Argument) -> str:
    argument.say("I write the times below each other and take the difference in each column.")
    fields = []
    for name, one, other in zip(
        ("hours", "minutes", "seconds", "milliseconds"), problem.start, problem.end, strict=True
    ):
        fields.append(abs(other - one))
        argument.step(f"In the column of {name} stand {one} and {other}; they differ by {fields[-1]}.")
    answer = _shown(tuple(fields))
    argument.say(
        f"Put together that is {answer}. Check: no column has more than it may, since hours stay below 24, minutes "
        "and seconds below 60 and milliseconds below 1000, so nothing has to be carried."
    )
    return answer
