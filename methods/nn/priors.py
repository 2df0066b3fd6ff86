"""Prior boxes of SSD (Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, section 2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.records import Array

Size = tuple[int, int]
"""Width and height."""


@dataclass(frozen=True)
class PriorLevel:
    """Priors of one map: pixels between cells, sides of the small and of the large square, aspect ratios."""

    step: float
    smallest: float
    largest: float
    ratios: tuple[float, ...] = (2.0, 3.0)

    def shapes(self) -> Array:
        """Widths and heights in pixels [K, 2]: small square, geometric mean with the large one, and for each
        ratio the wide and the high one."""
        mean = np.sqrt(self.smallest * self.largest)
        shapes = [(self.smallest, self.smallest), (mean, mean)]
        for root in np.sqrt(self.ratios):
            shapes += [(self.smallest * root, self.smallest / root)]
            shapes += [(self.smallest / root, self.smallest * root)]
        return np.array(shapes)


RFB_300 = tuple(
    PriorLevel(step, smallest, largest, ratios)
    for step, smallest, largest, ratios in (
        (8, 30, 60, (2.0, 3.0)),
        (16, 60, 111, (2.0, 3.0)),
        (32, 111, 162, (2.0, 3.0)),
        (64, 162, 213, (2.0, 3.0)),
        (100, 213, 264, (2.0,)),
        (300, 264, 315, (2.0,)),
    )
)
"""Those of RFB Net on pictures of 300x300."""


def priors(levels: Sequence[PriorLevel], frame_size: Size, map_sizes: Sequence[Size]) -> Array:
    """Centre and size of every prior in shares of the frame, cut to 0..1, float32 [P, 4].

    By map, row and column; ``map_sizes``: of each level's map.
    """
    found = []
    for level, (columns, rows) in zip(levels, map_sizes, strict=True):
        y, x = np.mgrid[:rows, :columns]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 1, 2) + 0.5) * level.step
        shapes = level.shapes()
        both = np.broadcast_arrays(centres, shapes)
        found.append(np.concatenate(both, axis=2).reshape(-1, 4))
    whole = np.concatenate(found) / np.tile(frame_size, 2)
    return whole.clip(0, 1).astype(np.float32)


def rfb_map_sizes(frame_size: Size, levels: int) -> list[Size]:
    """Width and height of the maps of :class:`methods.nn.rfb.RfbTrunk`. Raises ValueError for one below 1."""
    sides = [_map_sides(side) for side in frame_size]
    found = list(zip(*sides))[:levels]
    if min(found[-1]) < 1:
        width, height = frame_size
        raise ValueError(f"a frame of {width}x{height} has no {levels} maps: fewer levels or a larger frame")
    return found


def _map_sides(side: int) -> tuple[int, ...]:
    fine = -(-(side // 4) // 2)
    second = fine // 2
    third = -(-second // 2)
    fourth = -(-third // 2)
    return fine, second, third, fourth, fourth - 2, fourth - 4
