"""The paper on which the embedded model reasons: an argument that grows step by step within a budget.

An argument reads as goal, method, steps, check. Only steps are counted, and a step is whole: one division, one case,
one node of a search. The budget is the same for all families, so that a question is hard because it needs more steps,
not because its family was given fewer.
"""


class OutOfSteps(Exception):  # noqa: N818  (an event of reasoning, not a fault)
    """The budget is used up; what has been written stands."""


class Argument:
    """Text of a chain of reasoning, written while the steps are counted."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.steps = 0
        self.guessed = False
        self._lines: list[str] = []

    def say(self, text: str) -> None:
        """A paragraph that is no step: the goal, the method and why it works, a remark, the check's result."""
        self._lines.append(text)

    def step(self, text: str) -> None:
        """One whole step of the method.

        Raises:
            OutOfSteps: If the budget was used up before this step; the step is not written.
        """
        if self.steps >= self.budget:
            raise OutOfSteps
        self.steps += 1
        self._lines.append(text)

    def guess(self, text: str) -> None:
        """Say that what follows is a guess; the answer will be marked as one."""
        self.guessed = True
        self._lines.append(text)

    @property
    def left(self) -> int:
        """Steps that may still be written: what a method that gives up in time looks at."""
        return self.budget - self.steps

    @property
    def text(self) -> str:
        return "\n".join(self._lines)
