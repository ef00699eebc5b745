"""Reading a question of several sentences strictly: each phrase stands there once, and nothing else says anything.

Between the phrases only a few empty words are let pass, and around them only what `surroundings` holds for harmless.
So a sentence that is slipped in, or a phrase that is reworded beyond what its pattern allows, makes the message count
as not understood.
Not covered: the order of the phrases, which no question here depends on.
"""

import re
from collections.abc import Mapping

from s1_assets.adapters.llm.providers.solver.surroundings import LONGEST_TEXT, sole_question

_EMPTY_WORDS = frozenset(("a", "an", "and", "is", "now", "please", "task", "the", "your"))
_GAP = "¶"
_BETWEEN = re.compile(r"[\w\s.,:?()-]*")


def cue(phrase: str) -> re.Pattern[str]:
    """A pattern that ignores case and takes any white space for a blank."""
    return re.compile(phrase.replace(" ", r"\s+"), re.IGNORECASE)


def understand(text: str, cues: Mapping[str, re.Pattern[str]]) -> dict[str, re.Match[str]] | None:
    """Find every cue once and make sure that the rest of the text adds nothing.

    Args:
        text: The whole message.
        cues: By name, in the order in which they are taken out of the text; later ones do not see what was taken out.

    Returns:
        By name, each cue's match, or None if a cue is missing or doubled or if what is left over may matter.
    """
    if _GAP in text or len(text) > LONGEST_TEXT:
        return None
    found = {}
    for name, pattern in cues.items():
        matches = list(pattern.finditer(text))
        if len(matches) != 1:
            return None
        found[name] = matches[0]
        text = f"{text[: matches[0].start()]}\n{_GAP}\n{text[matches[0].end() :]}"
    before, *between, after = text.split(_GAP)
    empty = _says_nothing(" ".join(between)) and sole_question(re.compile(_GAP), f"{before} {_GAP} {after}")
    return found if empty else None


def _says_nothing(text: str) -> bool:
    return bool(_BETWEEN.fullmatch(text)) and _EMPTY_WORDS.issuperset(re.findall(r"\w+", text.lower()))
