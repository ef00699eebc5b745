"""Graders by name."""

from collections.abc import Mapping

from s1_assets.domain.grading.exact import Exact
from s1_assets.ports import Grader
from s1_assets.records.questions import Question
from s1_assets.records.verdicts import Verdict


class UnknownGrader:
    """Stands in for a grader that a source names and this installation does not have: everything is `unscored`."""

    version = "0"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        self._detail = f"this installation has no grader {name!r}; it has {', '.join(known)}"

    def grade(self, answer: str, question: Question) -> Verdict:
        return Verdict("unscored", self.name, self.version, "no_such_grader", detail=self._detail)


GRADERS: Mapping[str, Grader] = {"exact": Exact()}


def grader_named(name: str) -> Grader:
    """The grader of that name, or one that leaves every answer `unscored` and says why."""
    return GRADERS.get(name) or UnknownGrader(name, tuple(GRADERS))
