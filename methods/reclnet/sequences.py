"""Tracks of many videos as sequences of feature rows, and their features read stretch by stretch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from bench.footage import Arrays
from bench.records import Array
from methods.reclnet.labels import UNKNOWN
from methods.reclnet.schedule import IDLE, Stretches
from methods.reclnet.steps import Steps

Read = Callable[[str], Array]
"""Video -> its rows of features, memory-mapped or not."""
Labels = Callable[[str, Arrays], Array]
"""Video, its ``tracks`` arrays -> the label of every track row, as :mod:`methods.reclnet.labels` has them."""


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
    def of(
        cls,
        videos: Iterable[str],
        tracks: Callable[[str], Arrays],
        steps_of: Callable[[Arrays], Steps],
        labels: Labels,
    ) -> Sequences:
        """All tracks of the videos, without a look at features. Raises ValueError where none has any.

        ``tracks``: video -> its arrays. ``steps_of``: the steps of these.
        """
        names, counts, lengths, rows, targets = [], [], [], [], []
        for video in videos:
            names.append(video)
            found = tracks(video)
            steps = steps_of(found)
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

    @property
    def rows_V(self) -> Array:
        """Rows of features of each video, as far as its steps point, int64."""
        rows_V = np.zeros(len(self.videos), np.int64)
        np.maximum.at(rows_V, self.video_T, np.maximum.reduceat(self.row_P, self.bounds[:-1]) + 1)
        return rows_V

    def labels(self, stretches: Stretches, length: int) -> Tensor:
        """Labels of a batch, int64 [length, lanes], :data:`UNKNOWN` beyond a track's end."""
        labels_TL = torch.full((length, len(stretches.track_L)), UNKNOWN)
        for lane, steps in self.lanes(stretches, length):
            labels_TL[: steps.stop - steps.start, lane] = torch.from_numpy(self.label_P[steps])
        return labels_TL

    def features(self, stretches: Stretches, length: int, read: Read) -> Tensor:
        """Features of a batch, float32 [length, lanes, D], 0 beyond a track's end; a video is read once."""
        features_TLD, read = torch.empty(0), cache(read)
        for lane, steps in self.lanes(stretches, length):
            rows_SD = read(self.videos[self.video_T[stretches.track_L[lane]]])
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
