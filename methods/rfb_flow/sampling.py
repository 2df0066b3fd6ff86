"""Classes made equally frequent in training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.records import Array
from methods.common.keyframes import KeyFrames


def stepped(keys: KeyFrames, frame_steps: Sequence[float]) -> KeyFrames:
    """Of each video every so many of its key-frames as its class says; below 1 some come more than once.

    frame_steps: of each class. A video is of the class of its first box. Raises ValueError for a class
    without a step.
    """
    label = keys.labels[keys.bounds[:-1]].astype(np.int64)
    if len(label) and label.max() >= len(frame_steps):
        raise ValueError(
            f"training.frame_steps has {len(frame_steps)} numbers, the data a class {label.max()}: "
            "give one a class, or none: --set training.frame_steps=[]"
        )
    first = np.flatnonzero(np.diff(keys.video, prepend=-1))
    ends = np.append(first[1:], len(keys))
    chosen = [_places(int(start), int(end), frame_steps[label[start]]) for start, end in zip(first, ends)]
    return picked(keys, np.concatenate(chosen))


def _places(start: int, end: int, step: float) -> Array:
    return start + np.arange(0, end - start, step).astype(np.int64)


def picked(keys: KeyFrames, places: Array) -> KeyFrames:
    """The key-frames at these places, with their boxes."""
    counts = np.diff(keys.bounds)[places]
    bounds = np.append(0, np.cumsum(counts))
    rows = np.arange(bounds[-1]) + np.repeat(keys.bounds[places] - bounds[:-1], counts)
    return KeyFrames(keys.video[places], keys.frame[places], bounds, keys.boxes_N4[rows], keys.labels[rows])
