"""What a model is told beside the question, as versioned texts."""

from s1_assets.domain.prompts.prompt import BARE, QUESTION_PLACE, Prompt
from s1_assets.domain.prompts.visible import VISIBLE, split_visible

__all__ = ["BARE", "QUESTION_PLACE", "VISIBLE", "Prompt", "split_visible"]
