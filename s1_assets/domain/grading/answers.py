"""Finding the answer in a text, and bringing it to a form in which equal answers are equal texts."""

import re
import unicodedata
from fractions import Fraction

_DECLARED = re.compile(
    r"(?:final answer(?: is)?|the answer is|answer)\s*[:=]?\s*(?P<answer>\S[^\n]*)\s*\Z", re.IGNORECASE
)
_WRAPPERS = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"), ("`", "`"))
_TEXT = re.compile(r"\\(?:text|textbf|mathrm|textrm)\{([^{}]*)\}")
_FRACTION = re.compile(r"\\[dt]?frac\{([^{}]+)\}\{([^{}]+)\}")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
_DASHES = str.maketrans({"−": "-", "–": "-", "\u00a0": " ", "’": "'"})
LONGEST_BARE_ANSWER = 200
"""Characters; a longer text, or one of several lines, is no answer by itself: it must declare one."""


def extract_answer(text: str) -> str | None:
    """The answer that a text declares: the last `\\boxed{}`, else what follows an answer phrase on the last line,
    else the whole text where it is one short line. None where there is none: never the last number in the text.

    >>> extract_answer(r"So \\boxed{\\frac{1}{2}}, not \\boxed{3}.")
    '3'
    """
    boxed = last_boxed(text)
    if boxed is not None:
        return boxed.strip() or None
    stripped = text.strip()
    if declared := _DECLARED.search(stripped.rsplit("\n", 1)[-1]):
        return declared["answer"].strip()
    if stripped and "\n" not in stripped and len(stripped) <= LONGEST_BARE_ANSWER:
        return stripped
    return None


def last_boxed(text: str) -> str | None:
    """Content of the last `\\boxed{...}` whose braces balance; None if there is none."""
    for start in reversed([match.end() for match in re.finditer(r"\\boxed\s*\{", text)]):
        depth = 1
        for end in range(start, len(text)):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            if depth == 0:
                return text[start:end]
    return None


def normalise_answer(text: str) -> str:
    """The text without what does not change an answer: case, spacing, wrappers of formulas, a closing full stop,
    thousands separators, LaTeX spelling of fractions and plain text.

    >>> normalise_answer(r"$\\dfrac{3}{4}$.")
    '3/4'
    """
    text = unicodedata.normalize("NFC", text).translate(_DASHES).strip()
    text = text.rstrip(".").strip()
    for opening, closing in _WRAPPERS:
        if len(text) > len(opening) + len(closing) and text.startswith(opening) and text.endswith(closing):
            text = text[len(opening) : -len(closing)].strip()
    text = _TEXT.sub(r"\1", text)
    text = _FRACTION.sub(r"\1/\2", text)
    text = text.replace("\\left", "").replace("\\right", "").replace("\\!", "").replace("\\,", " ")
    text = " ".join(text.split()).casefold()
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    return re.sub(r"\s*([,;:=/*×^()\[\]{}])\s*", r"\1", text)


def as_number(text: str) -> Fraction | None:
    """The exact value of a plain integer or decimal; None for any other text."""
    return Fraction(text) if _NUMBER.fullmatch(text) else None
