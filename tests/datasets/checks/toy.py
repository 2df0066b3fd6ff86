"""A dataset as it is told to be, of three short videos."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from bench.records import GroundTruth, TruthBoxes, TruthTubes, VideoTable
from bench.video import OPEN_EVENT
from datasets.base import Dataset, Split
from datasets.checks import Report, Row

NAMES = ("a/one", "a/two", "b/three")
FRAMES = 4


def truth() -> GroundTruth:
    """Three videos of four frames, 64x48; the first has two tubes, the others one of all their frames."""
    video = np.array([0, 0, 1, 2])
    tubes = TruthTubes(NAMES, video, [0, 1, 2, 3], [0, 0, 0, 1], [0, 0, 0, 0], [4, 2, 4, 4], [False] * 4)
    length = [4, 2, 4, 4]
    frame = np.concatenate([np.arange(n) for n in length])
    boxes_N4 = np.tile(np.array([4, 8, 20, 40], np.float32), (14, 1)) + np.repeat(range(4), length)[:, None]
    boxes = TruthBoxes(NAMES, np.repeat(video, length), np.repeat(range(4), length), frame, boxes_N4)
    table = VideoTable(NAMES, [4] * 3, [64] * 3, [48] * 3, [25] * 3, ("a/x", "a/y", "b/z"))
    return GroundTruth(("a", "b"), table, tubes, boxes)


class Toy(Dataset):
    """A dataset as it is told to be."""

    name = title = folder = "toy"
    layout = "nothing"
    splits: ClassVar[tuple[str, ...]] = ("1",)
    trimmed = False

    def __init__(self, root: Path, found: GroundTruth | None = None) -> None:
        super().__init__(root)
        self.found = found or truth()
        self.published: dict[str, int] = {}
        self.lists = Split(NAMES[:2], NAMES[2:])

    @property
    def classes(self) -> tuple[str, ...]:
        return self.found.classes

    def split(self, name: str) -> Split:
        return self.lists

    def ground_truth(self) -> GroundTruth:
        return self.found

    def published_counts(self) -> Mapping[str, int]:
        return self.published


def rows(report: Report, part: int = 0) -> dict[str, Row]:
    return {row.what: row for row in report.parts[part].rows}


def write_frames(folder: Path, frames: int = FRAMES, size: tuple[int, int] = (48, 64)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for t in range(frames):
        cv2.imwrite(str(folder / f"{t + 1:05d}.png"), np.full((*size, 3), 30 * t, np.uint8))


LISTENING: list[list[str]] = []


def listen(opened: list[str]) -> None:
    """Hear of every video that is opened from here to the end of the test."""
    if not LISTENING:
        sys.addaudithook(
            lambda event, words: LISTENING[-1].append(str(words[0])) if event == OPEN_EVENT else None
        )
    LISTENING.append(opened)
