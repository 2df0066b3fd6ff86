"""J-HMDB-21 (Jhuang et al., ICCV 2013): 928 short clips, each trimmed to one action of one annotated person.

Truth comes from ``JHMDB-GT.pkl`` (ACT's evaluation, Kalogeiton et al. 2017) or, without it, from the puppet
masks: the box is the 0-based inclusive pixel extent of the mask, and both agree exactly. Only the pickle
annotates three videos past their end (14 boxes); the published numbers count these, so they stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.names import choose
from bench.records import GroundTruth
from datasets.act import ActFile, read_act
from datasets.annotation import Annotated, Tube, ground_truth
from datasets.base import DataError, Dataset, Quirk, Split
from datasets.files import check_name, read_lines
from datasets.matlab import load_mat

FPS = 30.0
GHOSTS = {
    "clap/The_Slow_Clap_clap_u_cm_np1_fr_med_4": 27,
    "clap/The_Slow_Clap_clap_u_nm_np1_fr_bad_20": 18,
    "stand/BIG_FISH_stand_u_nm_np1_fr_med_27": 35,
}
"""Videos that the pickle annotates past their end, and the frames that they have."""


class Jhmdb(Dataset):
    """J-HMDB-21 in its official layout, with or without the ground-truth pickle.

    Videos are named ``class/video``. A source group is the class and the video's name before
    ``_<class>_<body>_<camera>_np<people>_<view>_<quality>_<number>``: the film that clips were cut from. No
    group lies in training and test of one split.
    """

    name = "jhmdb"
    title = "J-HMDB-21"
    folder = "jhmdb"
    miniature = "jhmdb-mini"
    layout = (
        "JHMDB-GT.pkl, or puppet_mask/<class>/<video>/puppet_mask.mat and "
        "splits/<class>_test_split{1,2,3}.txt; "
        "ReCompress_Videos/<class>/<video>.{avi,mp4} or Rename_Images/<class>/<video>/*.png"
    )
    video_folders = ("ReCompress_Videos", "Rename_Images", "Frames", "frames")
    splits: ClassVar[tuple[str, ...]] = ("1", "2", "3")
    trimmed = True
    real_frames = GHOSTS

    @property
    def _pickle_path(self) -> Path:
        return self.root / "JHMDB-GT.pkl"

    @cached_property
    def _pickle(self) -> ActFile | None:
        if not self._pickle_path.exists():
            return None
        return read_act(self._pickle_path, FPS, source_group)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The pickle's labels, or the folders of masks; both are alphabetical in J-HMDB."""
        if self._pickle is not None:
            return self._pickle.classes
        masks = self.root / "puppet_mask"
        names = sorted(f.name for f in masks.iterdir() if f.is_dir()) if masks.is_dir() else []
        if not names:
            raise self.missing(f"{self._pickle_path} and no class folders in {masks}")
        return tuple(names)

    def split(self, name: str) -> Split:
        """The videos of split 1, 2 or 3."""
        number = int(choose(name, self.splits, f"split of {self.title}"))
        found = self.listed(number) if self._pickle is None else self._pickle.split(number)
        unknown = sorted({*found.train, *found.test} - set(self.ground_truth().videos.names))
        if unknown:
            where = (
                self._list(unknown[0].split("/")[0], number) if self._pickle is None else self._pickle_path
            )
            raise DataError(f"{where}: split {number} lists {unknown[0]}, which is not annotated")
        return found

    def _list(self, class_name: str, number: int) -> Path:
        return self.root / "splits" / f"{class_name}_test_split{number}.txt"

    def listed(self, number: int) -> Split:
        """A split by the lists of all classes, lines ``name.avi part``: part 1 trains, 2 tests."""
        by_class = [self._listed(label, number) for label in self.classes]
        train, test = (tuple(name for names in part for name in names) for part in zip(*by_class))
        return Split(train, test)

    def _listed(self, class_name: str, number: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The training and the test videos of a class."""
        path = self._list(class_name, number)
        if not path.is_file():
            raise self.missing(f"{self._pickle_path} and no {path}")
        parts: dict[str, list[str]] = {"0": [], "1": [], "2": []}
        for line, text in read_lines(path):
            video, _, part = text.rpartition(" ")
            if part not in parts or not video:
                raise DataError(f"{path}, line {line}: {text!r:.80} is not `name.avi` and 0, 1 or 2")
            name = f"{class_name}/{video.strip().removesuffix('.avi')}"
            parts[part].append(check_name(name, f"{path}, line {line}"))
        found = Split.of(parts["1"], parts["2"], path)
        return found.train, found.test

    def ground_truth(self) -> GroundTruth:
        """All videos, in the order of their names."""
        return self._ground_truth

    @cached_property
    def _ground_truth(self) -> GroundTruth:
        if self._pickle is None:
            return self.masks()
        return ground_truth(self.classes, self._pickle.videos, self._pickle_path)

    def masks(self) -> GroundTruth:
        """The annotation by the puppet masks alone: equal to the pickle's but for the ghost frames."""
        folder = self.root / "puppet_mask"
        videos = {}
        for label, class_name in enumerate(self.classes):
            for path in sorted((folder / class_name).glob("*/puppet_mask.mat")):
                mask_HWT = _read_mask(path)
                height, width, frames = mask_HWT.shape
                name = f"{class_name}/{path.parent.name}"
                frame_N, boxes_N4 = mask_boxes(mask_HWT)
                if not len(frame_N):
                    raise DataError(f"{path}: part_mask marks nobody; get the file again")
                tube = Tube(label, int(frame_N[0]), int(frame_N[-1]) + 1, frame_N, boxes_N4)
                videos[name] = Annotated(frames, width, height, FPS, source_group(name), (tube,))
        return ground_truth(self.classes, dict(sorted(videos.items())), folder)

    def published_counts(self) -> dict[str, int]:
        """Of the official files, with ``JHMDB-GT.pkl``."""
        found = {
            "classes": 21, "videos": 928, "tubes": 928, "boxes": 31_852, "frames that decode": 31_838,
            "source groups": 410, "most tubes in a video": 1, "shortest tube, frames": 15,
            "longest tube, frames": 40, "untrimmed videos": 0, "videos of more than one class": 0,
            "boxes past the end of their video": 14,
            "split 1: test boxes past the end of their video": 13,
        }  # fmt: skip
        if self._pickle is None:
            found |= {"boxes": 31_838, "boxes past the end of their video": 0}
            del found["split 1: test boxes past the end of their video"]
        for split, (train, test) in {"1": (660, 268), "2": (658, 270), "3": (663, 265)}.items():
            found |= {f"split {split}: training videos": train, f"split {split}: test videos": test}
        return found

    def second_sources(self) -> Iterator[tuple[str, int, int]]:
        """The masks and the split lists against the pickle, as far as both are there."""
        if self._pickle is None:
            return
        if (self.root / "puppet_mask").is_dir():
            truth, masks = self.ground_truth(), self.masks()
            with_mask = set(masks.videos.names) & set(truth.videos.names)
            yield "videos with a mask", len(with_mask), len(truth.videos)
            yield "boxes of masks that are annotated", len(_boxes(masks) & _boxes(truth)), len(masks.boxes)
        if (self.root / "splits").is_dir():
            same = 0
            for split in self.splits:
                files, pickled = self.listed(int(split)), self.split(split)
                same += set(files.train) == set(pickled.train) and set(files.test) == set(pickled.test)
            yield "splits whose lists equal the pickle's", same, len(self.splits)

    def quirks(self) -> tuple[Quirk, ...]:
        """The boxes on frames that do not exist."""
        truth = self.ground_truth()
        here = truth.select([name for name in GHOSTS if name in truth.videos.names])
        if not len(here.videos):
            return ()
        length = np.array([GHOSTS[name] for name in here.videos.names])
        ghosts = int(np.count_nonzero(here.boxes.frame >= length[here.boxes.video]))
        treatment = "kept and counted as annotated, as in the published numbers"
        return (Quirk(f"boxes past the end of {', '.join(here.videos.names)}", ghosts, treatment),)


def _boxes(truth: GroundTruth) -> set[tuple[str, int, bytes]]:
    """(video, frame, corners) of every box."""
    boxes = truth.boxes
    return {
        (boxes.videos[video], int(frame), box_4.tobytes())
        for video, frame, box_4 in zip(boxes.video, boxes.frame, boxes.boxes_N4)
    }


def mask_boxes(mask_HWT: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(frame_N from 0, float32 boxes_N4): inclusive extents of a mask [H, W, T] where it is not empty."""
    inside_WT, inside_HT = (np.asarray(mask_HWT.any(axis=axis)) for axis in (0, 1))
    frame_N = np.flatnonzero(inside_WT.any(axis=0))
    x, y = inside_WT[:, frame_N], inside_HT[:, frame_N]
    first_last = (x.argmax(0), y.argmax(0), len(x) - 1 - x[::-1].argmax(0), len(y) - 1 - y[::-1].argmax(0))
    return frame_N, np.stack(first_last, axis=1).astype(np.float32)


def _read_mask(path: Path) -> np.ndarray:
    """``part_mask`` [H, W, T]. Raises DataError for a file that is none."""
    mask = load_mat(path, "part_mask")
    if mask.dtype.kind not in "biuf" or mask.ndim not in (2, 3) or not mask.size:
        raise DataError(
            f"{path}: part_mask is no array [height, width, frames] of numbers; get the file again"
        )
    return mask[..., None] if mask.ndim == 2 else mask


def source_group(video: str) -> str:
    """``class/source`` of ``class/source_class_f_cm_np1_fr_goo_0``; the video's own name in another form."""
    class_name, _, clip = video.partition("/")
    match = re.fullmatch(rf"(.*)_{re.escape(class_name)}_[a-z]_[a-z]+_np\d+_[a-z]+_[a-z]+_\d+", clip)
    return f"{class_name}/{match[1]}" if match else video
