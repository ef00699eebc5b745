"""Can all courses be taken, given which course needs which other first?

Careful: courses are taken one at a time as soon as nothing is missing for them; what is left when none can be taken any
more contains a circle, which is then walked (A. B. Kahn, Topological sorting of large networks, CACM 5(11), 1962).
Hasty: looks only for two courses that need each other, and so misses every longer circle; of a long list it reads the
beginning and guesses that a circle will be hidden in the rest.
Not covered: questions for an order of the courses, for a number of semesters, or with the truth values exchanged.
"""

import re
from collections import deque
from dataclasses import dataclass
from itertools import pairwise

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.reading import cue, understand

_MOST_COURSES = 100
_MOST_RULES = 300
_PATIENCE = 40
"""Rules that the hasty mind looks at before it guesses."""

_CUES = {
    "rules": re.compile(r"\[\s*(?:\(\d{1,4}, ?\d{1,4}\)(?:,\s*|(?=\s*\])))*\s*\]"),
    "size": cue(
        r"(?:there are )?a total of (\d{1,4}) courses you (?:have|need) to take, label+ed from 0 to (\d{1,4})\b"
    ),
    "list": cue(r"(?:you are )?given the following list of prerequisites"),
    "meaning": cue(
        r"where prerequisites\[i\] = \(a_i, b_i\) (?:indicates|means) that you must (?:first )?take course b_i "
        r"(?:first )?(?:if you want to|before you) take course a_i"
    ),
    "asked": cue(
        r"Return True if (?:you can finish all (?:the )?courses|all (?:the )?courses can be finished)"
        r"(?: considering the prerequisites)?,? (?:or|and) False otherwise"
    ),
}


@dataclass(frozen=True, slots=True)
class Curriculum:
    courses: int
    """They are numbered from 0."""
    rules: tuple[tuple[int, int], ...]
    """(course, course that is needed first), none twice."""

    def needs(self) -> list[list[int]]:
        """By course, what it needs, ascending."""
        needs: list[list[int]] = [[] for _ in range(self.courses)]
        for course, needed in sorted(self.rules):
            needs[course].append(needed)
        return needs


class CourseSchedule:
    """Family `course_schedule`."""

    name = "course_schedule"

    def read(self, text: str) -> Curriculum | None:
        found = understand(text, _CUES)
        if found is None:
            return None
        courses, last = (int(number) for number in found["size"].groups())
        pairs = re.findall(r"\((\d+), ?(\d+)\)", found["rules"].group())
        rules = tuple(dict.fromkeys((int(course), int(needed)) for course, needed in pairs))
        if last != courses - 1 or courses > _MOST_COURSES or len(rules) > _MOST_RULES:
            return None
        if any(number > last for rule in rules for number in rule):
            return None
        return Curriculum(courses, rules)

    def reason(self, problem: Curriculum, argument: Argument, care: Care) -> str:
        argument.say(
            f"I want to know whether all {problem.courses} courses, 0 to {problem.courses - 1}, can be finished when "
            f"{len(problem.rules)} rules say which course needs which other one first."
        )
        return _mutual(problem, argument) if care == "hasty" else _peel(problem, argument)


def _mutual(problem: Curriculum, argument: Argument) -> str:
    argument.say(
        "Things go wrong when two courses wait for each other: neither could ever be the first of the two. So I go "
        "down the list and ask for each rule whether it stands there a second time, the other way round."
    )
    for number, (course, needed) in enumerate(problem.rules):
        if number == _PATIENCE:
            return _suspect(len(problem.rules), argument)
        if (needed, course) in problem.rules:
            argument.step(f"Course {course} needs {needed}, and course {needed} needs course {course} back.")
            argument.say(
                f"Courses {course} and {needed} wait for each other. Check: the list has both ({course}, {needed}) "
                f"and ({needed}, {course}). Whatever is done about the others, neither of these two can ever be "
                "started, so the courses cannot all be finished, and I need not look at the remaining rules. The "
                "answer is False."
            )
            return "False"
        argument.step(f"Course {course} needs {needed}; there is no rule that {needed} needs {course}.")
    argument.say(
        f"I have been through all {len(problem.rules)} rules and found no two courses that wait for each other. "
        "Check: none of the rules that I have crossed off is left over, and each has been turned round once. I see "
        f"nothing that could block any of the {problem.courses} courses, so everything can be taken. The answer is "
        "True."
    )
    return "True"


def _suspect(rules: int, argument: Argument) -> str:
    argument.guess(
        f"That was {_PATIENCE} of {rules} rules without a clash. I do not go through the rest; among so many rules I "
        "rather expect that somewhere they run in a circle, and guess False."
    )
    return "False"


def _peel(problem: Curriculum, argument: Argument) -> str:
    needs = problem.needs()
    ready = deque(course for course in range(problem.courses) if not needs[course])
    argument.say(
        "I take courses one at a time, each as soon as all that it needs is done. Taking a course never blocks "
        "another, so the choice among free courses does not matter. If I get through, the order itself is the proof. "
        "If at some point no course is free, each one left needs another one left, and following these needs must "
        "run into a circle."
    )
    argument.say(f"Free from the start, needing nothing: {_listed(ready) or 'no course at all'}.")
    missing = [set(needed) for needed in needs]
    order: list[int] = []
    while ready:
        course = ready.popleft()
        freed = [other for other in range(problem.courses) if missing[other] == {course}]
        argument.step(_taken(course, freed, problem.courses - len(order) - 1))
        order.append(course)
        for waiting in missing:
            waiting.discard(course)
        ready.extend(freed)
    if len(order) == problem.courses:
        return _all_taken(problem, order, argument)
    return _stuck(missing, set(range(problem.courses)) - set(order), argument)


def _taken(course: int, freed: list[int], left: int) -> str:
    effect = f"nothing is missing any more for {_listed(freed)}" if freed else "this frees no other course yet"
    return f"I take course {course}; {effect}. {left} left."


def _all_taken(problem: Curriculum, order: list[int], argument: Argument) -> str:
    turn = {course: number for number, course in enumerate(order, 1)}
    shown = ", ".join(
        f"{needed} (turn {turn[needed]}) before {course} ({turn[course]})" for course, needed in problem.rules
    )
    argument.say(f"All {problem.courses} courses are taken, in this order: {' '.join(map(str, order))}.")
    argument.say(f"Check against each of the {len(problem.rules)} rules: {shown or 'there is none to break'}.")
    kept = all(turn[needed] < turn[course] for course, needed in problem.rules)
    argument.say("Every rule is kept, so the answer is True." if kept else "A rule is broken; I have made a mistake.")
    return str(kept)


def _stuck(missing: list[set[int]], left: set[int], argument: Argument) -> str:
    argument.say(
        f"No course is free now, but {len(left)} are left: {_listed(sorted(left))}. I follow what they wait for."
    )
    walk = [min(left)]
    while True:
        needed = min(missing[walk[-1]])
        argument.step(f"Course {walk[-1]} still needs course {needed}.")
        if needed in walk:
            circle = [*walk[walk.index(needed) :], needed]
            break
        walk.append(needed)
    rules = ", ".join(f"({course}, {other})" for course, other in pairwise(circle))
    argument.say(
        f"I have been at course {needed} before, so the walk has closed a circle: {' needs '.join(map(str, circle))}. "
        f"Check: the rules {rules} all stand in the list. None of these courses can be the first of them, so they can "
        "never be taken, and the answer is False."
    )
    return "False"


def _listed(numbers: deque[int] | list[int]) -> str:
    return ", ".join(map(str, numbers))
