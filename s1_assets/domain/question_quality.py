"""Is a question whole as text? The quality filter of s1 (paper, section 2.2), free of its over-firing.

s1's own patterns drop every question with `p3.14`, `2**3**2` or a bold number. These look for what the paper means:
drawings made of characters, and figures that did not come along.
Not covered: drawings made of letters alone.
"""

import re
from dataclasses import dataclass

_BOX_DRAWING = re.compile(r"[\u2500-\u259f]")
_ASYMPTOTE = re.compile(r"\[asy\]|\\begin\{(?:tikzpicture|asy)\}")
_IMAGE = re.compile(r"!\[[^\]]*\]|<img\b|\\includegraphics", re.IGNORECASE)
_FIGURE = re.compile(
    r"\b(?:(?:in|see|from|as shown in|shown in|according to|refer to|given in) the "
    r"(?:\w+ )?(?:figure|diagram|picture|image|graph|drawing|illustration)"
    r"(?: (?:below|above|shown|at (?:the )?(?:left|right)|on the (?:left|right)))?"
    r"|(?:figure|diagram|picture|image|drawing) (?:shown |given )?(?:below|above))\b",
    re.IGNORECASE,
)
_DRAWN_LINE = re.compile(r"[\s|/\\_+.\-=*'`()<>o]+")
_CORNER = re.compile(r"\+-{2,}|-{2,}\+|\|_{2,}|_{2,}\||/\s*\\|\\\s*/|\|\s{2,}\|")
BOX_LINES = 2
"""Lines with box-drawing characters that make a drawing; one may be a ruled line of a text."""
DRAWN_LINES = 3
"""Lines of strokes alone, one after another and with a corner among them, that make a drawing."""


@dataclass(frozen=True, slots=True)
class Flaw:
    reason: str
    evidence: str


def find_flaw(question: str) -> Flaw | None:
    """What makes the text of a question incomplete, or None.

    >>> find_flaw("In the figure below, find x.").reason
    'missing_figure'
    >>> find_flaw("Evaluate 2**3**2 to p3.14 places.") is None
    True
    """
    lines = question.splitlines()
    boxed = [line for line in lines if _BOX_DRAWING.search(line)]
    if len(boxed) >= BOX_LINES:
        return Flaw("ascii_diagram", boxed[0].strip()[:100])
    if drawn := _drawn_block(lines):
        return Flaw("ascii_diagram", drawn[0].strip()[:100])
    for reason, pattern in (("drawing_code", _ASYMPTOTE), ("missing_figure", _IMAGE), ("missing_figure", _FIGURE)):
        if found := pattern.search(question):
            return Flaw(reason, found[0])
    return None


def _drawn_block(lines: list[str]) -> list[str]:
    """The first run of lines made of strokes alone that holds a corner; empty if there is none."""
    block: list[str] = []
    for line in (*lines, "end of the text"):
        if line.strip() and _DRAWN_LINE.fullmatch(line):
            block.append(line)
            continue
        if len(block) >= DRAWN_LINES and _CORNER.search("\n".join(block)):
            return block
        block = []
    return []
