"""Options that several assets share."""

import dagster as dg
from pydantic import ConfigDict, Field, field_validator

from s1_assets.domain.prompts import QUESTION_PLACE, Prompt
from s1_assets.records.models import Sampling

MOST_ROWS = 1_000_000_000
"""Bound of options that count rows: beyond it a digit too many was typed."""
LARGEST_SEED = 2**63 - 1
MOST_TOKENS = 10_000_000


class Options(dg.Config):
    """Options of an asset; the text under each field is its description in the launchpad."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class PromptOptions(Options):
    """What a model is told beside the question, how it samples and how much it thinks."""

    prompt: str = "auto"
    """A packaged prompt (bare-v1, visible-v1) or the path of a text file with `{question}` in it. auto: bare-v1, as s1
    asks; for a teacher that hides its thoughts visible-v1, which asks for the reasoning in the answer."""
    template: str = QUESTION_PLACE
    """Text around the question, in place of `prompt`; `{question}` is its place."""
    system_prompt: str = ""
    """Sent before the question as the system's message; empty: none is sent."""
    format_instructions: str = ""
    """Put after the filled template."""
    max_output_tokens: int | None = Field(default=None, gt=0, le=MOST_TOKENS)
    """Thinking and answer together; None: the role's default, at most the model's own limit."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """None: the role's default, or the model's own."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """None: the role's default, or the model's own."""
    top_k: int | None = Field(default=None, ge=1, le=1_000_000)
    """None: the role's default, or the model's own."""
    sampling_seed: int | None = Field(default=None, ge=0, le=LARGEST_SEED)
    """Sent with every request, raised by one for each further sample; None: none is sent."""
    thinking_budget: int | None = Field(default=None, ge=0, le=MOST_TOKENS)
    """Tokens of thought, for models that take a budget; None: the role's default."""
    thinking_level: str | None = Field(default=None, pattern="^(none|minimal|low|medium|high|xhigh)$")
    """none, minimal, low, medium, high or xhigh, for models that take a level; None: the role's default."""

    @field_validator("template")
    @classmethod
    def _has_a_place(cls, template: str) -> str:
        Prompt(template)
        return template

    def sampling(self) -> Sampling:
        """What the user set."""
        return Sampling(self.max_output_tokens, self.temperature, self.top_p, self.top_k, self.sampling_seed)

    def thinking(self) -> dict[str, object]:
        """What the user set."""
        set_here = {"budget": self.thinking_budget, "level": self.thinking_level}
        return {name: value for name, value in set_here.items() if value is not None}
