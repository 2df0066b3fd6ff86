"""What a stream's detector says of the distinct boxes of a video's tracks: softmax, or fc7 (section 3.1)."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator

import numpy as np

from bench.footage import Footage
from bench.records import Array
from methods.common.windows import to_network
from methods.reclnet.detecting import Detector
from methods.reclnet.pictures import pictures
from methods.reclnet.tracks import Tracks

BLOCK = 1 << 20


def softmax(footage: Footage, stream: str, detector: Detector, tracks: Tracks, batch: int) -> Array:
    """Softmax on each distinct box, background first, float16 [M, C]; [0, 0] where there is no box.

    ``batch``: pictures that go through the network at a time.
    """
    parts = [scores for _, scores, _ in _described(footage, stream, detector, tracks, batch)]
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float16)


def fc7(footage: Footage, stream: str, detector: Detector, tracks: Tracks, batch: int) -> Array:
    """fc7 of each distinct box, float16 [M, D]; [0, 0] where there is no box. ``batch``: as of softmax.

    Neither the pictures nor the features need fit in memory: the latter lie in a file without a name.
    """
    features_MD = np.zeros((0, 0), np.float16)
    for rows, _, part in _described(footage, stream, detector, tracks, batch):
        if not len(features_MD):
            features_MD = mapped((len(tracks.frame_M), part.shape[1]))
        features_MD[rows] = part
    return features_MD


def bytes_per_frame(per_frame: float, numbers: int) -> int:
    """About how many bytes so many numbers of a box take for a frame of ``per_frame`` track rows."""
    return math.ceil(per_frame * numbers * 2)


def mapped(shape: tuple[int, int]) -> Array:
    """A float16 array of zeros in a file without a name, which goes with the array; an empty one in memory.

    Raises ValueError where the disk has no room for it.
    """
    size = 2 * shape[0] * shape[1]
    if not size:
        return np.zeros(shape, np.float16)
    with tempfile.TemporaryFile() as file:
        try:
            for at in range(0, size, BLOCK):
                file.write(bytes(min(BLOCK, size - at)))  # room is taken now, not when a page is written back
            file.flush()
        except OSError as error:
            raise ValueError(
                f"{size:,} bytes of features do not fit into {tempfile.gettempdir()} ({error}); name a "
                "folder with more room in the environment variable TMPDIR"
            ) from error
        return np.memmap(file, np.float16, "r+", shape=shape)


def _described(
    footage: Footage, stream: str, detector: Detector, tracks: Tracks, batch: int
) -> Iterator[tuple[slice, Array, Array]]:
    """Rows of the distinct boxes, their scores and features, float16, some pictures at a time."""
    boxes_M4 = to_network(tracks.distinct_M4, footage)
    frames_F, first_F = np.unique(tracks.frame_M, return_index=True)
    bounds = np.append(first_F, len(boxes_M4))
    for at in range(0, len(frames_F), batch):
        until = min(at + batch, len(frames_F))
        boxes = [boxes_M4[bounds[i] : bounds[i + 1]] for i in range(at, until)]
        scores, features = detector.describe(pictures(footage, stream, frames_F[at:until]), boxes)
        rows = slice(bounds[at], bounds[until])
        yield rows, scores.astype(np.float16), features.astype(np.float16)
