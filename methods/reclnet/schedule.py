"""Which stretch of which track each lane of a batch holds, decided before training begins.

A batch has ``lanes`` lanes. A lane takes a track from its first step to its last, ``length`` steps a batch,
then begins the next track of the epoch's order; so all tracks of a batch differ, every step of every track is
seen once an epoch and in order, and few steps of a batch are empty. Pure numpy.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.records import Array

IDLE = -1


@dataclass(frozen=True)
class Stretches:
    """The stretches of the lanes of one batch: ``track_L`` (:data:`IDLE`: none) and their first steps."""

    track_L: Array
    start_L: Array


@dataclass(frozen=True)
class Plan:
    """The batches of one pass over some tracks: int32 [batches, lanes] each, as in :class:`Stretches`."""

    track_BL: Array
    start_BL: Array

    def __len__(self) -> int:
        return len(self.track_BL)

    def __iter__(self) -> Iterator[Stretches]:
        return (self[batch] for batch in range(len(self)))

    def __getitem__(self, batch: int) -> Stretches:
        return Stretches(self.track_BL[batch], self.start_BL[batch])


def plan(lengths_T: Array, order_T: Array, lanes: int, length: int) -> Plan:
    """Give the tracks in this order to the lane that is free first, the lowest of several.

    ``lengths_T``: steps of every track, at least 1.
    """
    batches_T = -(-lengths_T.astype(np.int64) // length)
    free = [(0, lane) for lane in range(lanes)]
    placed: list[tuple[int, int, int]] = []
    for track in order_T.tolist():
        first, lane = heapq.heappop(free)
        placed.append((track, first, lane))
        heapq.heappush(free, (first + int(batches_T[track]), lane))
    size = max(free)[0], lanes
    track_BL, start_BL = np.full(size, IDLE, np.int32), np.zeros(size, np.int32)
    for track, first, lane in placed:
        count = int(batches_T[track])
        track_BL[first : first + count, lane] = track
        start_BL[first : first + count, lane] = np.arange(count) * length
    return Plan(track_BL, start_BL)


class Schedule:
    """Epoch after epoch, each in an order of its own; a batch is a function of seed and step alone.

    Not more lanes than tracks. Raises ValueError where there is no track or one has no step.
    """

    def __init__(self, lengths_T: Array, lanes: int, length: int, seed: int) -> None:
        if not len(lengths_T) or lengths_T.min() < 1:
            raise ValueError("recurrent training needs tracks of at least one step, and there are none")
        self.lengths_T, self.length, self.seed = lengths_T, length, seed
        self.lanes = min(lanes, len(lengths_T))
        self._ends = [0]
        self._kept: tuple[int, Plan] | None = None

    def batches(self, epochs: int) -> int:
        """Batches of so many epochs."""
        while len(self._ends) <= epochs:
            self._ends.append(self._ends[-1] + len(self._epoch(len(self._ends) - 1)))
        return self._ends[epochs]

    def __getitem__(self, step: int) -> Stretches:
        """The stretches of a step of training."""
        epochs = 1
        while self.batches(epochs) <= step:
            epochs += 1
        return self._epoch(epochs - 1)[step - self._ends[epochs - 1]]

    def _epoch(self, epoch: int) -> Plan:
        if self._kept is None or self._kept[0] != epoch:
            order_T = np.random.default_rng([self.seed, 7, epoch]).permutation(len(self.lengths_T))
            self._kept = epoch, plan(self.lengths_T, order_T, self.lanes, self.length)
        return self._kept[1]
