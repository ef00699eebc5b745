"""The embedded model: real algorithms that read a question and reason step by step.

It lets the whole pipeline run with no key, no GPU and no network. It demonstrates the pipeline; what it writes is not
training data. It sees the message text only, and knows no answer that its steps do not produce. The teacher works with
sound methods and a large budget of steps; the students with weaker methods, smaller budgets, or both. A model's name
carries its version, since the name is part of a ledger key: raise it when a method changes.
"""

from dataclasses import dataclass
from functools import cache

from s1_assets.adapters.llm.providers.solver.argument import Argument, OutOfSteps
from s1_assets.adapters.llm.providers.solver.families import Care, Family
from s1_assets.adapters.llm.providers.solver.registry import FAMILIES
from s1_assets.domain.tokens import APPROXIMATE, approximate_tokens
from s1_assets.errors import SettingsError
from s1_assets.records.models import ModelName, ModelRequest, Reply


@dataclass(frozen=True, slots=True)
class Mind:
    """How one embedded model thinks."""

    care: Care
    budget: int
    """Whole steps, the same for all families."""


MINDS = {
    "teacher-v1": Mind("careful", 400),
    "student-brief-v1": Mind("careful", 24),
    "student-hasty-v1": Mind("hasty", 64),
}


class Solver:
    """Provider `solver`."""

    name = "solver"
    key_names: tuple[str, ...] = ()

    def fault_of(self, model: ModelName) -> str | None:
        return None if model.model in MINDS else f"the embedded models are {', '.join(sorted(MINDS))}"

    def complete(self, request: ModelRequest) -> Reply:
        mind = MINDS.get(request.model.model)
        if mind is None:
            raise SettingsError("no such model:", [f"{request.model}: {self.fault_of(request.model)}"])
        text = next(message.content for message in reversed(request.messages) if message.role == "user")
        return _answer(text, request.model.model, mind)


@cache
def _families() -> tuple[Family, ...]:
    return tuple(family() for family in FAMILIES)


def _answer(text: str, model: str, mind: Mind) -> Reply:
    input_tokens = approximate_tokens(text)
    for family in _families():
        problem = family.read(text)
        if problem is None:
            continue
        argument = Argument(mind.budget)
        try:
            answer = family.reason(problem, argument, mind.care)
        except OutOfSteps:
            return Reply(
                status="truncated",
                reason="out_of_steps",
                thinking=argument.text,
                thinking_kind="raw",
                finish_reason="length",
                served_model=model,
                input_tokens=input_tokens,
                thinking_tokens=approximate_tokens(argument.text),
                token_counter=APPROXIMATE,
                price_usd=0.0,
            )
        final = f"Final answer: \\boxed{{{answer}}}"
        if argument.guessed:
            final = f"This is a guess, not a result.\n{final}"
        return Reply(
            status="ok",
            thinking=argument.text,
            answer=final,
            thinking_kind="raw",
            finish_reason="stop",
            served_model=model,
            input_tokens=input_tokens,
            thinking_tokens=approximate_tokens(argument.text),
            answer_tokens=approximate_tokens(final),
            token_counter=APPROXIMATE,
            price_usd=0.0,
        )
    refusal = "I cannot answer this: it is not a kind of question that I know a method for."
    return Reply(
        status="refused",
        reason="no_method",
        answer=refusal,
        finish_reason="stop",
        served_model=model,
        input_tokens=input_tokens,
        answer_tokens=approximate_tokens(refusal),
        token_counter=APPROXIMATE,
        price_usd=0.0,
    )
