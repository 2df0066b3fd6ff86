"""Somebody's own videos with one table of annotation: ``--dataset custom --data-root FOLDER``.

``docs/custom-dataset.md`` describes the folder and has a worked example.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import ClassVar

import numpy as np

from bench.files.store import digest, digest_file
from bench.names import choose
from bench.records import GroundTruth, VideoTable
from datasets.annotation import MOST_FRAMES
from datasets.base import DataError, Dataset, Quirk, Split
from datasets.custom_tables import Annotation, read_annotation, read_records
from datasets.probe import Probe, probe

FILES = ("annotations.csv", "annotations.parquet", "classes.txt", "splits.csv", "videos.csv")
NUMBERS = {"frames": MOST_FRAMES, "width": 100_000, "height": 100_000, "fps": 10_000}
"""Columns of ``videos.csv`` and the most that each can be."""


class Custom(Dataset):
    """A folder of videos and tables. Each such folder is a dataset of its own: its id holds its name and the
    digest of its tables, so that numbers on different data never meet in one ranking.

    Sizes, lengths and frame rates are those of ``videos.csv``; what it does not say is asked of the video
    files, and unknown (0) where there is none. Source groups are its ``group``, else the videos.
    """

    name = "custom"
    title = "your own dataset"
    folder = "."
    layout = (
        "annotations.csv or annotations.parquet (video tube label frame x1 y1 x2 y2); "
        "videos/<video>.{avi,mp4,...} or frames/<video>/*.jpg; as needed classes.txt, splits.csv, videos.csv"
    )
    video_folders = ("videos", "frames")
    splits: ClassVar[tuple[str, ...]] = ("1",)
    trimmed = False

    @property
    def id(self) -> str:
        """``custom-FOLDER@DIGEST``."""
        name = re.sub(r"[^a-z0-9]+", "-", self.root.resolve().name.lower()).strip("-")
        return f"custom-{name}@{self._digest[:8]}"

    @cached_property
    def _digest(self) -> str:
        there = {file: self.root / file for file in FILES if (self.root / file).is_file()}
        return digest({file: digest_file(path) for file, path in there.items()})

    @cached_property
    def _annotation(self) -> Annotation:
        classes = self.root / "classes.txt"
        paths = [self.root / file for file in FILES[:2] if (self.root / file).is_file()]
        if not paths:
            raise self.missing(str(self.root / FILES[0]))
        if len(paths) > 1:
            raise DataError(f"{self.root}: has {FILES[0]} and {FILES[1]}; keep the one that counts")
        return read_annotation(paths[0], classes if classes.is_file() else None)

    @property
    def classes(self) -> tuple[str, ...]:
        """Of ``classes.txt`` or the Parquet file, else the names in the annotation, sorted."""
        return self._annotation.classes

    @property
    def flipped_labels(self) -> tuple[int, ...] | None:
        """As they are; None where a class is of the left or the right, as nobody says which mirrors which."""
        sided = any(re.search(r"left|right|clockwise", name, re.IGNORECASE) for name in self.classes)
        return None if sided else tuple(range(len(self.classes)))

    def split(self, name: str) -> Split:
        """By ``splits.csv``. Without it all videos are tested and none is there to train on."""
        choose(name, self.splits, f"split of {self.title}")
        path = self.root / "splits.csv"
        if not path.is_file():
            return Split((), self.ground_truth().videos.names)
        return Split(*(tuple(n for n, part in self._listed.items() if part == p) for p in ("train", "test")))

    @cached_property
    def _listed(self) -> dict[str, str]:
        """Video -> train or test, as ``splits.csv`` has them."""
        path, found = self.root / "splits.csv", {}
        for where, row in read_records(path, ("part",)) if path.is_file() else ():
            if row.get("part") not in ("train", "test"):
                raise DataError(f"{where}: part is {row.get('part')!r:.40}, not train or test")
            found[row["video"]] = row["part"]
        return found

    @cached_property
    def _said(self) -> dict[str, dict[str, str]]:
        """What ``videos.csv`` says of each video, as text; numbers are checked."""
        path, found = self.root / "videos.csv", {}
        for where, row in read_records(path, (*NUMBERS, "group")) if path.is_file() else ():
            for column, most in NUMBERS.items():
                text = row.get(column, "")
                pattern = r"\d{1,8}(\.\d{1,8})?" if column == "fps" else r"\d{1,8}"
                if text and not (re.fullmatch(pattern, text, re.ASCII) and 0 < float(text) <= most):
                    raise DataError(f"{where}: {column} is {text!r:.40}, not a number from 1 to {most}")
            found[row["video"]] = row
        return found

    def ground_truth(self) -> GroundTruth:
        """Of all videos that a table names, in the order of names."""
        return self._ground_truth

    @cached_property
    def _ground_truth(self) -> GroundTruth:
        tubes, boxes = self._annotation.tubes, self._annotation.boxes
        names = tuple(sorted({*tubes.videos, *self._listed, *self._said}))
        tubes, boxes = tubes.with_videos(names), boxes.with_videos(names)
        last_V = np.zeros(len(names), np.int64)
        np.maximum.at(last_V, tubes.video, tubes.end)
        rows = [self._row(name, int(end)) for name, end in zip(names, last_V)]
        frames, width, height, fps = np.array(rows).T
        group = tuple(self._said.get(name, {}).get("group") or name for name in names)
        return GroundTruth(self.classes, VideoTable(names, frames, width, height, fps, group), tubes, boxes)

    def _row(self, name: str, end: int) -> tuple[float, float, float, float]:
        """frames, width, height, fps of a video whose last tube ends at ``end``."""
        said = self._said.get(name, {})
        path = None if all(said.get(column) for column in NUMBERS) else self.find_video(name)
        found = Probe(0, 0, 0.0, end) if path is None else probe(path, 25.0)
        frames, width, height, fps = (
            float(said.get(column) or getattr(found, column))
            for column in ("frames", "width", "height", "fps")
        )
        return frames, width, height, fps

    def quirks(self) -> tuple[Quirk, ...]:
        """Boxes past the end of their video, and test videos without annotation."""
        truth = self.ground_truth()
        past = int(np.count_nonzero(truth.boxes.frame >= truth.videos.frames[truth.boxes.video]))
        empty = len(truth.videos) - len(np.unique(truth.tubes.video))
        return (
            Quirk("boxes past the end of their video", past, "kept and counted as annotated"),
            Quirk("videos without annotation", empty, "kept: nobody acts in them"),
        )
