"""What a grader says about an answer."""

from dataclasses import dataclass
from typing import Literal

Mark = Literal["correct", "incorrect", "unscored"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Three marks, never two: a grader that could not decide says `unscored`, and why."""

    mark: Mark
    grader: str
    version: str
    reason: str = ""
    """A word or two that can be counted: `same_number`, `no_reference`, `no_answer`."""
    extracted: str = ""
    """The part of the answer that was compared."""
    detail: str = ""

    @property
    def score(self) -> float | None:
        """1.0, 0.0, or None where nothing was decided."""
        return {"correct": 1.0, "incorrect": 0.0, "unscored": None}[self.mark]
