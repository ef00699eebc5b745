"""Finding the answer in a text, and bringing it to a form in which equal answers are equal texts.

Not covered: algebra, units, words for numbers.
"""

import re
import unicodedata
from fractions import Fraction

_DECLARED = re.compile(
    # `Answer: 5`, `**Final answer:** 5`, `The answer is 5`, `Final answer 5`; not `unanswered`, `the answer depends`
    r"\banswers?(?:\*\*)?(?:\s+(?:is|are)\b)?\s*[:=]|\banswers?\s+(?:is|are)\b"
    r"|(?:\bfinal\s+|^\W*)answer(?:\*\*)?\s+(?!is\b|[:=])",
    re.IGNORECASE,
)
_BRACES = re.compile(r"\\boxed\s*\{|\\[\\{}]|[{}]")
_WRAPPERS = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"), ("`", "`"), ('"', '"'))
_TEXT = re.compile(r"\\(?:text|textbf|mathrm|textrm)\{([^{}]*)\}")
_SPELLINGS = (
    (re.compile(r"\\(?:left|right)(?![a-zA-Z])|\\!"), ""),
    (re.compile(r"(?<=\d)(?:\{,\}|\\,)(?=\d{3})"), ","),
    (re.compile(r"\\[,;: ]"), " "),
    (re.compile(r"\\(?:times|cdot)(?![a-zA-Z])|[·*]"), "×"),
    (re.compile(r"\s*\\?%"), "%"),
)
_MONEY = re.compile(r"^([+-]?)\\?\$\s*([+-]?)(?=[\d.])")
_SIGN = re.compile(r"^([+-]) (?=[\d.])")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
_SPACED = re.compile(r"\s*([,;:=/×^()\[\]{}])\s*")
_FRACTION = re.compile(r"\\[dt]?frac(?![a-zA-Z])")
_TERM = re.compile(r"[+-]?[\w.]*(?:\\[a-zA-Z]+(?:\{[^{}]*\})?)?")
_ATOM = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]|\\[a-zA-Z]+(?:\{[^{}]*\})?")
_CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("−–‐‑﹣－", "-"),
        "\u00a0": " ",
        "’": "'",
        **dict.fromkeys("“”", '"'),
        **dict.fromkeys("\u200b\u2060\ufeff"),
    }
)
LONGEST_BARE_ANSWER = 200
"""Characters; a longer text, or one of several lines, is no answer by itself: it must declare one."""
LONGEST_SPELLED = 2_000
"""Characters; of a longer answer only case and spacing are made equal."""
LONGEST_NUMBER = 1_000
"""Digits; a longer number is compared as text."""


def extract_answer(text: str) -> str | None:
    """The answer that a text declares: the last `\\boxed{}`, else what follows the last answer phrase of the last line,
    else the whole text where it is one short line. None where there is none: never the last number in the text.

    >>> extract_answer(r"So \\boxed{\\frac{1}{2}}, not \\boxed{3}.")
    '3'
    >>> extract_answer("We add 2 and 3.\\n**Final answer:** 5")
    '5'
    """
    boxed = last_boxed(text)
    if boxed is not None:
        return boxed.strip() or None
    stripped = text.strip()
    if declared := _declared(stripped.rsplit("\n", 1)[-1]):
        return declared
    if stripped and "\n" not in stripped and len(stripped) <= LONGEST_BARE_ANSWER:
        return stripped
    return None


def last_boxed(text: str) -> str | None:
    """Content of the last `\\boxed{...}` whose braces balance; None if there is none. Time is linear in the text."""
    opened: list[int | None] = []
    last: tuple[int, int] | None = None
    for brace in _BRACES.finditer(text):
        mark = brace[0]
        if mark == "{":
            opened.append(None)
        elif mark.endswith("{") and mark != "\\{":
            opened.append(brace.end())
        elif mark == "}" and opened and (start := opened.pop()) is not None and (last is None or start > last[0]):
            last = (start, brace.start())
    return text[last[0] : last[1]] if last else None


def normalise_answer(text: str) -> str:
    """The text without what does not change an answer: case, spacing, wrappers of formulas, a closing full stop,
    thousands separators, a sign of dollars before a number, LaTeX spelling of fractions, products and plain text.

    >>> normalise_answer(r"$\\dfrac{3}{4}$.")
    '3/4'
    >>> normalise_answer(r"2\\frac{a+b}{2}")
    '2((a+b)/2)'
    """
    text = unicodedata.normalize("NFC", text).translate(_CHARACTERS).strip()
    if len(text) > LONGEST_SPELLED:
        return " ".join(text.split()).casefold()
    bare = _plain_fractions(_TEXT.sub(r"\1", _unwrapped(text)))
    for spelling, plain in _SPELLINGS:
        bare = spelling.sub(plain, bare)
    bare = " ".join(bare.split()).casefold()
    bare = _SIGN.sub(r"\1", _MONEY.sub(r"\1\2", bare))
    if _THOUSANDS.fullmatch(bare):
        bare = bare.replace(",", "")
    return _SPACED.sub(r"\1", bare) or text


def as_number(text: str) -> Fraction | None:
    """The exact value of a plain integer or decimal; None for any other text."""
    return Fraction(text) if len(text) <= LONGEST_NUMBER and _NUMBER.fullmatch(text) else None


def _declared(line: str) -> str:
    """What follows the last answer phrase that something follows; empty if there is none."""
    for phrase in reversed(list(_DECLARED.finditer(line))):
        answer = line[phrase.end() :].strip()
        if answer.startswith("**") and answer.count("**") % 2:
            answer = answer[2:].strip()
        elif answer.endswith("**") and answer.count("**") % 2:
            answer = answer[:-2].strip()
        if answer:
            return answer
    return ""


def _unwrapped(text: str) -> str:
    """The text without marks around the whole of it, in any nesting, and without one full stop at its end."""
    before = ""
    while text != before:
        before = text
        if text.endswith(".") and not text.endswith(".."):
            text = text[:-1].strip()
        for opening, closing in _WRAPPERS:
            inside = text[len(opening) : -len(closing)].strip()
            if inside and text.startswith(opening) and text.endswith(closing) and opening not in inside:
                text = inside
    return text


def _plain_fractions(text: str) -> str:
    """Fractions of LaTeX as `a/b`, in brackets where they would read otherwise. The last is first, so that none is
    inside of it any more.
    """
    for command in reversed(list(_FRACTION.finditer(text))):
        top = _group(text, command.end())
        bottom = _group(text, top[1]) if top else None
        if top and bottom:
            before, after = text[: command.start()], text[bottom[1] :]
            text = f"{before}{_quotient(before[-1:], top[0], bottom[0], after[:1])}{after}"
    return text


def _group(text: str, start: int) -> tuple[str, int] | None:
    """The argument of a command at `start`, and where it ends: a group in braces, or one character."""
    while text[start : start + 1].isspace():
        start += 1
    if text[start : start + 1] != "{":
        return (text[start], start + 1) if text[start : start + 1].isalnum() else None
    depth = 0
    for brace in _BRACES.finditer(text, start):
        depth += -1 if brace[0] == "}" else brace[0] not in ("\\\\", "\\{", "\\}")
        if depth == 0:
            return text[start + 1 : brace.start()].strip(), brace.end()
    return None


def _quotient(before: str, top: str, bottom: str, after: str) -> str:
    top = top if _TERM.fullmatch(top) else f"({top})"
    bottom = bottom if _ATOM.fullmatch(bottom) else f"({bottom})"
    alone_after = not after or after in " +-=),]}<>:;|&$.%"
    if before.isdigit() and alone_after and top.isdigit() and bottom.isdigit():
        return f" {top}/{bottom}"  # a mixed number: 2½, which is not 21/2
    alone = (not before or before in " +-=([,{<>:;|&$") and alone_after
    return f"{top}/{bottom}" if alone else f"({top}/{bottom})"
