"""UCF101-24: 3,194 untrimmed videos of 24 sports, people annotated while they act.

Annotation: ``splitfiles/pyannot.pkl`` (Singh et al., ICCV 2017), boxes xywh with a 1-based corner, spans
``sf``..``ef`` 0-based and half-open. 13 of the listed videos have no annotation and are left out, as
everybody leaves them out: split 1 tests 910 videos.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np

from bench.names import choose
from bench.records import GroundTruth, TruthBoxes, TruthTubes, VideoTable
from datasets.base import DataError, Dataset, Split
from datasets.pickles import load_plain

WIDTH, HEIGHT, FPS = 320, 240, 25.0
VIDEO_FOLDERS = ("videos", "UCF-101")
VIDEO_SUFFIXES = (".avi", ".mp4", ".mkv", ".webm")

Annotation = Mapping[str, Any]


class Ucf24(Dataset):
    """UCF101-24 in its usual layout.

    Boxes are ``x-1, y-1, x-1+w, y-1+h`` at 320x240, whatever size the files decode to; a source group is
    ``Class/gXX``: clips of one class cut from one recording.
    """

    name = "ucf24"
    title = "UCF101-24"
    folder = "ucf24"
    layout = (
        "splitfiles/pyannot.pkl, splitfiles/{train,test}list0{1,2,3}.txt, "
        "videos/<Class>/v_<Class>_gXX_cYY.{avi,mp4,mkv,webm} or rgb-images/<Class>/v_<Class>_gXX_cYY/*.jpg"
    )
    splits: ClassVar[tuple[str, ...]] = ("1", "2", "3")
    trimmed = False

    @cached_property
    def _annotation(self) -> dict[str, Annotation]:
        """By video name, sorted, checked for the fields that are read here."""
        path = self._splitfile("pyannot.pkl")
        data = load_plain(path)
        if not isinstance(data, dict) or not data:
            raise DataError(f"{path}: holds no dict of videos")
        for name, video in data.items():
            _check_video(path, name, video)
        return dict(sorted(data.items()))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Class folders in the order of the annotation's labels (alphabetical in UCF101-24)."""
        found: dict[int, set[str]] = {}
        for name, video in self._annotation.items():
            for tube in (video, *video["annotations"]):
                found.setdefault(int(tube["label"]), set()).add(name.split("/")[0])
        if sorted(found) != list(range(len(found))) or any(len(names) > 1 for names in found.values()):
            raise DataError(
                f"{self._splitfile('pyannot.pkl')}: labels and class folders do not match: {found}"
            )
        return tuple(next(iter(found[label])) for label in range(len(found)))

    def split(self, name: str) -> Split:
        """The annotated videos of split 1, 2 or 3 in the order of the official lists."""
        number = choose(name, self.splits, f"split of {self.title}")
        train, test = (self._listed(f"{part}list0{number}.txt") for part in ("train", "test"))
        if not train or not test:
            raise DataError(f"{self.root / 'splitfiles'}: split {number} lists no annotated video")
        return Split(train, test)

    def _listed(self, file: str) -> tuple[str, ...]:
        """Annotated videos of a list with lines ``Class/v_name.avi [label]``."""
        lines = self._splitfile(file).read_text(encoding="utf-8").splitlines()
        names = (str(PurePosixPath(line.split()[0]).with_suffix("")) for line in lines if line.strip())
        return tuple(name for name in names if name in self._annotation)

    def ground_truth(self) -> GroundTruth:
        """All annotated videos, in the order of their names."""
        return self._ground_truth

    @cached_property
    def _ground_truth(self) -> GroundTruth:
        names = tuple(self._annotation)
        tubes = [(v, tube) for v, name in enumerate(names) for tube in self._annotation[name]["annotations"]]
        video = np.array([v for v, _ in tubes], np.int32)
        start, end, label = (np.array([int(tube[key]) for _, tube in tubes]) for key in ("sf", "ef", "label"))
        number, length = np.arange(len(tubes)), end - start
        frame = np.arange(length.sum()) - np.repeat(length.cumsum() - length - start, length)
        boxes_N4 = np.concatenate([_corners(tube["boxes"]) for _, tube in tubes])
        return GroundTruth(
            self.classes,
            self._video_table(names),
            TruthTubes(names, video, number, label, start, end, np.zeros(len(tubes), bool)),
            TruthBoxes(names, np.repeat(video, length), np.repeat(number, length), frame, boxes_N4),
        )

    def _video_table(self, names: tuple[str, ...]) -> VideoTable:
        frames = np.array([int(video["numf"]) for video in self._annotation.values()])
        width, height, fps = (np.full(len(names), value) for value in (WIDTH, HEIGHT, FPS))
        return VideoTable(names, frames, width, height, fps, tuple(_group(name) for name in names))

    def video_path(self, video: str) -> Path:
        """The video file, or its folder of frames below ``rgb-images``."""
        for folder in VIDEO_FOLDERS:
            for suffix in VIDEO_SUFFIXES:
                path = self.root / folder / f"{video}{suffix}"
                if path.is_file():
                    return path
        frames = self.root / "rgb-images" / video
        if frames.is_dir():
            return frames
        raise self._missing(
            f"{self.root / VIDEO_FOLDERS[0] / video}.{{avi,mp4,mkv,webm}} and no folder {frames}"
        )

    def _splitfile(self, name: str) -> Path:
        path = self.root / "splitfiles" / name
        if not path.is_file():
            raise self._missing(str(path))
        return path

    def _missing(self, what: str) -> DataError:
        return DataError(
            f"{self.title}: found no {what}. Wanted below {self.root}: {self.layout}. "
            f"The rendered ucf24-mini needs no data"
        )


def _check_video(path: Path, name: str, video: Annotation) -> None:
    """Raises DataError unless the video has the fields of the layout and each tube a box for every frame."""
    try:
        tubes, _ = video["annotations"], (int(video["numf"]), int(video["label"]))
        for tube in tubes:
            span = int(tube["ef"]) - int(tube["sf"])
            if int(tube["sf"]) < 0 or span <= 0 or np.shape(tube["boxes"]) != (span, 4):
                raise DataError(
                    f"{path}: {name}: a tube of frames {tube['sf']} to {tube['ef']} has boxes of shape "
                    f"{np.shape(tube['boxes'])}"
                )
    except (KeyError, TypeError) as error:
        raise DataError(f"{path}: {name}: not in the layout of pyannot.pkl ({error!r})") from error


def _corners(boxes_N4: np.ndarray) -> np.ndarray:
    """Float32 x1, y1, x2, y2 of xywh with a 1-based corner; cast first, as uint8 sums overflow."""
    x, y, w, h = np.asarray(boxes_N4).astype(np.float32).T
    return np.stack([x - 1, y - 1, x - 1 + w, y - 1 + h], axis=1)


def _group(name: str) -> str:
    """``Class/gXX`` of ``Class/v_Class_gXX_cYY``; the video's own name where it has no such form."""
    match = re.fullmatch(r"([^/]+)/v_.*_(g\d+)_c\d+", name)
    return f"{match[1]}/{match[2]}" if match else name
