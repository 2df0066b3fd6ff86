"""The tracks of a video, whatever they come from, ready to be kept: linked, adapted, scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from bench.footage import Footage
from bench.records import Array
from bench.tubes.paths import Paths
from methods.reclnet.box_size import BoxSize
from methods.reclnet.described import class_scores
from methods.reclnet.detecting import Detector
from methods.reclnet.track_files import TrackFile
from methods.reclnet.tracking import Tracking, linked
from methods.reclnet.tracks import Tracks


@dataclass(frozen=True)
class TrackMaker:
    """Makes the tracks of one video after the other.

    detectors: by stream, those of frames or one of stacks. box_size: adapts boxes; None: they stay.
    """

    config: Tracking
    detectors: Mapping[str, Detector]
    num_classes: int
    box_size: BoxSize | None = None

    def paths(self, footage: Footage) -> Paths:
        """What was linked, or read from the file, in annotation pixels: what box sizes are learnt from.

        Raises ValueError as :func:`linked` and :class:`TrackFile`.
        """
        if not self.config.file:
            return linked(footage, self.detectors, self.config)
        return self._file.paths(footage.name, len(footage), self.num_classes)

    def tracks(self, footage: Footage, paths: Paths | None = None) -> Tracks:
        """The tracks with the softmax of the detectors on their distinct boxes; ``paths``: if known before.

        A detector of stacks cannot score the box of one frame: the boxes of its tracks get what linking gave
        them, their score for their own class and the rest for background, in the stream that found them.
        """
        paths = self.paths(footage) if paths is None else paths
        if self.box_size is not None:
            boxes = self.box_size.applied(paths.boxes_R4, footage.annotation_size)
            paths = replace(paths, boxes_R4=boxes)
        tracks = Tracks.of(paths)
        return tracks.scored({name: self._scores(footage, name, paths, tracks) for name in self.detectors})

    @cached_property
    def _file(self) -> TrackFile:
        return TrackFile.open(Path(self.config.file))

    def _scores(self, footage: Footage, stream: str, paths: Paths, tracks: Tracks) -> Array:
        """scores_MC of a stream."""
        if not len(tracks.frame_M):
            return np.zeros((0, self.num_classes + 1))
        detector = self.detectors[stream]
        if detector.frames > 1:
            return own_class(paths, tracks, self.num_classes)
        return class_scores(footage, stream, detector, tracks, self.config.kept.batch)


def path_arrays(paths: Paths) -> dict[str, Array]:
    """The paths of one video as arrays by the names of their fields, to be kept."""
    values = {f.name: getattr(paths, f.name) for f in fields(paths) if f.name != "videos"}
    return {name: value for name, value in values.items() if value is not None}


def read_paths(video: str, arrays: Mapping[str, Array]) -> Paths:
    """What :func:`path_arrays` gave."""
    return Paths((video,), **arrays)


def own_class(paths: Paths, tracks: Tracks, num_classes: int) -> Array:
    """scores_MC: of each box the score that it has on its paths, for their classes, the rest background."""
    scores_MC = np.zeros((len(tracks.frame_M), num_classes + 1))
    np.maximum.at(scores_MC, (tracks.row_N, paths.label.astype(np.int64) + 1), paths.score)
    scores_MC[:, 0] = np.maximum(1 - scores_MC[:, 1:].sum(axis=1), 0)
    return scores_MC


def bytes_per_frame(config: Tracking, num_classes: int, streams: int) -> int:
    """About how many bytes the arrays of tracks take for a frame, as if no track shared a box."""
    row, distinct = 4 + 4 + 16 + 4, 4 + 16
    return config.per_frame(num_classes) * (row + distinct + 2 * streams * (num_classes + 1))
