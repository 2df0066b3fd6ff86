"""OpenCV's trackers, by name. Each is a :data:`datasets.keyframes.Tracker`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.records import Array
from bench.video import Frame
from datasets.keyframes import Tracker


def csrt(frames: Sequence[Frame], box: Array) -> Array:
    """Discriminative correlation filter (Lukežič et al., CVPR 2017); follows changes of size."""
    return _follow(_made("TrackerCSRT"), frames, box)


def kcf(frames: Sequence[Frame], box: Array) -> Array:
    """Kernelised correlation filter (Henriques et al., TPAMI 2015); fast, keeps the box's size."""
    return _follow(_made("TrackerKCF"), frames, box)


TRACKERS: dict[str, Tracker] = {"csrt": csrt, "kcf": kcf}


def _made(kind: str) -> Any:
    """A new tracker of OpenCV. Raises ValueError where the OpenCV that is installed has none of that kind."""
    import cv2

    make = getattr(cv2, f"{kind}_create", None)
    if make is None:
        raise ValueError(
            f"this OpenCV ({cv2.__version__}) is built without {kind}, a contributed part: uninstall every "
            "opencv package, then `pip install opencv-contrib-python-headless`"
        )
    return make()


def _follow(tracker: Any, frames: Sequence[Frame], box: Array) -> Array:
    """Run an OpenCV tracker, which works on whole pixels; lost once is lost for the rest."""
    import cv2

    boxes_T4 = np.full((len(frames), 4), np.nan)
    boxes_T4[0] = box
    height, width = frames[0].shape[:2]
    x1, y1 = (int(np.clip(round(float(v)), 0, side - 2)) for v, side in zip(box[:2], (width, height)))
    x2, y2 = (
        int(np.clip(round(float(v)), low + 2, side))
        for v, low, side in zip(box[2:], (x1, y1), (width, height))
    )
    try:
        tracker.init(np.ascontiguousarray(frames[0]), (x1, y1, x2 - x1, y2 - y1))
        for number, frame in enumerate(frames[1:], 1):
            found, (x, y, w, h) = tracker.update(np.ascontiguousarray(frame))
            if not found:
                break
            boxes_T4[number] = x, y, x + w, y + h
    except cv2.error:  # a box too small to be followed
        pass
    return boxes_T4
