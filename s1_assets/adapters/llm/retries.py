"""What is done about a call that gave no reply: try again, when, and when to let it be.

Numbers: full jitter between 1 and 60 s, doubling; six tries for what may pass, three for a model that gave no answer.
"""

from dataclasses import dataclass, replace
from random import uniform

from s1_assets.adapters.llm.provider import Fault
from s1_assets.records.models import ModelRequest, Reply

ANOTHER = 1_000_003
"""Between the seeds of two tries: far enough from those of other samples."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and how long between."""

    tries: int = 6
    """For a transient fault: 408, 5xx, a cut connection."""
    no_answer_tries: int = 3
    """For a model that gave no answer and may give one with another seed."""
    shortest_s: float = 1.0
    longest_s: float = 60.0
    budget: float = 0.10
    """Tries again, as a share of calls; beyond it every one waits for the longest time."""

    def wait_s(self, tries: int, over_budget: bool) -> float:
        """Before the try that follows `tries` tries."""
        if over_budget:
            return uniform(self.longest_s / 2, self.longest_s)
        return uniform(self.shortest_s / 2, min(self.longest_s, self.shortest_s * 2.0**tries))


@dataclass(slots=True)
class Call:
    """A request on its way, and what became of it so far."""

    key: str
    text: str
    """The request in the words of `domain.calls`, of which the key is made and which the ledger stores."""
    request: ModelRequest
    tries: int = 0
    no_answers: int = 0
    """Tries to which the model gave no answer."""
    forbidden: int = 0
    """Tries that were refused with a key that is good."""
    maybe_billed: int = 0
    held_usd: float = 0.0
    """Set aside of the budget while it is under way."""
    first_at: float = 0.0

    def as_sent(self) -> ModelRequest:
        """The request, with another seed after a try that gave no answer; its key stays."""
        seed = self.request.sampling.seed
        if not self.no_answers or seed is None:
            return self.request
        return replace(self.request, sampling=replace(self.request.sampling, seed=seed + ANOTHER * self.no_answers))


def given_up(fault: Fault) -> Reply:
    """The row of a call that is not tried again."""
    if fault.kind == "no_answer" and "RECITATION" in fault.reason:
        return Reply("blocked", fault.reason)
    return Reply("failed", fault.reason)
