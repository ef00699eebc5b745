"""Weekdays of dates, dates of recurring weekdays, and how often a weekday occurs in a span of one year.

Careful: walks from a day whose weekday is known, 1 January 2000, over whole years and whole months, and lists recurring
days one by one (leap years as in the Gregorian reform of 1582: every fourth year, of the full centuries every fourth).
Hasty: moves the weekday on by the years and a quarter of them at one stroke, takes February for 28 days always, the
fourth for the last, and a number of days divided by seven for the number of occurrences.
Not covered: business days (the generator's text may name an end that does not exist), offsets, leap year questions, and
weekdays from a first of January of an unknown year.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.reading import cue, understand

_FIRST_YEAR, _LAST_YEAR = 1900, 2100

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_ORDINALS = ("first", "second", "third", "fourth", "last")

_DAY = f"(?:{'|'.join(_WEEKDAYS)})"
_MONTH = f"(?:{'|'.join(_MONTHS)})"
_ORDINAL = f"(?:{'|'.join(_ORDINALS)})"


@dataclass(frozen=True, slots=True)
class WeekdayOfDate:
    day: date


@dataclass(frozen=True, slots=True)
class RecurringDay:
    year: int
    month: int
    ordinal: int
    """0 to 3 for the first to the fourth, 4 for the last."""
    weekday: int
    """0 = Monday."""


@dataclass(frozen=True, slots=True)
class Occurrences:
    start: date
    end: date
    """In the same year as `start`; both dates count."""
    weekday: int


CalendarProblem = WeekdayOfDate | RecurringDay | Occurrences

_NAME_OF_DAY = cue(
    r"(?:answer|provide|state|give|reply|write|respond|name)"
    r"(?: (?:with|out|using|just|the|full|complete|name|of|in|day|week|weekday(?:'s)?))+"
    r"(?: \((?:e\.g\., Monday, Tuesday, etc\.|Monday through Sunday|Monday-Sunday)\))?\."
)
_NUMBER = cue(
    r"(?:answer|provide|respond|write|give|state|reply|express)"
    r"(?: (?:with|just|the|a|your|total|count|as|amount|answer|number|numerically|numerical|value))+\."
)
_WEEKDAY_ASKED: Mapping[str, re.Pattern[str]] = {
    "asked": cue(
        rf"what day of the week was (?P<a>{_MONTH} \d{{1,2}}, \d{{4}})\?|"
        rf"on which weekday did (?P<b>{_MONTH} \d{{1,2}}, \d{{4}}) fall\?|"
        r"name the day of the week for (?P<c>\d\d/\d\d/\d{4})\."
    ),
    "form": _NAME_OF_DAY,
}
_RECURRING_ASKED: Mapping[str, re.Pattern[str]] = {
    "missing": cue(r"answer with -1 if the ordinal does not exist in the month\."),
    "asked": cue(
        rf"if a meeting is scheduled on the (?P<o1>{_ORDINAL}) (?P<d1>{_DAY}) of (?P<m1>{_MONTH} \d{{4}}), "
        r"on which day of the month does it occur\?|"
        rf"in (?P<m2>{_MONTH} \d{{4}}), if an event recurs on the (?P<o2>{_ORDINAL}) (?P<d2>{_DAY}), "
        r"what is the date \(day of the month\) of the event\?|"
        rf"determine the day of the month for the (?P<o3>{_ORDINAL}) (?P<d3>{_DAY}) in (?P<m3>{_MONTH} \d{{4}})\."
    ),
    "form": _NUMBER,
}
_DATE = rf"({_DAY}, {_MONTH} \d{{1,2}})(?:, (\d{{4}}))?"
_COUNT_ASKED: Mapping[str, re.Pattern[str]] = {
    "span": cue(rf"(?:from|between) {_DATE} (?:to|and) {_DATE}"),
    "ends": cue(r"\(inclusive of both dates\)|\(including both start and end dates\)|\(counting both dates\)"),
    "asked": cue(
        rf"how many (?P<a>{_DAY})s are there\b|count the occurrences of (?P<b>{_DAY})\b|"
        rf"how many times does (?P<c>{_DAY}) occur\?"
    ),
    "form": _NUMBER,
}


class CalendarArithmetic:
    """Family `calendar_arithmetic`: three of its tasks."""

    name = "calendar_arithmetic"

    def read(self, text: str) -> CalendarProblem | None:
        return _read_weekday(text) or _read_recurring(text) or _read_count(text)

    def reason(self, problem: CalendarProblem, argument: Argument, care: Care) -> str:
        hasty = care == "hasty"
        if isinstance(problem, WeekdayOfDate):
            return _weekday_of_date(problem, argument, hasty)
        if isinstance(problem, RecurringDay):
            return _recurring_day(problem, argument, hasty)
        return _count_hastily(problem, argument) if hasty else _count(problem, argument)


def _read_weekday(text: str) -> WeekdayOfDate | None:
    found = understand(text, _WEEKDAY_ASKED)
    if found is None:
        return None
    asked = found["asked"]
    if asked["c"]:
        month, number, year = (int(part) for part in asked["c"].split("/"))
    else:
        name, number_text, year_text = re.findall(r"\w+", asked["a"] or asked["b"])
        month, number, year = _month(name), int(number_text), int(year_text)
    day = _date(year, month, number)
    return WeekdayOfDate(day) if day else None


def _read_recurring(text: str) -> RecurringDay | None:
    found = understand(text, _RECURRING_ASKED)
    if found is None:
        return None
    asked = found["asked"]
    ordinal, weekday, month = (next(filter(None, (asked[f"{kind}{i}"] for i in (1, 2, 3)))) for kind in "odm")
    name, year = month.split()
    if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        return None
    return RecurringDay(int(year), _month(name), _ORDINALS.index(ordinal.lower()), _weekday(weekday))


def _read_count(text: str) -> Occurrences | None:
    found = understand(text, _COUNT_ASKED)
    if found is None:
        return None
    first, first_year, last, last_year = found["span"].groups()
    if last_year is None:
        return None
    start, end = _stated(first, first_year or last_year), _stated(last, last_year)
    if start is None or end is None or start > end or start.year != end.year:
        return None
    asked = found["asked"]
    return Occurrences(start, end, _weekday(asked["a"] or asked["b"] or asked["c"]))


def _stated(text: str, year: str) -> date | None:
    """The date, if it exists and has the weekday stated; where the year is not stated, this is what confirms it."""
    weekday, month, number = re.findall(r"\w+", text)
    day = _date(int(year), _month(month), int(number))
    return day if day and day.weekday() == _weekday(weekday) else None


def _date(year: int, month: int, number: int) -> date | None:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _month(name: str) -> int:
    return _MONTHS.index(name.capitalize()) + 1


def _weekday(name: str) -> int:
    return _WEEKDAYS.index(name.capitalize())


def _shown(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _month_length(year: int, month: int) -> int:
    return (date(year + month // 12, month % 12 + 1, 1) - date(year, month, 1)).days


def _weekday_of_date(problem: WeekdayOfDate, argument: Argument, hasty: bool) -> str:
    day = problem.day
    argument.say(f"I want to know which day of the week {_shown(day)} is; a date with slashes has the month first.")
    first = _first_of_month_hastily(day, argument) if hasty else _first_of_month(day.year, day.month, argument)
    weekday = (first + day.day - 1) % 7
    argument.step(
        f"From day 1 to day {day.day} it is {day.day - 1} days, {(day.day - 1) // 7} × 7 and {(day.day - 1) % 7} more: "
        f"{_WEEKDAYS[first]} becomes {_WEEKDAYS[weekday]}."
    )
    if hasty:
        argument.say(
            f"Check of the last part: a week before is the same weekday, so day {(day.day - 1) % 7 + 1} must be a "
            f"{_WEEKDAYS[weekday]} too, and from {_WEEKDAYS[first]}, day 1, that is {(day.day - 1) % 7} days on, as "
            f"it should be. The answer is {_WEEKDAYS[weekday]}."
        )
    else:
        _check_by_days(day, weekday, argument)
    return _WEEKDAYS[weekday]


def _first_of_month(year: int, month: int, argument: Argument) -> int:
    """The weekday of the first day of a month, by walking from 1 January 2000."""
    argument.say(
        "I know that 1 January 2000 was a Saturday. A common year has 52 weeks and 1 day, so the same date falls one "
        "weekday later in the next year, and two later when a 29 February lies between; going back it is the other "
        f"way round. I walk year by year to 1 January {year}, then month by month by what each month has beyond four "
        "weeks."
    )
    weekday = 5
    for passed in range(2000, year):
        weekday = _pass_year(passed, weekday, 1, argument)
    for passed in range(1999, year - 1, -1):
        weekday = _pass_year(passed, weekday, -1, argument)
    for passed in range(1, month):
        length = _month_length(year, passed)
        weekday = (weekday + length) % 7
        following = f"{_MONTHS[passed]} begins with {_WEEKDAYS[weekday]}"
        argument.step(f"{_MONTHS[passed - 1]} has {length} days, {length - 28} beyond four weeks: {following}.")
    return weekday


def _pass_year(year: int, weekday: int, way: int, argument: Argument) -> int:
    length = 337 + _month_length(year, 2)
    weekday = (weekday + way * length) % 7
    arrived = year + 1 if way > 0 else year
    kind = "a leap year, so 2" if length == 366 else "a common year, so 1"
    moved = "on" if way > 0 else "back"
    argument.step(f"{year} is {kind} {moved}: 1 January {arrived} is a {_WEEKDAYS[weekday]}.")
    return weekday


def _check_by_days(day: date, weekday: int, argument: Argument) -> None:
    days = (day - date(2000, 1, 1)).days
    years = day.year - 2000
    into = day.timetuple().tm_yday - 1
    leap_days = days - 365 * years - into
    verdict = "as found" if (5 + days) % 7 == weekday else "which differs; I have made a mistake"
    argument.say(
        f"Check by counting all days at once: {years} years of 365 days are {365 * years}, leap days among them "
        f"{leap_days}, and {into} days lie between 1 January and {_shown(day)}; together {days}. The remainder after "
        f"division by 7 is {days % 7}, and {days % 7} after Saturday comes {_WEEKDAYS[(5 + days) % 7]}, {verdict}."
    )


def _first_of_month_hastily(day: date, argument: Argument) -> int:
    years = day.year - 2000
    argument.say(
        "1 January 2000 was a Saturday. Each year moves the weekday on by one and every fourth year by one more, so I "
        "can do all years at one stroke, and then add what each month has beyond four weeks: 3 for the months with 31 "
        "days, 2 for those with 30, and nothing for February with its 28 days."
    )
    weekday = (5 + years + -(-years // 4)) % 7
    argument.step(f"{years} years and {-(-years // 4)} leap days: 1 January {day.year} is a {_WEEKDAYS[weekday]}.")
    for passed in range(1, day.month):
        length = 28 if passed == 2 else _month_length(day.year, passed)
        weekday = (weekday + length) % 7
        argument.step(f"{_MONTHS[passed - 1]} adds {length - 28}; {_MONTHS[passed]} begins with {_WEEKDAYS[weekday]}.")
    return weekday


def _recurring_day(problem: RecurringDay, argument: Argument, hasty: bool) -> str:
    year, month = problem.year, problem.month
    ordinal, weekday = _ORDINALS[problem.ordinal], _WEEKDAYS[problem.weekday]
    argument.say(
        f"I look for the {ordinal} {weekday} of {_MONTHS[month - 1]} {year}, and first for how that month begins."
    )
    first = _first_of_month_hastily(date(year, month, 1), argument) if hasty else _first_of_month(year, month, argument)
    length = _month_length(year, month)
    day = 1 + (problem.weekday - first) % 7
    argument.step(f"The month begins with {_WEEKDAYS[first]}, so its first {weekday} is day {day}.")
    for number in range(1, min(problem.ordinal, 3) + 1):
        day += 7
        argument.step(f"A week later comes {weekday} number {number + 1}: day {day}.")
    if problem.ordinal == 4 and hasty:
        argument.say(f"Four weeks make a month, so the fourth is the last: day {day}.")
    elif problem.ordinal == 4:
        day = _fifth_or_fourth(day, length, argument)
    if hasty:
        argument.say(
            f"Check: {_MONTHS[month - 1]} has {_month_length(year, month)} days, so day {day} lies within it, and "
            f"from day 1, a {_WEEKDAYS[first]}, to day {day} it is {day - 1} days, which is {(day - 1) // 7} weeks "
            f"and {(day - 1) % 7} days, the distance from {_WEEKDAYS[first]} to {weekday}. The answer is {day}."
        )
    else:
        _check_by_days(date(year, month, day), problem.weekday, argument)
        argument.say(f"So day {day} is a {weekday}, and it is the {ordinal} one of the month. The answer is {day}.")
    return str(day)


def _fifth_or_fourth(day: int, length: int, argument: Argument) -> int:
    fits = day + 7 <= length
    outcome = (
        "exists, so there are five and this one is the last" if fits else "does not exist, so the fourth is the last"
    )
    argument.step(
        f"A week after day {day} would be day {day + 7}; the month has {length} days, and that day {outcome}."
    )
    return day + 7 if fits else day


def _count(problem: Occurrences, argument: Argument) -> str:
    weekday = _WEEKDAYS[problem.weekday]
    start, end = problem.start, problem.end
    ahead = (problem.weekday - start.weekday()) % 7
    argument.say(
        f"I count every {weekday} from {_shown(start)}, a {_WEEKDAYS[start.weekday()]}, to {_shown(end)}, a "
        f"{_WEEKDAYS[end.weekday()]}; both dates count. I find the first {weekday} and then go on week by week, adding "
        "7 to the day and taking off the length of the month when it is exceeded, for as long as I am not beyond the "
        f"end. {weekday} is {ahead} days after {_WEEKDAYS[start.weekday()]}, so the first candidate is "
        f"{_shown(start + timedelta(ahead))}."
    )
    number, day = 0, start + timedelta(ahead)
    while day <= end:
        number += 1
        argument.step(f"{weekday} number {number}: {_shown(day)}.")
        day += timedelta(7)
    days = (end - start).days + 1
    argument.say(f"The next would be {_shown(day)}, after the end.")
    argument.say(
        f"Check by division: the span has {days} days with both ends. Before the first {weekday} lie {ahead}; of the "
        f"remaining {days - ahead} days, each begun week holds one {weekday}, at its beginning: {max(days - ahead, 0)} "
        f"divided by 7, rounded up, is {-(-max(days - ahead, 0) // 7)}. The list has {number}. The answer is {number}."
    )
    return str(number)


def _count_hastily(problem: Occurrences, argument: Argument) -> str:
    weekday, start, end = _WEEKDAYS[problem.weekday], problem.start, problem.end
    argument.say(
        f"I want the number of times that {weekday} comes from {_shown(start)} to {_shown(end)}. Every week has "
        f"exactly one {weekday}, so I need the number of weeks, and for that the number of days, which I collect month "
        "by month."
    )
    days = 0
    for month in range(start.month, end.month + 1):
        first = start.day if month == start.month else 1
        last = end.day if month == end.month else _month_length(start.year, month)
        days += last - first + 1
        argument.step(f"{_MONTHS[month - 1]} {first} to {last}: {last - first + 1} days, together {days}.")
    argument.step(f"{days} days divided by 7 are {days // 7} weeks and {days % 7} days.")
    argument.say(
        f"I have counted both ends, as the question wants it, so no day of the span is lost. Check: {days // 7} × 7 "
        f"is {days // 7 * 7}, and {days} − {days // 7 * 7} = {days % 7} days are left over. That is less than a week, "
        f"and since only a whole week is sure to bring a {weekday}, I take it that the days left over bring none. The "
        f"answer is {days // 7}."
    )
    return str(days // 7)
