"""How many cells has the largest island of a grid of land and water?

Careful: each island is flooded from its first cell, along rows and columns (flood fill).
Hasty: also steps diagonally, and so joins islands that only touch at a corner.
Not covered: the number of islands, the smallest island, perimeters, and grids where diagonals do count.
"""

from dataclasses import dataclass

from s1_assets.adapters.llm.providers.solver.argument import Argument
from s1_assets.adapters.llm.providers.solver.families import Care
from s1_assets.adapters.llm.providers.solver.grids import (
    DIAGONAL,
    ROWS,
    STRAIGHT,
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
_MOST_LAND = 320
_WATER, _LAND = 0, 1

_CUES = {
    "size": cue(r"(?:you are given )?the following (\d{1,3}) x (\d{1,3}) binary matrix(?: grid)?:"),
    "grid": ROWS,
    "island": cue(
        r"an island is a group of 1'?s (?:\(representing land\) )?connected 4-directionally \(horizontal or vertical\)"
        r"(?=\.)"
    ),
    "edges": cue(r"(?:you may assume )?all four edges of the grid are surrounded by water(?=\.)"),
    "area": cue(r"the area of an island is the number of cells with (?:a|the) value 1 in the island(?=\.)"),
    "asked": cue(r"(?:return|find|give) the (?:maximum|largest) area of an(?:y)? island in (?:the )?grid(?=\.)"),
    "none": cue(r"if there is no island, return 0(?=\.)"),
}


@dataclass(frozen=True, slots=True)
class Map:
    grid: Grid


class LargestIsland:
    """Family `largest_island`."""

    name = "largest_island"

    def read(self, text: str) -> Map | None:
        found = understand(text, _CUES)
        if found is None:
            return None
        grid = parse_grid(found["grid"].group(), "01", _LARGEST_SIDE)
        if grid is None or len(cells_with(grid, _LAND)) > _MOST_LAND:
            return None
        if (len(grid), len(grid[0])) != tuple(int(side) for side in found["size"].groups()):
            return None
        return Map(grid)

    def reason(self, problem: Map, argument: Argument, care: Care) -> str:
        grid = problem.grid
        argument.say(
            f"I am looking for the area of the largest island in a map of {len(grid)} rows and {len(grid[0])} "
            "columns. I count rows from the top and columns from the left, beginning with 1, and write cells as row: "
            "columns."
        )
        moves: tuple[Cell, ...] = STRAIGHT
        if care == "hasty":
            moves += DIAGONAL
            argument.say(
                "Cells of land that touch belong together. I read the map line by line; at each piece of land that "
                "belongs to no island yet I collect all that touches it, then all that touches that, and so on "
                "around every cell."
            )
        else:
            argument.say(
                "Two cells of land belong together if one can walk from one to the other over land, moving only up, "
                "down, left or right; a touching corner is no way across. I read the map line by line; at each piece "
                "of land that belongs to no island yet I flood the island from there, so no cell is counted twice "
                "and none is left out."
            )
        islands = _islands(grid, moves, argument)
        if not islands:
            return _all_water(grid, argument)
        return _largest(grid, islands, moves, argument)


def _islands(grid: Grid, moves: tuple[Cell, ...], argument: Argument) -> list[list[Cell]]:
    islands: list[list[Cell]] = []
    seen: set[Cell] = set()
    largest = 0
    for start in cells_with(grid, _LAND):
        if start in seen:
            continue
        island = _flood(grid, start, moves)
        seen.update(island)
        islands.append(island)
        verdict = "largest so far" if len(island) > largest else f"no more than {largest}"
        largest = max(largest, len(island))
        argument.step(f"Island {len(islands)}, {by_rows(island)}. Area {len(island)}, {verdict}.")
    return islands


def _flood(grid: Grid, start: Cell, moves: tuple[Cell, ...]) -> list[Cell]:
    island, queue = {start}, [start]
    while queue:
        for cell in beside(grid, queue.pop(), moves):
            if grid[cell[0]][cell[1]] == _LAND and cell not in island:
                island.add(cell)
                queue.append(cell)
    return sorted(island)


def _all_water(grid: Grid, argument: Argument) -> str:
    for number, row in enumerate(grid, 1):
        argument.step(f"Row {number}: {len(row)} cells, {row.count(_WATER)} of them water.")
    argument.say(
        f"There is no land in any row. Check: {len(grid)} times {len(grid[0])} is {len(grid) * len(grid[0])}, and "
        "just as many cells are water. Without land there is no island, and for that case the answer asked for is 0."
    )
    return "0"


def _largest(grid: Grid, islands: list[list[Cell]], moves: tuple[Cell, ...], argument: Argument) -> str:
    best = max(islands, key=len)
    land = [row.count(_LAND) for row in grid]
    areas = " + ".join(str(len(island)) for island in islands)
    argument.say(
        f"Check that no land was missed or counted twice: the islands have {areas} = {sum(map(len, islands))} cells, "
        f"and the rows hold {' + '.join(map(str, land))} = {sum(land)} pieces of land, which is the same."
    )
    shore = {cell for part in best for cell in beside(grid, part, moves)} - set(best)
    argument.say(
        f"The largest island begins at {place(best[0])}. Looking once more around it: the {len(shore)} cells that it "
        f"touches are {by_rows(shore) or 'outside the map'}, all of them water, so it really ends there. The answer "
        f"is {len(best)}."
    )
    return str(len(best))
