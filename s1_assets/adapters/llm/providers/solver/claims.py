"""Claims that people make about each other: reading them, weighing them while some are unknown, writing them out.

Grammar, where a claim of several parts inside another must stand in brackets:
    claim   = "if" part "then" part | "it is not the case that" part | part {"and" part} | part {"or" part}
            | part "if and only if" part
    part    = "(" claim ")" | name "is" ["not"] "a" role
A mixture without brackets ("A and B or C") has two readings and is refused. Truth with unknowns is Kleene's strong
three-valued logic (S. C. Kleene, Introduction to Metamathematics, 1952, section 64).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

_TOKEN = re.compile(r"\s*(\(|\)|[A-Za-z]+|,)")
_DEEPEST = 12
"""Brackets in brackets; deeper claims are refused."""


@dataclass(frozen=True, slots=True)
class Simple:
    """Somebody is truthful, or is not."""

    person: int
    truthful: bool


@dataclass(frozen=True, slots=True)
class Joined:
    how: Literal["not", "and", "or", "if", "iff"]
    parts: "tuple[Claim, ...]"


Claim = Simple | Joined


@dataclass(frozen=True, slots=True)
class Cast:
    """Who there is, and what they can be."""

    names: tuple[str, ...]
    truthful: str
    """The role of those who tell the truth, with its article."""
    lying: str

    def role(self, truthful: bool) -> str:
        return self.truthful if truthful else self.lying


def weigh(claim: Claim, known: Mapping[int, bool]) -> bool | None:
    """Whether `claim` is true, None while this depends on people who are not in `known`."""
    if isinstance(claim, Simple):
        truthful = known.get(claim.person)
        return None if truthful is None else truthful == claim.truthful
    values = [weigh(part, known) for part in claim.parts]
    if claim.how == "iff":
        return None if None in values else values[0] == values[1]
    if claim.how == "not":
        return None if values[0] is None else not values[0]
    if claim.how == "if":
        values[0] = None if values[0] is None else not values[0]
    decisive = claim.how != "and"
    if decisive in values:
        return decisive
    return None if None in values else not decisive


def people(claim: Claim) -> list[int]:
    """Whom a claim is about, ascending."""
    if isinstance(claim, Simple):
        return [claim.person]
    return sorted({person for part in claim.parts for person in people(part)})


def wording(claim: Claim, cast: Cast) -> str:
    """The claim in words."""
    if isinstance(claim, Simple):
        return f"{cast.names[claim.person]} is {cast.role(claim.truthful)}"
    parts = [wording(part, cast) if isinstance(part, Simple) else f"({wording(part, cast)})" for part in claim.parts]
    if claim.how == "not":
        return f"it is not the case that {parts[0]}"
    if claim.how == "if":
        return f"if {parts[0]} then {parts[1]}"
    return {"and": " and ", "or": " or ", "iff": " if and only if "}[claim.how].join(parts)


def parse_claim(text: str, cast: Cast) -> Claim | None:
    """The claim that `text` states, or None unless all of it is understood in one way only."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != "".join(text.split()):
        return None
    parser = _Parser(tokens, cast)
    try:
        claim = parser.claim(0)
    except _OutsideGrammarError:
        return None
    return claim if parser.at_end() else None


class _OutsideGrammarError(Exception):
    """The text leaves the grammar."""


class _Parser:
    """Recursive descent, one method for each rule of the grammar."""

    def __init__(self, tokens: Sequence[str], cast: Cast) -> None:
        self._tokens = tokens
        self._next = 0
        self._cast = cast

    def at_end(self) -> bool:
        return self._next == len(self._tokens)

    def claim(self, depth: int) -> Claim:
        if depth > _DEEPEST:
            raise _OutsideGrammarError
        if self._skip("if"):
            condition = self._part(depth)
            self._skip(",")
            self._expect("then")
            return Joined("if", (condition, self._part(depth)))
        if self._skip("it", "is", "not", "the", "case", "that"):
            return Joined("not", (self._part(depth),))
        first = self._part(depth)
        if self._skip("if", "and", "only", "if"):
            return Joined("iff", (first, self._part(depth)))
        return self._series(first, depth)

    def _series(self, first: Claim, depth: int) -> Claim:
        for how in ("and", "or"):
            parts = [first]
            while self._skip(how):
                parts.append(self._part(depth))
            if len(parts) > 1:
                return Joined("and" if how == "and" else "or", tuple(parts))
        return first

    def _part(self, depth: int) -> Claim:
        if not self._skip("("):
            return self._simple()
        claim = self.claim(depth + 1)
        self._expect(")")
        return claim

    def _simple(self) -> Claim:
        name = self._take()
        self._expect("is")
        denied = self._skip("not")
        if self._take() not in ("a", "an"):
            raise _OutsideGrammarError
        role = self._take()
        roles = [self._cast.truthful.split()[1], self._cast.lying.split()[1]]
        if name not in self._cast.names or role not in roles:
            raise _OutsideGrammarError
        return Simple(self._cast.names.index(name), (role == roles[0]) != denied)

    def _skip(self, *words: str) -> bool:
        found = [token.lower() for token in self._tokens[self._next : self._next + len(words)]] == list(words)
        self._next += len(words) * found
        return found

    def _expect(self, word: str) -> None:
        if not self._skip(word):
            raise _OutsideGrammarError

    def _take(self) -> str:
        if self.at_end():
            raise _OutsideGrammarError
        self._next += 1
        return self._tokens[self._next - 1]
