"""AVA (Gu et al., CVPR 2018): 15 minutes of movies, every person in one frame a second with all they do.

Annotation as distributed, ``ava_{train,val,test}_v{1.0,2.1,2.2}.csv``, read by :mod:`bench.interop.ava`. 60
of the 80 actions are evaluated. Version 1.0 is annotated every three seconds.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.interop.ava import read_detections, read_truth
from bench.interop.ava_classes import EVALUATED
from bench.interop.ava_csv import read_rows
from bench.names import choose
from bench.records import Array, Detections, GroundTruth, TruthBoxes, TruthTubes, VideoTable
from datasets.ava_layout import Movie, look_at, relocate, relocate_detections
from datasets.base import DataError, Dataset, Quirk, Split
from datasets.files import check_name, read_text, reading
from datasets.probe import probe


class Ava(Dataset):
    """One version of AVA. Subclasses name it.

    Boxes are the annotated shares of the frame times the size of the video file; every (box, action) is a
    tube of one frame, and the actions of one person are boxes with the same corners. What the files are
    (:mod:`datasets.ava_layout`) is told by how long they last, and printed. Of movies that are not there,
    frames are numbered in milliseconds and 1000 x 1000 pixels: enough for scoring.
    """

    release: ClassVar[str]
    evaluated: ClassVar[Mapping[int, str]] = EVALUATED
    """Action id to name, in label order."""
    folder = "ava"
    miniature = "ava-mini"
    layout = (
        "ava_{train,val,test}_v*.csv, ava_*_excluded_timestamps_v*.csv, here or in annotations/; "
        "movies or their cuts from 900 to 1800 s as videos/<movie>.{mp4,mkv,webm} or frames/<movie>/*.jpg "
        "(30 a second), or one-second segments as segments/<movie>/<second>.mp4"
    )
    video_folders = ("videos", "trainval", "test", "frames", "segments")
    trimmed = False
    multi_label = True
    default_evaluator = "ava"
    ranking_metric = "frame_map/0.50"

    @property
    def classes(self) -> tuple[str, ...]:
        """Those that are evaluated, by their ids."""
        return tuple(self.evaluated.values())

    @cached_property
    def _parts(self) -> dict[str, GroundTruth]:
        """Annotation of train, val and test, as far as it is there, in milliseconds and thousandths."""
        found = {}
        for part in ("train", "val", "test"):
            path = self._file(f"ava_{part}_v{self.release}.csv")
            if path is None:
                continue
            excluded = self._file(f"ava_{part}_excluded_timestamps_v{self.release}.csv")
            for file in (path, excluded):
                _ = file and read_text(file)  # what is no text is refused before it is parsed
            with reading(path):
                found[part] = read_truth(path, self.evaluated, excluded)
            for name in found[part].videos.names:
                check_name(name, path)
        if not found:
            raise self.missing(f"ava_*_v{self.release}.csv")
        return found

    def _file(self, name: str) -> Path | None:
        paths = (self.root / name, self.root / "annotations" / name)
        return next((path for path in paths if path.is_file()), None)

    def split(self, name: str) -> Split:
        """``val`` or ``test``, each after training on ``train``; no training videos where its file lacks."""
        part = choose(name, self.splits, f"split of {self.title}")
        if part not in self._parts:
            raise self.missing(f"ava_{part}_v{self.release}.csv")
        return Split(self._videos("train"), self._videos(part))

    def _videos(self, part: str) -> tuple[str, ...]:
        """Videos of a part: its movies, or their segments."""
        table = self.ground_truth().videos
        movies = set(self._parts[part].videos.names) if part in self._parts else set()
        return tuple(name for name, movie in zip(table.names, table.group) if movie in movies)

    def ground_truth(self) -> GroundTruth:
        """All that is annotated, by part; ``scored_frames`` are the annotated ones."""
        return self._ground_truth

    @cached_property
    def _ground_truth(self) -> GroundTruth:
        return relocate(_joined(self._parts, self.root), self.movies)

    @cached_property
    def movies(self) -> dict[str, Movie]:
        """Those of the annotated movies that are there, looked at once; what they are is printed."""
        names = [name for truth in self._parts.values() for name in truth.videos.names]
        found = {name: movie for name in names if (movie := self._movie(name)) is not None}
        counts = Counter(movie.layout for movie in found.values())
        said = ", ".join(f"{count} as {layout}" for layout, count in counts.items())
        alone = "annotation alone, frames are numbered in milliseconds"
        print(f"{self.title}: of {len(names)} movies there are {said or f'none: {alone}'}", file=sys.stderr)
        return found

    def read_timed(self, path: Path) -> Detections:
        """Predictions in AVA's CSV format, with this dataset's ids of actions.

        Seconds of segments that are not annotated are left out: they have no video. Raises ValueError naming
        file and row of what is wrong.
        """
        found = read_detections(path, _joined(self._parts, self.root), self.evaluated)
        return relocate_detections(found, self.ground_truth().videos, self.movies)

    def _movie(self, name: str) -> Movie | None:
        folder = self.root / "segments" / name
        if folder.is_dir():
            segment = next((path for path in sorted(folder.iterdir()) if not path.name.startswith(".")), None)
            return None if segment is None else Movie("one-second segments", probe(segment, 30.0))
        path = super().find_video(name)
        return None if path is None else look_at(path)

    def find_video(self, video: str) -> Path | None:
        """As for all; a segment may be named ``0902`` or ``902``."""
        movie, _, second = video.rpartition("/")
        found = super().find_video(video)
        return super().find_video(f"{movie}/{second.lstrip('0')}") if found is None and movie else found

    def quirks(self) -> tuple[Quirk, ...]:
        """Excluded timestamps, rows of actions that are not evaluated, and boxes annotated twice."""
        truth = self.ground_truth()
        excluded = 0 if truth.excluded_frames is None else len(truth.excluded_frames)
        rows = sum(len(read_rows(path, scored=False)[0].action_N) for path in self._files())
        place = np.column_stack(
            [truth.boxes.video, truth.boxes.frame, truth.tubes.label, truth.boxes.boxes_N4]
        )
        repeated = len(place) - len(np.unique(place, axis=0))
        return (
            Quirk(
                "excluded timestamps", excluded, "listed; whether what is on them counts, the protocol says"
            ),
            Quirk(
                f"rows of actions outside the {len(self.evaluated)}",
                rows - len(truth.tubes),
                "left out; their frame is scored",
            ),
            Quirk("rows that repeat another's frame, box and action", repeated, "kept and counted"),
        )

    def _files(self) -> list[Path]:
        paths = (self._file(f"ava_{part}_v{self.release}.csv") for part in self._parts)
        return [path for path in paths if path is not None]


class AvaV22(Ava):
    """AVA v2.2, the current one."""

    name, title, release = "ava-v2.2", "AVA v2.2", "2.2"
    splits: ClassVar[tuple[str, ...]] = ("val", "test")


class AvaV21(Ava):
    """AVA v2.1, which most papers of 2018 to 2020 use."""

    name, title, release = "ava-v2.1", "AVA v2.1", "2.1"
    splits: ClassVar[tuple[str, ...]] = ("val", "test")


class AvaV10(Ava):
    """AVA v1.0, annotated every three seconds, train and test only."""

    name, title, release = "ava-v1.0", "AVA v1.0", "1.0"
    splits: ClassVar[tuple[str, ...]] = ("test",)


def _joined(by_part: Mapping[str, GroundTruth], where: Path) -> GroundTruth:
    """Annotation of several files as one. Raises DataError for a video that is in two of them."""
    parts = list(by_part.values())
    names = tuple(name for part in parts for name in part.videos.names)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        of = [part for part, truth in by_part.items() if twice[0] in truth.videos.names]
        raise DataError(f"{where}: ava_{{{','.join(of)}}}_v*.csv both annotate the video {twice[0]}")
    tables = [part.videos for part in parts]
    frames, width, height, fps = (
        np.concatenate([getattr(table, column) for table in tables])
        for column in ("frames", "width", "height", "fps")
    )
    videos = VideoTable(names, frames, width, height, fps, names)
    first = np.cumsum([0] + [len(table) for table in tables])[:-1]
    before = np.cumsum([0] + [len(part.tubes) for part in parts])[:-1]
    tubes = [replace(part.tubes, tube=part.tubes.tube + n) for part, n in zip(parts, before)]
    boxes = [replace(part.boxes, tube=part.boxes.tube + n) for part, n in zip(parts, before)]

    def listed(column: str) -> Array | None:
        pairs = [(getattr(part, column), n) for part, n in zip(parts, first)]
        there = [frames_S2 + np.array([n, 0]) for frames_S2, n in pairs if frames_S2 is not None]
        return np.concatenate(there).astype(np.int32) if there else None

    return GroundTruth(
        parts[0].classes, videos, TruthTubes.concat(tubes), TruthBoxes.concat(boxes),
        listed("scored_frames"), listed("excluded_frames"),
    )  # fmt: skip
