"""Which stretch of which track each lane of a batch holds, decided before training begins.

A batch has ``lanes`` lanes. A lane takes a track from its first step to its last, ``length`` steps a batch,
then begins the next track of the epoch's order; so all tracks of a batch differ, every step of every track is
seen once an epoch and in order, and few steps of a batch are empty. Pure numpy.

The order is random over the tracks of a group of videos (:class:`Groups`), one group after the other. Where
all features are small there is one group, and the order is random over all tracks. Larger ones may not be
kept but computed of a whole video when they are asked for: in an order over all tracks nearly every track (of
a video of UCF101-24 there are 120) would have its video computed again, in this one each video is once an
epoch. Groups are by the size of the features, whether they are kept or not: room on disk changes the time
that training takes, and no number. What that costs, ours: a batch is of few videos, and lanes are empty at
the end of a group. With 1.6 GB a group and fc7 an epoch of UCF101-24, nine videos a group, has 8% more
batches, one of DALY 21%; with I3D there are hardly more. Nine videos a group teach less in the same time:
after 380 batches of 192 videos of ucf24-mini the loss on 96 others was 2.01 in place of 1.84 (one seed).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
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

    @classmethod
    def joined(cls, plans: Sequence[Plan]) -> Plan:
        """One after the other."""
        return cls(np.concatenate([p.track_BL for p in plans]), np.concatenate([p.start_BL for p in plans]))

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


@dataclass(frozen=True)
class Groups:
    """Videos whose tracks are drawn together: as many as ``room`` bytes of features are of, one at least.

    video_T: number of the video of each track. bytes_V: of the features of each video.
    """

    video_T: Array
    bytes_V: Array
    room: int

    def drawn(self, random: np.random.Generator) -> list[Array]:
        """The tracks of each group: videos in random order, the tracks of a group in random order."""
        order_T = random.permutation(len(self.video_T))
        group_V, group, taken = np.zeros(len(self.bytes_V), np.int64), 0, 0
        for video in random.permutation(np.unique(self.video_T)).tolist():
            size = int(self.bytes_V[video])
            if taken and taken + size > self.room:
                group, taken = group + 1, 0
            group_V[video], taken = group, taken + size
        group_T = group_V[self.video_T[order_T]]
        order_T = order_T[np.argsort(group_T, kind="stable")]
        return np.split(order_T, np.cumsum(np.bincount(group_T))[:-1])


class Schedule:
    """Epoch after epoch, each in an order of its own; a batch is a function of seed and step alone.

    Not more lanes than tracks. Raises ValueError where there is no track or one has no step.
    """

    def __init__(self, lengths_T: Array, lanes: int, length: int, seed: int, groups: Groups) -> None:
        if not len(lengths_T) or lengths_T.min() < 1:
            raise ValueError("recurrent training needs tracks of at least one step, and there are none")
        self.lengths_T, self.length, self.seed, self.groups = lengths_T, length, seed, groups
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
            random = np.random.default_rng([self.seed, 7, epoch])
            drawn = self.groups.drawn(random)
            plans = [plan(self.lengths_T, order_T, self.lanes, self.length) for order_T in drawn]
            self._kept = epoch, Plan.joined(plans)
        return self._kept[1]
