"""Who tells the truth and who lies, judging by what they say about each other?

Careful: concludes from a statement on its speaker where it can, and otherwise supposes a role and follows both cases
to their end (case analysis as in M. Davis, G. Logemann and D. Loveland, CACM 5(7), 1962; the puzzles are R. Smullyan's,
What Is the Name of This Book?, 1978).
Hasty: takes everybody at their word, makes liars of those whose statements then fail, and goes through them only once.
Not covered: people who are neither, who answer at random, or who speak of what others say rather than of who they are.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.claims import Cast, Claim, parse_claim, people, weigh, wording
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.reading import cue, understand

_MOST_PEOPLE = 10
_MOST_WORDS = 120
"""In one statement."""

_QUESTION = cue(
    r"A(?: very special| certain)? island is inhabited only by (?P<one>\w+)s and (?P<other>\w+)s\. "
    r"(?P<first>\w+)s always (?P<habit>tell the truth|lie), "
    r"and (?P<second>\w+)s always (?P<habit2>tell the truth|lie)\. "
    r"You meet (?P<number>\d{1,2}) inhabitants: (?P<names>\w+(?:, \w+)*,? and \w+)\. "
    r"(?P<said>[^?]*?) "
    r"So who is (?P<a_one>an? \w+) and who is (?P<a_other>an? \w+)\? "
    r"\(Format your answer like: \"(?P<form>[^\"]*)\"\)"
)
_VERB = (
    r"(?:said|told you|stated|remarked|was heard saying|expressed|asserted|commented|noted|declared|mentioned|claimed)"
)
_SPEECHES = tuple(
    cue(pattern)
    for pattern in (
        rf"(?P<name>\w+) {_VERB} that (?P<claim>[^\".]+)\.",
        rf"(?P<name>\w+) {_VERB}[,:] \"(?P<claim>[^\".]+)\.?\"\.?",
        r"(?:According to|In a statement by) (?P<name>\w+)[,:] \"(?P<claim>[^\".]+)\.?\"\.?",
        r"(?:As (?P<name>\w+) put it|In (?P<owner>\w+)'s words)[,:] \"(?P<claim>[^\".]+)\.?\"\.?",
        rf"\"(?P<claim>[^\".]+?),?\" (?:- )?(?P<name>\w+)(?: {_VERB})?\.",
    )
)


@dataclass(frozen=True, slots=True)
class Island:
    cast: Cast
    speeches: tuple[tuple[int, Claim], ...]
    """(who, what); a speech is true exactly if its speaker is truthful."""


class KnightsKnaves:
    """Family `knights_knaves`."""

    name = "knights_knaves"

    def read(self, text: str) -> Island | None:
        found = understand(" ".join(text.split()), {"question": _QUESTION})
        if found is None:
            return None
        question = found["question"]
        cast = _cast(question)
        if cast is None:
            return None
        speeches = _speeches(question["said"], cast)
        return Island(cast, speeches) if speeches else None

    def reason(self, problem: Island, argument: Argument, care: Care) -> str:
        names = problem.cast.names
        argument.say(
            f"{', '.join(names[:-1])} and {names[-1]} are each {problem.cast.truthful}, who always tells the truth, or "
            f"{problem.cast.lying}, who always lies. For each I want to know which."
        )
        roles = _mend(problem, argument) if care == "hasty" else _cases(problem, argument)
        return "No valid solution exists." if roles is None else _answer(problem.cast, roles)


def _cast(question: re.Match[str]) -> Cast | None:
    names = tuple(re.findall(r"\w+", re.sub(r",?\s+and\s+", ", ", question["names"])))
    if (
        len(set(names)) != int(question["number"])
        or not 2 <= len(names) <= _MOST_PEOPLE
        or len(set(names)) != len(names)
    ):
        return None
    roles = {question[key].split()[1].lower(): question[key].lower() for key in ("a_one", "a_other")}
    habits = {
        question["first"].lower(): question["habit"].lower(),
        question["second"].lower(): question["habit2"].lower(),
    }
    declared = {question["one"].lower(), question["other"].lower()}
    if not roles.keys() == habits.keys() == declared or set(habits.values()) != {"tell the truth", "lie"}:
        return None
    truthful, lying = sorted(habits, key=lambda role: habits[role] == "lie")
    cast = Cast(names, roles[truthful], roles[lying])
    return cast if _asked_form(question["form"], cast) else None


def _asked_form(form: str, cast: Cast) -> bool:
    """Whether the answer is to name everybody in the order of the text, as `_answer` does."""
    truthful, lying = cast.truthful.split()[1], cast.lying.split()[1]
    either = rf"(?:{truthful}/{lying}|{lying}/{truthful})"
    each = [rf"{name} is an? {either}" for name in cast.names]
    return re.fullmatch(cue(f"{', '.join(each[:-1])}, and {each[-1]}"), form.strip()) is not None


def _speeches(said: str, cast: Cast) -> tuple[tuple[int, Claim], ...] | None:
    """Everything in `said`, or None if something in it is no speech of one of the cast."""
    speeches = []
    rest = said.strip()
    while rest:
        match = next(filter(None, (pattern.match(rest) for pattern in _SPEECHES)), None)
        if match is None or len(match["claim"].split()) > _MOST_WORDS:
            return None
        groups = match.groupdict()
        name = groups["name"] or groups.get("owner")
        claim = parse_claim(groups["claim"], cast)
        if name not in cast.names or claim is None:
            return None
        speeches.append((cast.names.index(name), claim))
        rest = rest[match.end() :].strip()
    return tuple(speeches)


def _answer(cast: Cast, roles: Mapping[int, bool]) -> str:
    each = [f"{name} is {cast.role(roles[person])}" for person, name in enumerate(cast.names)]
    return f"{', '.join(each[:-1])}, and {each[-1]}."


def _cases(problem: Island, argument: Argument) -> Mapping[int, bool] | None:
    argument.say(
        f"A statement is true exactly if the one who makes it is {problem.cast.truthful}. So as soon as the truth of "
        "a statement is settled I know its speaker, and a speaker whose statement fails in one of the roles must "
        "have the other. When nothing more follows I suppose a role for somebody and follow both cases until "
        "everything is settled or two conclusions clash, so that no possibility is lost."
    )
    solutions = list(_solutions(problem, {}, "", argument))
    if not solutions:
        argument.say("Every case ends in a contradiction, so no valid solution exists.")
        return None
    if len(solutions) > 1:
        argument.guess(
            f"{len(solutions)} different solutions stand, so the statements do not settle it; I name the first."
        )
    _check(problem, solutions[0], argument)
    return solutions[0]


def _solutions(problem: Island, known: dict[int, bool], case: str, argument: Argument) -> Iterator[dict[int, bool]]:
    """All roles that agree with what is `known`, reasoned out in `argument`."""
    if not _conclude(problem, known, case, argument):
        return
    if len(known) == len(problem.cast.names):
        argument.say(f"{case}Everybody is settled without a contradiction: {_answer(problem.cast, known)}")
        yield known
        return
    person = _most_spoken_of(problem, known)
    for number, truthful in enumerate((True, False), 1):
        deeper = f"{case.strip('[] ')}.{number}".lstrip(".")
        supposed = f"{problem.cast.names[person]} is {problem.cast.role(truthful)}"
        argument.step(f"[{deeper}] Suppose that {supposed}.")
        yield from _solutions(problem, known | {person: truthful}, f"[{deeper}] ", argument)


def _most_spoken_of(problem: Island, known: Mapping[int, bool]) -> int:
    """Somebody unknown who is in as many speeches as possible, for then most follows from supposing."""
    involved = [person for speaker, claim in problem.speeches for person in {speaker, *people(claim)}]
    return max((person for person in range(len(problem.cast.names)) if person not in known), key=involved.count)


def _conclude(problem: Island, known: dict[int, bool], case: str, argument: Argument) -> bool:
    """Add to `known` what follows from single speeches; False if they contradict it."""
    progress = True
    while progress:
        progress = False
        for speaker, claim in problem.speeches:
            value = weigh(claim, known)
            if value is not None and known.get(speaker, value) != value:
                argument.step(f"{case}{_contradiction(problem.cast, speaker, value)}")
                return False
            conclusion = None if speaker in known else _follows(problem.cast, speaker, claim, known)
            if conclusion:
                known[speaker], why = conclusion
                argument.step(f"{case}{why}")
                progress = True
    return True


def _contradiction(cast: Cast, speaker: int, value: bool) -> str:
    name = cast.names[speaker]
    return (
        f"Now the statement of {name} is {'true' if value else 'false'}, but {name} is {cast.role(not value)}: "
        "a contradiction, so this case is closed."
    )


def _follows(cast: Cast, speaker: int, claim: Claim, known: Mapping[int, bool]) -> tuple[bool, str] | None:
    """(whether the speaker is truthful, why) if the claim settles it."""
    name, value = cast.names[speaker], weigh(claim, known)
    if value is not None:
        facts = [f"{cast.names[person]} is {cast.role(known[person])}" for person in people(claim) if person in known]
        given = f"As {' and '.join(facts)}" if facts else "Whatever anybody is"
        return value, f"{given}, {name}'s statement is {'true' if value else 'false'}; so {name} is {cast.role(value)}."
    for truthful in (True, False):
        if weigh(claim, {**known, speaker: truthful}) == (not truthful):
            role, other = cast.role(truthful), cast.role(not truthful)
            return not truthful, f"As {role}, {name} could not have said this; so {name} is {other}."
    return None


def _check(problem: Island, roles: Mapping[int, bool], argument: Argument) -> None:
    argument.say(f"Check of the solution, statement by statement, with these roles: {_answer(problem.cast, roles)}")
    for speaker, claim in problem.speeches:
        value = weigh(claim, roles)
        name = problem.cast.names[speaker]
        verdict = "as it must be" if value == roles[speaker] else "which is wrong; I have made a mistake"
        argument.step(
            f"{name}: “{wording(claim, problem.cast)}” is {'true' if value else 'false'}, and {name} is "
            f"{problem.cast.role(roles[speaker])}, {verdict}."
        )


def _mend(problem: Island, argument: Argument) -> Mapping[int, bool]:
    argument.say(
        f"I begin by taking everybody at their word, as {problem.cast.truthful}. Then I go through the statements "
        "once: whoever says something that does not fit what I believe at that moment gets the other role, and I go "
        "on with the new picture."
    )
    roles = dict.fromkeys(range(len(problem.cast.names)), True)
    changed = sum(_adjust(problem.cast, speaker, claim, roles, argument) for speaker, claim in problem.speeches)
    if changed:
        argument.guess(
            f"With {changed} changed I now believe: {_answer(problem.cast, roles)} The earlier statements may not fit "
            "this picture any more, but I do not go through them again."
        )
    else:
        argument.say("Check: with everybody truthful each statement comes out true, so the picture holds together.")
    return roles


def _adjust(cast: Cast, speaker: int, claim: Claim, roles: dict[int, bool], argument: Argument) -> bool:
    name, value = cast.names[speaker], bool(weigh(claim, roles))
    fits = value == roles[speaker]
    roles[speaker] = value
    outcome = f"which fits {cast.role(value)}" if fits else f"so {name} becomes {cast.role(value)}"
    argument.step(f"{name} says “{wording(claim, cast)}”. That is {'true' if value else 'false'}, {outcome}.")
    return not fits
