"""A video whose pixels say which frame they are of, and a detector that reads them.

Two persons: one who moves to the right and does class 0, one who stands and does class 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.footage import Footage
from bench.records import Array
from bench.testing import footage
from bench.tubes.paths import Paths
from methods.reclnet.detecting import Found
from methods.reclnet.tracks import Tracks

SIZE = (64, 48)
STANDING = np.array([40, 10, 56, 40], np.float32)
BOUND = 127 / 16
"""Of the flow of :func:`numbered`: its picture is the frame's number + 128."""


def numbered(frames: int, annotation: tuple[int, int] | None = None) -> Footage:
    """Frames and flow of which every pixel is the frame's number."""
    number = np.arange(frames)[:, None, None, None]
    rgb = np.broadcast_to(number, (frames, SIZE[1], SIZE[0], 3)).astype(np.uint8)
    flow = np.broadcast_to(number, (frames, SIZE[1], SIZE[0], 2)).astype(np.int8)
    return footage(rgb, flow, bound=BOUND, annotation=annotation)


def walking(frame: int | Array) -> Array:
    """Where the one who moves is, boxes [..., 4]."""
    shift = np.asarray(frame, np.float32)[..., None] * np.array([1, 0, 1, 0], np.float32)
    return np.array([2, 8, 14, 38], np.float32) + shift


class Reader:
    """A detector that finds both persons, and a third box that nobody fills.

    missing: frames in which it finds nothing. faint: frames in which everybody scores 0.03 in all.
    flow: it reads pictures of flow.
    """

    def __init__(
        self,
        frames: int = 1,
        missing: Sequence[int] = (),
        flow: bool = False,
        faint: Sequence[int] = (),
    ) -> None:
        self.frames, self.missing, self.faint, self.zero = frames, missing, faint, 128 * flow
        self.batches: list[int] = []

    def numbers(self, pictures: Array) -> Array:
        """The frame of each picture."""
        return pictures[..., 0, 0, 0].astype(int) - self.zero

    def detect(self, clips_BKHW3: Array) -> list[Found]:
        self.batches.append(len(clips_BKHW3))
        return [self._found(numbers_K) for numbers_K in self.numbers(clips_BKHW3)]

    def _found(self, numbers_K: Array) -> Found:
        if numbers_K[0] in self.missing:
            return Found(np.zeros((0, 1, self.frames, 4), np.float32), np.zeros((0, 4), np.float32))
        still = np.broadcast_to(STANDING, (len(numbers_K), 4))
        empty = np.broadcast_to(np.float32([1, 1, 7, 7]), still.shape)
        boxes_N1K4 = np.stack([walking(numbers_K), still, empty])[:, None]
        scores = [[0.1, 0.8, 0.05, 0.05], [0.2, 0.1, 0.1, 0.6], [0.97, 0.01, 0.01, 0.01]]
        if numbers_K[0] in self.faint:
            scores = scores[2:] * 3
        return Found(boxes_N1K4, np.array(scores, np.float32))

    def describe(self, images_BHW3: Array, boxes: Sequence[Array]) -> tuple[Array, Array]:
        self.batches.append(len(images_BHW3))
        assert len(images_BHW3) == len(boxes)
        number_N = np.repeat(self.numbers(images_BHW3), [len(b) for b in boxes])
        boxes_N4 = np.concatenate(boxes)
        scores_NC = np.stack([number_N / 256, *(boxes_N4[:, i] / 256 for i in range(3))], axis=1)
        return scores_NC, np.column_stack([number_N, boxes_N4])


def paths(boxes_R4: Array, frame: Sequence[int], path: Sequence[int], label: Sequence[int]) -> Paths:
    """Paths of one video, score 0.5."""
    rows = len(boxes_R4)
    return Paths(
        ("run/v_run_g01_c01",), np.zeros(rows), np.array(path), np.array(label), np.array(frame),
        np.asarray(boxes_R4, np.float32), np.full(rows, 0.5), np.arange(rows),
    )  # fmt: skip


def whole_tracks(count: int, frames: int, seed: int = 0) -> Tracks:
    """Tracks of random boxes through a whole video."""
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 30, (count * frames, 2))
    boxes = np.hstack([corner, corner + random.uniform(4, 18, (count * frames, 2))])
    number = np.repeat(np.arange(count), frames)
    return Tracks.of(paths(boxes, np.tile(np.arange(frames), count), number, number % 3))
