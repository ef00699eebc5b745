"""Spread a selection over subjects, preferring long reasoning.

The last of the three filters of s1K (s1 paper, Algorithm 1: https://arxiv.org/abs/2501.19393).
Not covered: balancing over sources; the notebook's benchmark-shaped phase.
"""

from collections.abc import Mapping, Sequence
from random import Random


def draw_across_subjects(lengths: Mapping[str, Sequence[int]], size: int, rng: Random) -> list[tuple[str, int]]:
    """Draw up to `size` items, one subject at a time, long ones first by chance.

    A subject is drawn uniformly among those with items left; within it, the item of rank r (0 = longest) among those
    left has weight 2**-r. Only coin flips and whole numbers are drawn, so that a seed gives the same items on any
    machine.

    Args:
        lengths: By subject, the reasoning length of each item, in tokens. Equal lengths keep their order.
        size: Number of items wanted; fewer are drawn where fewer exist.
        rng: Seeded by the caller.

    Returns:
        (subject, index into `lengths[subject]`) pairs in the order drawn, no pair twice.
    """
    by_length = {
        subject: sorted(range(len(lengths[subject])), key=lambda index: (-lengths[subject][index], index))
        for subject in sorted(lengths)
    }
    left = [subject for subject in by_length if by_length[subject]]
    drawn: list[tuple[str, int]] = []
    while left and len(drawn) < size:
        place = rng.randrange(len(left))
        subject = left[place]
        drawn.append((subject, by_length[subject].pop(_rank(len(by_length[subject]), rng))))
        if not by_length[subject]:
            left.pop(place)
    return drawn


def _rank(count: int, rng: Random) -> int:
    """A rank below `count` with weight 2**-rank: tails before the first head, flipped anew when too many."""
    while True:
        rank = 0
        while rank < count and rng.getrandbits(1):
            rank += 1
        if rank < count:
            return rank
