"""Tracks of many videos as sequences of feature rows, and their features read stretch by stretch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bench.footage import Arrays
from bench.records import Array
from methods.reclnet.labels import UNKNOWN
from methods.reclnet.schedule import IDLE, Stretches
from methods.reclnet.steps import steps_of

Read = Callable[[str], Arrays]
"""Video -> its arrays, memory-mapped or not."""
Labels = Callable[[str, Arrays], Array]
"""Video, its ``tracks`` arrays -> the label of every track row, as :mod:`methods.reclnet.labels` has them."""

RECENT_VIDEOS = 128
"""Videos whose features are held open, above the tracks of a batch; each may need a few file handles."""
BUDGET = 2 << 30
"""Bytes of features that are held in memory; those that are memory-mapped do not count."""


@dataclass(frozen=True)
class Sequences:
    """The tracks of some videos, T sequences of P time steps in all; six bytes a step.

    ``video_T`` points into ``videos``; sequence t is the steps ``bounds[t]:bounds[t + 1]``, each with its row
    of the video's features and its label as :data:`Labels` has them.
    """

    videos: tuple[str, ...]
    video_T: Array
    bounds: Array
    row_P: Array
    label_P: Array

    @classmethod
    def of(cls, videos: Iterable[str], tracks: Read, features: Read, labels: Labels) -> Sequences:
        """All tracks of the videos. Raises ValueError where none has any."""
        names, counts, lengths, rows, targets = [], [], [], [], []
        for video in videos:
            names.append(video)
            found = tracks(video)
            steps = steps_of(found["track_N"], features(video)["step_N"])
            counts.append(len(steps.bounds) - 1)
            lengths.append(np.diff(steps.bounds))
            rows.append(steps.feature_P.astype(np.int32))
            targets.append(labels(video, found)[steps.middle_P].astype(np.int16))
        if not sum(counts):
            raise ValueError(
                f"no track was found in the {len(names)} training videos, so the recurrent network has "
                "nothing to learn from: train the detector longer, or lower the scores that tracks need"
            )
        bounds = np.append(0, np.cumsum(np.concatenate(lengths)))
        video_T = np.repeat(np.arange(len(names), dtype=np.int32), counts)
        return cls(tuple(names), video_T, bounds, np.concatenate(rows), np.concatenate(targets))

    @property
    def lengths_T(self) -> Array:
        """Steps of every sequence."""
        return np.diff(self.bounds)

    def labels(self, stretches: Stretches, length: int) -> Tensor:
        """Labels of a batch, int64 [length, lanes], :data:`UNKNOWN` beyond a track's end."""
        labels_TL = torch.full((length, len(stretches.track_L)), UNKNOWN)
        for lane, steps in self.lanes(stretches, length):
            labels_TL[: steps.stop - steps.start, lane] = torch.from_numpy(self.label_P[steps])
        return labels_TL

    def features(self, stretches: Stretches, length: int, read: Read, name: str) -> Tensor:
        """Features of a batch, float32 [length, lanes, D], 0 beyond a track's end.

        ``name``: of the rows of features among the arrays of a video, which ``read`` gives.
        """
        features_TLD = torch.empty(0)
        for lane, steps in self.lanes(stretches, length):
            video = self.videos[self.video_T[stretches.track_L[lane]]]
            rows_SD = read(video)[name]
            if not features_TLD.numel():
                features_TLD = torch.zeros(length, len(stretches.track_L), rows_SD.shape[1])
            features_TLD[: steps.stop - steps.start, lane] = torch.from_numpy(rows_SD[self.row_P[steps]])
        return features_TLD

    def lanes(self, stretches: Stretches, length: int) -> list[tuple[int, slice]]:
        """Each lane that is not idle and its steps."""
        found = []
        for lane in np.flatnonzero(stretches.track_L != IDLE).tolist():
            track = stretches.track_L[lane]
            first = int(self.bounds[track]) + int(stretches.start_L[lane])
            found.append((lane, slice(first, min(first + length, int(self.bounds[track + 1])))))
        return found


class Recent:
    """Arrays of the videos that were read last: :data:`RECENT_VIDEOS` of them, as far as the budget goes.

    A batch reads of a hundred videos; what footage keeps would be looked up and opened anew for each.
    budget: bytes of arrays that are not memory-mapped.
    """

    def __init__(self, read: Read, budget: int = BUDGET) -> None:
        self._read, self._budget = read, budget
        self._arrays: OrderedDict[str, Arrays] = OrderedDict()
        self.held = 0

    def __call__(self, video: str) -> Arrays:
        """The arrays of a video; one reader at a time."""
        if video not in self._arrays:
            self._arrays[video] = self._read(video)
            self.held += _in_memory(self._arrays[video])
        self._arrays.move_to_end(video)
        while len(self._arrays) > 1 and (self.held > self._budget or len(self._arrays) > RECENT_VIDEOS):
            self.held -= _in_memory(self._arrays.popitem(last=False)[1])
        return self._arrays[video]


def _in_memory(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values() if not _is_mapped(array))


def _is_mapped(array: Array) -> bool:
    """Whether the array, or what it is a view of, is a file."""
    base: object = array
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return True
        base = base.base
    return False
