"""A question's surroundings.

The default teacher prompt is the bare question with no system prompt, as in s1 (an author confirms it in the
project's tracker, thread 33).
"""

from dataclasses import dataclass
from hashlib import blake2b

from s1_assets.records.models import Message

QUESTION_PLACE = "{question}"
BARE = "bare-v1"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question's surroundings. All empty: the bare question."""

    template: str = QUESTION_PLACE
    """Text with `{question}` in it."""
    system_prompt: str = ""
    format_instructions: str = ""
    """Put after the filled template, one empty line between."""
    name: str = ""
    """Of a packaged prompt: its version; empty for one that the user wrote."""

    def __post_init__(self) -> None:
        if QUESTION_PLACE not in self.template:
            raise ValueError(
                f"the template has no place for the question: {QUESTION_PLACE} is missing in {self.template!r}"
            )

    @property
    def version(self) -> str:
        """A packaged prompt's name, `bare-v1`, or `custom-` and a digest of the texts: part of a trace's identity."""
        if (self.template, self.system_prompt, self.format_instructions) == (QUESTION_PLACE, "", ""):
            return BARE
        if self.name and not self.system_prompt and not self.format_instructions:
            return self.name
        text = "\0".join((self.template, self.system_prompt, self.format_instructions))
        return f"custom-{blake2b(text.encode(), digest_size=6).hexdigest()}"

    def messages(self, question: str) -> tuple[Message, ...]:
        """The conversation to send. Only `{question}` is filled; other braces stay as they are."""
        text = self.template.replace(QUESTION_PLACE, question)
        if self.format_instructions:
            text = f"{text}\n\n{self.format_instructions}"
        system = (Message("system", self.system_prompt),) if self.system_prompt else ()
        return (*system, Message("user", text))
