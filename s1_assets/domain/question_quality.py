"""Is a question whole as text? The quality filter of s1 (paper, section 2.2), free of its over-firing.

s1's own patterns drop every question with `p3.14`, `2**3**2` or a bold number. These look for what the paper means:
drawings made of characters, and figures that did not come along.
Not covered: drawings made of letters that stand as close as in a text.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BOX_DRAWING = re.compile(r"[\u2500-\u259f]")
_ASYMPTOTE = re.compile(r"\[asy\]|\\begin\{(?:tikzpicture|asy)\}")
_IMAGE = re.compile(r"!\[[^\]\n]{0,300}\]\(|<img\b|\\includegraphics", re.IGNORECASE)
_FIGURE = re.compile(
    r"\b(?:(?:in|see|from|as shown in|shown in|according to|refer to|given in) the "
    r"(?:\w+ )?(?:figure|diagram|picture|image|graph|drawing|illustration)"
    r"(?: (?:below|above|shown|at (?:the )?(?:left|right)|on the (?:left|right)))?"
    r"|(?:figure|diagram|picture|image|drawing) (?:shown |given )?(?:below|above))\b",
    re.IGNORECASE,
)
_STROKES = "|/\\_+.-=*'`,:;()<>[]{}#$%&@~^\"!o"
_DRAWN_LINE = re.compile(rf"[\s{re.escape(_STROKES)}]+")
_CORNER = re.compile(r"\+--|--\+|\|__|__\||/\s*\\|\\\s*/|\|\s{2,}\||###|#\s{2,}#")
_GAP = re.compile(r"(?<=\S)\s{2,}(?=\S)")
_COORDINATES = re.compile(r"\s*A B C(?: [D-Z])*\s*")
_BOARD_ROW = re.compile(r"\s*\d{1,2}((?: \S){3,})\s*")
BOX_LINES = 2
"""Lines with box-drawing characters that make a drawing; one may be a ruled line of a text."""
DRAWN_LINES = 3
"""Lines of strokes alone, one after another and with a corner among them, that make a drawing."""
LETTERING_LINES = 4
"""Lines of large letters made of small ones: few kinds of characters, and gaps of many widths."""
FRAME_SIDE = 5
"""Characters, in both directions, of the smallest picture that is known by its frame."""
LONGEST_DRAWING = 200_000
"""Characters; a longer text is looked at this far only, so that a huge cell costs little."""


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
    lines = question[:LONGEST_DRAWING].splitlines()
    boxed = [line for line in lines if _BOX_DRAWING.search(line)]
    if len(boxed) >= BOX_LINES:
        return Flaw("ascii_diagram", boxed[0].strip()[:100])
    for block in _blocks(lines):
        if drawn := _drawn_line(block):
            return Flaw("ascii_diagram", drawn.strip()[:100])
    for reason, pattern in (("drawing_code", _ASYMPTOTE), ("missing_figure", _IMAGE), ("missing_figure", _FIGURE)):
        if found := pattern.search(question):
            return Flaw(reason, found[0])
    return None


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Runs of lines between empty lines and marks of a code block."""
    block: list[str] = []
    for line in (*lines, ""):
        if line.strip().strip("`"):
            block.append(line)
        elif block:
            yield block
            block = []


def _drawn_line(block: Sequence[str]) -> str:
    """The first line of the drawing in a block; empty if there is none."""
    return _strokes(block) or _lettering(block) or _framed(block) or _board(block)


def _strokes(block: Sequence[str]) -> str:
    """Strokes alone, one line after another, with a corner among them."""
    run: list[str] = []
    for line in (*block, "end of the block"):
        if _DRAWN_LINE.fullmatch(line):
            run.append(line)
            continue
        if len(run) >= DRAWN_LINES and _CORNER.search("\n".join(run)):
            return run[0]
        run = []
    return ""


def _lettering(block: Sequence[str]) -> str:
    """Large letters: most of the ink is of four kinds, and neither words of a text, columns of a table nor fields of a
    board are spaced so.
    """
    gaps = [len(gap[0]) for line in block for gap in _GAP.finditer(line)]
    if len(block) < LETTERING_LINES or len(set(gaps)) < 4 or len(gaps) < 2 * len(block):
        return ""
    ink = Counter(character for line in block for character in line if not character.isspace())
    most = sum(count for _, count in ink.most_common(4))
    pieces = sum(len(line.split()) for line in block)
    return block[0] if most >= 0.7 * ink.total() and ink.total() >= 1.5 * pieces else ""


def _framed(block: Sequence[str]) -> str:
    """A rectangle of characters without spaces, all round its edge the same one, others inside: a maze.

    Digits 0 and 1 alone are a matrix.
    """
    for start, line in enumerate(block):
        edge = line[:1]
        if len(line) < FRAME_SIDE or not line.isascii() or line != edge * len(line):
            continue
        rows = _equally_long(block[start:])
        side = [row for row in rows if row[0] == edge == row[-1] and " " not in row]
        inside = set("".join(rows)) - {edge}
        whole = len(rows) >= FRAME_SIDE and len(side) == len(rows) and rows[-1] == line
        return line if whole and inside and not inside | {edge} <= {"0", "1"} else ""
    return ""


def _equally_long(lines: Sequence[str]) -> list[str]:
    rows: list[str] = []
    for line in lines:
        if len(line) != len(lines[0]):
            break
        rows.append(line)
    return rows


def _board(block: Sequence[str]) -> str:
    """A board with letters above and numbers beside it, most of its fields marked by strokes."""
    for start, line in enumerate(block):
        if not _COORDINATES.fullmatch(line):
            continue
        width = len(line.split())
        rows = [row[1].split() for row in map(_BOARD_ROW.fullmatch, block[start + 1 :]) if row]
        fields = [field for row in rows if len(row) == width for field in row]
        strokes = sum(field in _STROKES for field in fields)
        if len(rows) >= DRAWN_LINES and strokes * 2 >= len(fields) > 0:
            return line
    return ""
