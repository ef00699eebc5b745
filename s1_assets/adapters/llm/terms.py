"""On what terms calls are made."""

from collections.abc import Callable
from dataclasses import dataclass, field

from s1_assets.adapters.llm.provider import CallLimits
from s1_assets.adapters.llm.retries import Retries
from s1_assets.records.models import ModelName, Reply


@dataclass(frozen=True)
class Terms:
    """How long, how often, and at what price."""

    limits: CallLimits
    """How long one try may take."""
    retries: Retries = field(default_factory=Retries)
    price: Callable[[ModelName, Reply], float | None] = lambda model, reply: None
    """US dollars of a reply; None where unknown."""
    retry_failed: bool = False
    """Whether calls on record as failed are asked again."""
