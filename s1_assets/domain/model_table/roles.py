"""How much is asked of a model in each role: tokens, thinking, sampling, time. What a model cannot do is not here."""

from dataclasses import dataclass
from math import ceil
from typing import Literal

from s1_assets.records.models import Role, Sampling

GEMINI = ("gemini", "vertex")
"""Two doors to the same models."""
THINKING_SHARE_WARNED = 0.8
"""Share of the output limit above which thoughts endanger the answer, and a person is warned."""
UNSET = Sampling()


@dataclass(frozen=True, slots=True)
class RoleDefaults:
    """What holds where the user set nothing."""

    max_output_tokens: int
    """Thoughts and answer together."""
    answer_tokens: int
    """Of these, what thoughts must leave; on top of them comes what a model thinks that cannot be told not to."""
    thinking: Literal["high", "lowest"]
    """`lowest`: off where the model can, else its lowest setting."""
    limit_s: float
    """How long one call may take, in seconds."""
    sampling: Sampling = UNSET
    """Of its fields temperature, top_p and top_k; None: the provider's own default."""
    samples: int = 1
    samples_when_split: int | None = None
    """How many are asked when the first marks disagree; None: no more."""
    thinking_budget: int | None = None
    """Tokens for models with a budget; None: the most or the least that the model accepts, by `thinking`."""
    output_per_input: float | None = None
    """Where output grows with input: output tokens per input token, and 1,024 more, up to `max_output_tokens`."""

    def output_for(self, input_tokens: int | None) -> int:
        """Output tokens to ask for; the most of the role where input plays no part or is not known."""
        if self.output_per_input is None or input_tokens is None:
            return self.max_output_tokens
        return min(self.max_output_tokens, ceil(round(self.output_per_input * input_tokens, 6)) + 1024)


GEMINI_TEACHER = RoleDefaults(65_536, answer_tokens=16_384, thinking="high", limit_s=1800)
HOSTED_TEACHER = RoleDefaults(32_768, answer_tokens=8_192, thinking="high", limit_s=1800)
"""At a provider whose models we do not know: it may refuse any sampling setting, so none is sent unasked."""
TEACHER_SAMPLING = Sampling(temperature=0.6, top_p=0.95, top_k=20)
"""Never temperature 0: greedy decoding makes reasoning models loop."""
SERVER_TEACHER = RoleDefaults(32_768, answer_tokens=8_192, thinking="high", limit_s=1800, sampling=TEACHER_SAMPLING)
"""An open model on a server of one's own, or in this process."""
SKY_T1_TEACHER = RoleDefaults(16_384, answer_tokens=4_096, thinking="high", limit_s=1800, sampling=TEACHER_SAMPLING)
PAPER_STUDENT = RoleDefaults(
    32_768, answer_tokens=4_096, thinking="lowest", limit_s=900, sampling=Sampling(temperature=0.05)
)
"""As in the s1 paper: one attempt, nearly greedy."""

_ROLES: dict[Role, RoleDefaults] = {
    "teacher": SERVER_TEACHER,
    "student": RoleDefaults(
        8_192, answer_tokens=4_096, thinking="lowest", limit_s=900, sampling=Sampling(temperature=0.7), samples=4
    ),
    "judge": RoleDefaults(
        1_024,
        answer_tokens=1_024,
        thinking="lowest",
        limit_s=180,
        sampling=Sampling(temperature=0.0),
        samples_when_split=3,
    ),
    "difficulty_label": RoleDefaults(
        2_048, answer_tokens=2_048, thinking="lowest", limit_s=120, sampling=Sampling(temperature=0.0)
    ),
    "subject_label": RoleDefaults(
        16, answer_tokens=16, thinking="lowest", limit_s=120, sampling=Sampling(temperature=0.0)
    ),
    "rewriter": RoleDefaults(
        32_768,
        answer_tokens=32_768,
        thinking="lowest",
        limit_s=900,
        sampling=Sampling(temperature=0.0),
        output_per_input=1.3,
    ),
    "agent": RoleDefaults(  # per turn
        2_048,
        answer_tokens=1_024,
        thinking="lowest",
        limit_s=300,
        sampling=Sampling(temperature=0.7),
        thinking_budget=1_024,
    ),
}


def role_defaults(role: Role, provider: str, own_server: bool = True) -> RoleDefaults:
    """The defaults of a role.

    Args:
        role: What the model is asked for.
        provider: First part of the model's name; a Gemini teacher is given more room than others.
        own_server: Whether the model runs on a server of the user's own, which takes any sampling setting.
    """
    if role != "teacher":
        return _ROLES[role]
    if provider in GEMINI:
        return GEMINI_TEACHER
    return SERVER_TEACHER if own_server else HOSTED_TEACHER
