"""Rectangular grids of one-digit cells: reading them from text, walking in them, and naming their cells in prose."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

Cell = tuple[int, int]
"""Row and column, both counted from 0; in prose both are counted from 1."""
Grid = tuple[tuple[int, ...], ...]

ROWS = re.compile(r"(?m)^[ \t]*\d(?:[ \t]+\d)*[ \t]*$(?:\n[ \t]*\d(?:[ \t]+\d)*[ \t]*$)*")
"""Consecutive lines of single digits."""

STRAIGHT = ((-1, 0), (0, -1), (0, 1), (1, 0))
DIAGONAL = ((-1, -1), (-1, 1), (1, -1), (1, 1))


def parse_grid(rows: str, symbols: str, largest_side: int) -> Grid | None:
    """The grid in `rows`, or None if it is not rectangular, too large, or has a cell that is not one of `symbols`."""
    cells = [line.split() for line in rows.strip().splitlines()]
    width = len(cells[0])
    if max(len(cells), width) > largest_side or any(len(row) != width for row in cells):
        return None
    if any(cell not in symbols for row in cells for cell in row):
        return None
    return tuple(tuple(int(cell) for cell in row) for row in cells)


def cells_with(grid: Grid, value: int) -> list[Cell]:
    """The cells that hold `value`, row by row."""
    return [(r, c) for r, row in enumerate(grid) for c, cell in enumerate(row) if cell == value]


def beside(grid: Grid, cell: Cell, moves: Iterable[Cell] = STRAIGHT) -> Iterator[Cell]:
    """The neighbours of `cell` that lie inside the grid."""
    for down, right in moves:
        r, c = cell[0] + down, cell[1] + right
        if 0 <= r < len(grid) and 0 <= c < len(grid[0]):
            yield r, c


def place(cell: Cell) -> str:
    """
    >>> place((0, 4))
    'row 1 column 5'
    """
    return f"row {cell[0] + 1} column {cell[1] + 1}"


def by_rows(cells: Iterable[Cell]) -> str:
    """Cells in short.

    >>> by_rows([(0, 1), (0, 2), (3, 0)])
    'row 1: 2 3; row 4: 1'
    """
    rows = groupby(sorted(cells), key=lambda cell: cell[0])
    return "; ".join(f"row {row + 1}: {' '.join(str(c + 1) for _, c in group)}" for row, group in rows)
