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
    """What a model is told beside the question, and how it samples."""

    template: str = QUESTION_PLACE
    """Text around the question; `{question}` is its place. The default asks the bare question, as s1 does."""
    system_prompt: str = ""
    """Sent before the question as the system's message; empty: none is sent."""
    format_instructions: str = ""
    """Put after the filled template."""
    max_output_tokens: int | None = Field(default=None, gt=0, le=MOST_TOKENS)
    """Thinking and answer together; None: the model's own limit."""
    temperature: float | None = Field(default=None, ge=0, le=2)
    """None: the model's own default."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    """None: the model's own default."""

    @field_validator("template")
    @classmethod
    def _has_a_place(cls, template: str) -> str:
        Prompt(template)
        return template

    def prompt(self) -> Prompt:
        return Prompt(self.template, self.system_prompt, self.format_instructions)

    def sampling(self) -> Sampling:
        return Sampling(self.max_output_tokens, self.temperature, self.top_p)
