"""The kinds of question that the embedded model can reason about, one module each.

A family reads the text of a question and nothing else: no family name, seed, metadata or reference answer reaches it.
It reads strictly, so that a reworded question is either understood in full or not at all.
"""

from typing import Any, Literal, Protocol

from s1_assets.adapters.llm.providers.solver.argument import Argument

Care = Literal["careful", "hasty"]
"""`careful` is a sound method; `hasty` is the weaker one of somebody who has half understood the subject."""


class Family(Protocol):
    """One kind of question. `read` and `reason` share a problem type of the family's own."""

    name: str
    """For messages and tests; the catalogue does not know it."""

    def read(self, text: str) -> Any | None:
        """The problem in `text`, or None unless every part of it is understood."""
        ...

    def reason(self, problem: Any, argument: Argument, care: Care) -> str:
        """Write the reasoning into `argument` and return the answer in the form the question asks for.

        Raises:
            OutOfSteps: From `argument.step`, when the budget ends first.
        """
        ...
