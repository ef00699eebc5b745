"""Find the one question in a message and make sure that nothing around it changes what is asked.

A prompt template adds sentences such as "think step by step and put the final answer in a box". Those are allowed by
their words; any other word, number or sign around the question may be a condition ("... and double it"), so the message
then counts as not understood. Not covered: templates in other languages, examples before the question.
"""

import re

_HARMLESS_WORDS = (
    "a an and answer as at below box boxed by carefully clearly end exercise explain final first following format "
    "give here how in inside into is it latex of on out place please present problem provide put question reason "
    "reasoning response return show solution solve state step step-by-step steps task that the then think this through "
    "with within work working write you your"
)
_HARMLESS = frozenset(_HARMLESS_WORDS.split())
_HARMLESS_SIGNS = re.compile(r"\\boxed\{\s*\}|[.,:;\"'`$]")
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")

LONGEST_TEXT = 20_000
"""Characters; a longer message is no question of ours."""

NUMBERS = r"\d{1,18}(?:, \d{1,18})*(?:,? and \d{1,18}|, \d{1,18})"
"""Pattern for two or more whole numbers in a row, as in `12, 18 and 24`."""


def sole_question(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The only place where `pattern` occurs in `text`, if the rest of the message adds no condition.

    Args:
        pattern: The whole question as it may be worded, with single spaces between words.
        text: A message; any white space in it counts as one space.
    """
    if len(text) > LONGEST_TEXT:
        return None
    flat = " ".join(text.split())
    found = list(pattern.finditer(flat))
    if len(found) != 1:
        return None
    match = found[0]
    return match if _adds_nothing(flat[: match.start()]) and _adds_nothing(flat[match.end() :]) else None


def numbers_in(text: str) -> tuple[int, ...]:
    """The whole numbers in a stretch of text that matched `NUMBERS`."""
    return tuple(int(digits) for digits in re.findall(r"\d+", text))


def _adds_nothing(text: str) -> bool:
    words = _HARMLESS_SIGNS.sub(" ", text.lower()).split()
    return all(_WORD.fullmatch(word) and word in _HARMLESS for word in words)
