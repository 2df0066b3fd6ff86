"""Tracks that another program made, from a file: the suite's Parquet of tubes.

A row is a box of a track, as ``docs/predictions-schema.md`` describes them (``video tube label score frame
x1 y1 x2 y2``); ``label`` is the class that a track was linked for, or -1 throughout where it was linked
whatever the class. Tubes that `bench link` writes are such a file. A track may lack frames: they lie on the
straight line between their neighbours. A file that lists its videos may list some without any track.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.files.headers import Header
from bench.files.parquet import read_header, rows_of
from bench.names import near
from bench.records import Tubes
from bench.tubes.paths import Paths, chained

PLACES = ["video", "tube", "frame"]
"""Columns that say where the boxes of a track are."""
MEND = "write tracks as Parquet of tubes, see docs/predictions-schema.md"


@dataclass(frozen=True)
class TrackFile:
    """A file of tracks, of which one video at a time is read.

    videos: those that were looked at, listed by the file or named by its rows.
    """

    path: Path
    header: Header
    videos: frozenset[str]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises ValueError for a file of anything but tubes, naming it and what to do."""
        try:
            header = read_header(path)
        except (OSError, ValueError) as error:
            raise ValueError(f"tracks.file: {error}") from error
        if header.kind not in ("", "tubes"):
            raise ValueError(f"tracks.file: {path} holds {header.kind}, not tubes; {MEND}")
        for name in PLACES:
            if name not in pq.read_schema(path).names:
                raise ValueError(f"tracks.file: {path} has no column {name!r}; {MEND}")
        return cls(path, header, frozenset(header.videos or _named(path)))

    def paths(self, video: str, frames: int, num_classes: int) -> Paths:
        """The tracks of a video of so many frames, best first within a class, annotation pixels.

        Raises ValueError for a video that the file lacks, and for boxes past its end or of other classes.
        """
        if video not in self.videos:
            said = near(video, self.videos)
            raise ValueError(f"tracks.file: {self.path} has no video {video!r}; {said} Make its tracks too")
        found = self._rows(video)
        beyond = (found.frame < 0) | (found.frame >= frames)
        if beyond.any():
            raise ValueError(
                f"tracks.file: {self.path} has a box in frame {found.frame[beyond][0]} of {video!r}, which "
                f"has {frames}; frames begin at 0 and are those of the decoded video"
            )
        strange = (found.label < -1) | (found.label >= num_classes)
        if strange.any():
            raise ValueError(
                f"tracks.file: {self.path} has label {found.label[strange][0]} in {video!r}, and there are "
                f"{num_classes} classes; labels begin at 0, and -1 is for tracks of no class"
            )
        return _paths(found)

    def per_frame(self) -> float:
        """Boxes of tracks a frame, gaps filled, over the frames up to the last box of each video."""
        rows = pq.read_table(self.path, columns=PLACES)
        spans = rows.group_by(["video", "tube"]).aggregate([("frame", "min"), ("frame", "max")])
        first, last = (spans[name].to_numpy().astype(np.int64) for name in ("frame_min", "frame_max"))
        frames = spans.group_by("video").aggregate([("frame_max", "max")])["frame_max_max"].to_numpy() + 1
        return float((last - first + 1).sum() / max(frames.sum(), 1))

    def _rows(self, video: str) -> Tubes:
        """The rows of a video, of that alone."""
        table = pq.read_table(self.path, filters=pc.field("video") == video)
        index = table.column_names.index("video")
        table = table.set_column(index, "video", table["video"].cast(pa.string()).dictionary_encode())
        try:
            found = rows_of(self.path, table, Header(self.header.kind, (video,), {}), Tubes)
        except ValueError as error:
            raise ValueError(f"tracks.file: {error} (rows of {video!r}); {MEND}") from error
        return found


def _named(path: Path) -> list[str]:
    """The videos that rows name, of a file that has no list of them."""
    names: list[str] = pc.unique(pq.read_table(path, columns=["video"])["video"]).to_pylist()
    return names


def _paths(tubes: Tubes) -> Paths:
    """Tubes as paths, gaps filled, by label, then best first."""
    inner = tubes.score if tubes.frame_score is None else tubes.frame_score
    track = np.cumsum(np.diff(tubes.tube, prepend=-1) != 0) - 1
    paths = chained(
        tubes.videos, "interpolate", video=tubes.video, path=track, label=tubes.label, frame=tubes.frame,
        boxes_R4=tubes.boxes_N4, score=inner, row=np.full(len(tubes), -1), path_score=tubes.score,
    )  # fmt: skip
    head = paths.starts
    assert paths.path_score is not None
    return paths.ordered(np.lexsort((-paths.path_score[head], paths.label[head])))
