"""After how many minutes is the last fresh orange in a grid rotten?

Careful: the rot spreads in waves, one a minute, from all rotten oranges at once (breadth-first search from many
sources; E. F. Moore, The shortest path through a maze, 1959).
Hasty: takes each fresh orange's distance as the crow flies along the grid, as if there were no empty cells in between;
so it is too quick where a detour is needed, and never sees an orange that cannot be reached.
Not covered: other kinds of neighbourhood, questions for the state after some minutes or for a number of oranges.
"""

from dataclasses import dataclass

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.grids import (
    ROWS,
    Cell,
    Grid,
    beside,
    by_rows,
    cells_with,
    parse_grid,
    place,
)
from s1_assets.adapters.llm.providers.solver.reading import cue, understand

_LARGEST_SIDE = 30
_FRESH, _ROTTEN = 1, 2

_CUES = {
    "rule": cue(
        r"every minute, any fresh orange that is 4-directionally adjacent to a rotten orange becomes rotten(?=\.)"
    ),
    "empty": cue(r"\b0 (?:represent(?:s|ing)|is|means) an empty cell\b"),
    "fresh": cue(r"\b1 (?:represent(?:s|ing)|is|means) a fresh orange\b"),
    "rotten": cue(r"\b2 (?:represent(?:s|ing)|is|means) a rotten orange\b"),
    "impossible": cue(r"if (?:this|that|it) is impossible, (?:return|answer) -1(?=\.)"),
    "shape": cue(r"(?:you are given )?an n x n grid where each cell can have one of three values"),
    "asked": cue(
        r"(?:determine|find) the minimum number of minutes (?:that must elapse )?"
        r"until no cell in the grid below has a fresh orange\s*[:.]"
    ),
    "announced": cue(
        r"(?:determine|find) the minimum number of minutes (?:that must elapse )?until no cell has a fresh orange(?=\.)"
    ),
    "grid": ROWS,
}


@dataclass(frozen=True, slots=True)
class Crate:
    grid: Grid


class RottenOranges:
    """Family `rotten_oranges`."""

    name = "rotten_oranges"

    def read(self, text: str) -> Crate | None:
        found = understand(text, _CUES)
        if found is None:
            return None
        grid = parse_grid(found["grid"].group(), "012", _LARGEST_SIDE)
        return Crate(grid) if grid and len(grid) == len(grid[0]) else None

    def reason(self, problem: Crate, argument: Argument, care: Care) -> str:
        fresh, rotten = cells_with(problem.grid, _FRESH), cells_with(problem.grid, _ROTTEN)
        side = len(problem.grid)
        argument.say(
            f"The grid has {side} rows and {side} columns. Fresh oranges: {len(fresh)}, rotten ones: {len(rotten)}. I "
            "want the minute in which the last fresh one becomes rotten, or -1 if some orange stays fresh for ever. "
            "I count rows from the top and columns from the left, from 1."
        )
        argument.step(f"Rotten at the start are: {by_rows(rotten) or 'none'}.")
        guess = care == "hasty" and fresh and rotten
        return str(_crow_flies(problem.grid, argument) if guess else _waves(problem.grid, argument))


def _waves(grid: Grid, argument: Argument) -> int:
    argument.say(
        "Rot moves one cell a minute: up, down, left or right, never through an empty cell. So I go minute by "
        "minute. The oranges that rot in a minute are exactly the fresh neighbours of those that rotted in the "
        "minute before, since neighbours of older ones have been caught earlier. I write each wave as row: columns."
    )
    came_from: dict[Cell, Cell] = {}
    wave, minute = cells_with(grid, _ROTTEN), 0
    fresh = set(cells_with(grid, _FRESH))
    total = len(fresh)
    while True:
        reached = {cell: source for source in wave for cell in beside(grid, source) if cell in fresh}
        if not reached:
            break
        minute += 1
        fresh -= reached.keys()
        came_from |= reached
        argument.step(f"Minute {minute}: {by_rows(reached)}. That is {len(reached)}; fresh: {len(fresh)}.")
        wave = sorted(reached)
    if fresh:
        return _never(grid, fresh, minute, argument)
    return _after(minute, wave, came_from, total, argument)


def _never(grid: Grid, fresh: set[Cell], minute: int, argument: Argument) -> int:
    argument.say(f"After minute {minute} nothing changes any more, but {len(fresh)} are still fresh: {by_rows(fresh)}.")
    cut_off = min(fresh)
    group, rim = _surroundings(grid, cut_off)
    contents = sorted({grid[r][c] for r, c in rim})
    argument.say(
        f"Check on the first of them, at {place(cut_off)}: together with the fresh oranges that it touches, step by "
        f"step, it forms a group of {len(group)}. Within the grid the cells around this group are "
        f"{by_rows(rim) or 'none'}, and they hold only the values {contents or 'of no cell'}: no 2 among them. Rot "
        "cannot get in, so the answer is -1."
    )
    return -1


def _surroundings(grid: Grid, start: Cell) -> tuple[set[Cell], set[Cell]]:
    group, rim, queue = {start}, set(), [start]
    while queue:
        for cell in beside(grid, queue.pop()):
            if grid[cell[0]][cell[1]] != _FRESH:
                rim.add(cell)
            elif cell not in group:
                group.add(cell)
                queue.append(cell)
    return group, rim


def _after(minute: int, last: list[Cell], came_from: dict[Cell, Cell], total: int, argument: Argument) -> int:
    if not minute:
        argument.say(
            "There is no fresh orange to begin with, so no wave is needed: the condition holds before the first "
            "minute has passed. Check: looking through the rows once more, I find no 1 in any of them, only empty "
            "cells and rotten oranges. The rule speaks of fresh oranges alone, so nothing can change later either. "
            "The answer is 0."
        )
        return 0
    trail = [last[0]]
    while trail[-1] in came_from:
        trail.append(came_from[trail[-1]])
    argument.say(
        f"Nothing fresh is left: the waves have taken {len(came_from)} of {total} fresh oranges. Check by walking "
        f"back from one of the last, at {place(last[0])}: {', '.join(f'({r + 1}, {c + 1})' for r, c in trail)}. These "
        f"are {len(trail) - 1} moves, each to a touching orange, and the walk ends on one that was rotten at the "
        f"start, so it was not later than minute {len(trail) - 1}; that it was not earlier follows from the waves. "
        f"The answer is {minute}."
    )
    return minute


def _crow_flies(grid: Grid, argument: Argument) -> int:
    argument.say(
        "Rot moves one cell a minute, so a fresh orange rots after as many minutes as it is cells away from the "
        "nearest rotten one, counting rows plus columns. I go through the rows, note the orange that has to wait "
        "longest in each, and take the largest number."
    )
    rotten = cells_with(grid, _ROTTEN)
    longest, where = 0, rotten[0]
    for r, row in enumerate(grid):
        waits = [(_nearest((r, c), rotten), (r, c)) for c, value in enumerate(row) if value == _FRESH]
        wait, cell = max(waits, default=(0, (r, 0)))
        found = f"the slowest of {len(waits)} is in column {cell[1] + 1}, {wait} away" if waits else "nothing fresh"
        argument.step(f"Row {r + 1}: {found}.")
        if wait > longest:
            longest, where = wait, cell
    nearest = min(rotten, key=lambda cell: _distance(cell, where))
    argument.say(
        f"The slowest of all is at {place(where)}. Check: the nearest rotten orange is at {place(nearest)}, "
        f"{abs(where[0] - nearest[0])} rows and {abs(where[1] - nearest[1])} columns away. The answer is {longest}."
    )
    return longest


def _nearest(cell: Cell, rotten: list[Cell]) -> int:
    return min(_distance(cell, other) for other in rotten)


def _distance(one: Cell, other: Cell) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])
