"""The tracks of a video, whatever they come from, ready to be kept: linked and adapted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path

from bench.footage import Footage
from bench.records import Array
from bench.tubes.paths import Paths
from methods.reclnet.box_size import BoxSize
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
        """The tracks, their boxes adapted; ``paths``: if known before."""
        paths = self.paths(footage) if paths is None else paths
        if self.box_size is not None:
            boxes = self.box_size.applied(paths.boxes_R4, footage.annotation_size)
            paths = replace(paths, boxes_R4=boxes)
        return Tracks.of(paths)

    @cached_property
    def _file(self) -> TrackFile:
        return TrackFile.open(Path(self.config.file))


def path_arrays(paths: Paths) -> dict[str, Array]:
    """The paths of one video as arrays by the names of their fields, to be kept."""
    values = {f.name: getattr(paths, f.name) for f in fields(paths) if f.name != "videos"}
    return {name: value for name, value in values.items() if value is not None}


def read_paths(video: str, arrays: Mapping[str, Array]) -> Paths:
    """What :func:`path_arrays` gave."""
    return Paths((video,), **arrays)


def bytes_per_frame(per_frame: float) -> int:
    """About how many bytes the arrays of tracks take for a frame, as if no track shared a box."""
    row, distinct = 4 + 4 + 16 + 4, 4 + 16
    return math.ceil(per_frame * (row + distinct))
