"""J-HMDB-21 (Jhuang et al., ICCV 2013): 928 short clips, each trimmed to one action of one annotated person.

Truth comes from ``JHMDB-GT.pkl`` (ACT's evaluation, Kalogeiton et al. 2017) or, without it, from the puppet
masks: the box is the 0-based inclusive pixel extent of the mask, and both agree exactly. Only the pickle
annotates three videos past their end (14 boxes); the published numbers count these, so they stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.names import choose
from bench.records import GroundTruth, TruthBoxes, TruthTubes, VideoTable
from datasets.base import DataError, Dataset, Split
from datasets.pickles import load_plain

FPS = 30.0
VIDEO_SUFFIXES = (".avi", ".mp4")
FRAME_FOLDERS = ("Rename_Images", "frames")


@dataclass(frozen=True)
class _Annotation:
    """tubes: (label, rows [frame (1-based), x1, y1, x2, y2]) of each tube; size: (width, height)."""

    frames: int
    size: tuple[int, int]
    tubes: tuple[tuple[int, np.ndarray], ...]


class Jhmdb(Dataset):
    """J-HMDB-21 in its official layout, with or without the ground-truth pickle.

    Videos are named ``class/video``. A source group is the class and the video's name before
    ``_<class>_<body>_<camera>_np<people>_<view>_<quality>_<number>``: the film that clips were cut from. No
    group lies in training and test of one split.
    """

    name = "jhmdb"
    title = "J-HMDB-21"
    folder = "jhmdb"
    layout = (
        "JHMDB-GT.pkl, or puppet_mask/<class>/<video>/puppet_mask.mat and "
        "splits/<class>_test_split{1,2,3}.txt; "
        "ReCompress_Videos/<class>/<video>.{avi,mp4} or Rename_Images/<class>/<video>/*.png"
    )
    splits: ClassVar[tuple[str, ...]] = ("1", "2", "3")
    trimmed = True

    @cached_property
    def _pickle(self) -> dict[str, Any] | None:
        path = self.root / "JHMDB-GT.pkl"
        if not path.exists():
            return None
        data = load_plain(path)
        wanted = ("labels", "gttubes", "nframes", "train_videos", "test_videos", "resolution")
        lacking = [k for k in wanted if k not in data] if isinstance(data, dict) else list(wanted)
        if lacking:
            raise DataError(f"{path}: lacks {', '.join(lacking)}; get the file again")
        return data

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The pickle's labels, or the folders of masks; both are alphabetical in J-HMDB."""
        if self._pickle is not None:
            return tuple(self._pickle["labels"])
        masks = self.root / "puppet_mask"
        names = sorted(f.name for f in masks.iterdir() if f.is_dir()) if masks.is_dir() else []
        if not names:
            raise self._missing(f"{self.root / 'JHMDB-GT.pkl'} and no class folders in {masks}")
        return tuple(names)

    def split(self, name: str) -> Split:
        """The videos of split 1, 2 or 3."""
        number = choose(name, self.splits, f"split of {self.title}")
        if self._pickle is None:
            return Split(self._listed(number, "1"), self._listed(number, "2"))
        lists = [self._pickle[f"{part}_videos"] for part in ("train", "test")]
        if any(len(entries) < int(number) for entries in lists):
            raise DataError(f"{self.root / 'JHMDB-GT.pkl'}: holds no split {number}")
        train, test = (tuple(entries[int(number) - 1]) for entries in lists)
        return Split(train, test)

    def _listed(self, number: str, part: str) -> tuple[str, ...]:
        """Videos marked ``part`` (1 train, 2 test) in the files of all classes, lines ``name.avi part``."""
        found = []
        for label in self.classes:
            path = self.root / "splits" / f"{label}_test_split{number}.txt"
            if not path.is_file():
                raise self._missing(f"{self.root / 'JHMDB-GT.pkl'} and no {path}")
            rows = [
                line.rsplit(None, 1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
            ]
            found += [f"{label}/{row[0].removesuffix('.avi')}" for row in rows if row[-1] == part]
        return tuple(found)

    def ground_truth(self) -> GroundTruth:
        """All videos, in the order of their names."""
        return self._ground_truth

    @cached_property
    def _ground_truth(self) -> GroundTruth:
        read = self._from_masks if self._pickle is None else self._from_pickle
        return _build(self.classes, dict(sorted(read())))

    def _from_pickle(self) -> Iterator[tuple[str, _Annotation]]:
        data = self._pickle or {}
        path = self.root / "JHMDB-GT.pkl"
        for name, by_label in data["gttubes"].items():
            tubes = tuple((label, rows) for label, every in by_label.items() for rows in every)
            if name not in data["nframes"] or name not in data["resolution"]:
                raise DataError(f"{path}: {name} has tubes but no length or resolution; get the file again")
            for label, rows in tubes:
                _check_rows(f"{path}: {name}", label, rows, len(self.classes))
            height, width = data["resolution"][name]
            yield name, _Annotation(int(data["nframes"][name]), (int(width), int(height)), tubes)

    def _from_masks(self) -> Iterator[tuple[str, _Annotation]]:
        for label, class_name in enumerate(self.classes):
            for path in sorted((self.root / "puppet_mask" / class_name).glob("*/puppet_mask.mat")):
                mask_HWT = _read_mask(path)
                height, width, frames = mask_HWT.shape
                rows = mask_rows(mask_HWT)
                tubes = ((label, rows),) if len(rows) else ()
                yield f"{class_name}/{path.parent.name}", _Annotation(frames, (width, height), tubes)

    def video_path(self, video: str) -> Path:
        """The video file, or its folder of frames."""
        files = [self.root / "ReCompress_Videos" / f"{video}{suffix}" for suffix in VIDEO_SUFFIXES]
        folders = [self.root / folder / video for folder in FRAME_FOLDERS]
        checks: list[tuple[list[Path], Callable[[Path], bool]]] = [
            (files, Path.is_file),
            (folders, Path.is_dir),
        ]
        for paths, exists in checks:
            for path in paths:
                if exists(path):
                    return path
        raise self._missing(" and no ".join(str(path) for path in (*files, *folders)))

    def _missing(self, what: str) -> DataError:
        return DataError(
            f"{self.title}: found no {what}. Wanted below {self.root}: {self.layout}. "
            f"The rendered jhmdb-mini needs no data"
        )


def mask_rows(mask_HWT: np.ndarray) -> np.ndarray:
    """Rows [frame (1-based), x1, y1, x2, y2] of the extents of a mask [H, W, T]; empty frames have none."""
    inside_WT, inside_HT = (np.asarray(mask_HWT.any(axis=axis)) for axis in (0, 1))
    frames = np.flatnonzero(inside_WT.any(axis=0))
    x, y = inside_WT[:, frames], inside_HT[:, frames]
    first_last = (x.argmax(0), y.argmax(0), len(x) - 1 - x[::-1].argmax(0), len(y) - 1 - y[::-1].argmax(0))
    return np.stack([frames + 1, *first_last], axis=1).astype(np.float32)


def _read_mask(path: Path) -> np.ndarray:
    """``part_mask`` [H, W, T]. Raises DataError for a file that is none."""
    from scipy.io import loadmat

    try:
        mask_HWT = np.asarray(loadmat(path, variable_names=["part_mask"])["part_mask"])
    except Exception as error:  # scipy raises whatever a broken file leads to
        raise DataError(f"{path}: not a puppet mask ({error!r:.200}); get the file again") from error
    return mask_HWT[..., None] if mask_HWT.ndim == 2 else mask_HWT


def _check_rows(where: str, label: Any, rows: Any, classes: int) -> None:
    """Raises DataError unless the rows are [N, 5] of rising whole frames >= 1 and the label is a class."""
    ok = isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.shape[1] == 5 and len(rows)
    if not ok or label not in range(classes):
        raise DataError(f"{where}: not a tube of rows [frame, x1, y1, x2, y2] with a label below {classes}")
    frame = rows[:, 0]
    if frame[0] < 1 or (np.diff(frame) <= 0).any() or (frame != np.rint(frame)).any():
        raise DataError(f"{where}: frames of a tube must be whole, rising and at least 1")


def _build(classes: tuple[str, ...], annotation: dict[str, _Annotation]) -> GroundTruth:
    names = tuple(annotation)
    tubes = [(v, label, rows) for v, a in enumerate(annotation.values()) for label, rows in a.tubes]
    if not tubes:
        raise DataError("J-HMDB-21: the annotation holds no tube")
    video, label = (np.array([tube[i] for tube in tubes]) for i in (0, 1))
    start, end = (np.array([tube[2][i, 0] for tube in tubes], np.int32) for i in (0, -1))
    number, length = np.arange(len(tubes)), np.array([len(tube[2]) for tube in tubes])
    rows_N5 = np.concatenate([tube[2] for tube in tubes])
    width, height = np.array([a.size for a in annotation.values()]).T
    frames = np.array([a.frames for a in annotation.values()])
    groups = tuple(source_group(name) for name in names)
    return GroundTruth(
        classes,
        VideoTable(names, frames, width, height, np.full(len(names), FPS), groups),
        TruthTubes(names, video, number, label, start - 1, end, np.zeros(len(tubes), bool)),
        TruthBoxes(
            names, np.repeat(video, length), np.repeat(number, length), rows_N5[:, 0] - 1, rows_N5[:, 1:]
        ),
    )


def source_group(video: str) -> str:
    """``class/source`` of ``class/source_class_f_cm_np1_fr_goo_0``; the video's own name in another form."""
    class_name, _, clip = video.partition("/")
    match = re.fullmatch(rf"(.*)_{re.escape(class_name)}_[a-z]_[a-z]+_np\d+_[a-z]+_[a-z]+_\d+", clip)
    return f"{class_name}/{match[1]}" if match else video
