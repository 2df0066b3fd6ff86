"""From boxes on key-frames to a box in every frame, by tracking: the truth of DALY's ``extended-st``.

As Chéron et al. do it (RecLNet, arXiv 1806.11008, section 4, "DALY tracks labeling"): a tracker starts from
every key-frame of an instance and follows its person to both ends of the span; in each frame the box is the
median of all tracks, coordinate by coordinate, on key-frames too. They track with a Siamese network; here any
function of frames and a box will do.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np

from bench.records import Array, GroundTruth, TruthBoxes
from bench.video import Frame, Video
from datasets.trimming import annotated_runs

Tracker = Callable[[Sequence[Frame], Array], Array]
"""(T frames, what to follow as x1, y1, x2, y2 in the first one) -> boxes_T4, NaN where it is lost."""

SIDE = 240
"""Shorter side of the frames that are tracked in, in pixels, unless they are smaller."""
MOST_BYTES = 1 << 30
"""Of the frames of one interval of a video, held while it is tracked in; longer ones get smaller frames."""


def extend_keyframes(
    truth: GroundTruth,
    videos: Sequence[Video],
    tracker: Tracker,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> GroundTruth:
    """The annotation of these videos with boxes on all frames of the annotated spans.

    Spans, labels and difficulty stay. What cannot be tracked, as its span has no key-frame or no frame that
    decodes, keeps the boxes that it has. ``progress(done, total)`` counts videos. Raises VideoError for a
    video that cannot be read.
    """
    truth = truth.select([video.name for video in videos])
    parts = []
    for done, (video, (name, boxes)) in enumerate(zip(videos, truth.boxes.by_video()), 1):
        parts.append(_extend_video(truth.select([name]), video, tracker) if len(boxes) else boxes)
        progress(done, len(videos))
    return replace(truth, boxes=TruthBoxes.concat(parts).with_videos(truth.videos.names))


def _extend_video(truth: GroundTruth, video: Video, tracker: Tracker) -> TruthBoxes:
    """The boxes of one video; ``truth`` is of that video alone."""
    runs_R2 = annotated_runs(truth)[:, 1:]
    size = _tracked_size(video, int((runs_R2[:, 1] - runs_R2[:, 0]).max()))
    scale_4 = np.array([size[0] / video.width, size[1] / video.height] * 2)
    kept = {int(tube): truth.boxes[truth.boxes.tube == tube] for tube in truth.tubes.tube}
    for first, frames in _intervals(video, size, runs_R2):
        for row in np.flatnonzero((truth.tubes.start >= first) & (truth.tubes.start < first + len(frames))):
            start, end = int(truth.tubes.start[row]) - first, int(truth.tubes.end[row]) - first
            tube = int(truth.tubes.tube[row])
            keys = kept[tube]
            boxes_T4 = track_span(
                frames[start:end], keys.frame - first - start, keys.boxes_N4 * scale_4, tracker
            )
            there = np.flatnonzero(np.isfinite(boxes_T4).all(axis=1))
            if len(there):
                ones = np.ones(len(there), np.int32)
                kept[tube] = TruthBoxes(
                    truth.videos.names,
                    ones * 0,
                    ones * tube,
                    there + first + start,
                    boxes_T4[there] / scale_4,
                )
    return TruthBoxes.concat([kept[int(tube)] for tube in truth.tubes.tube])


def track_span(frames: Sequence[Frame], key_K: Array, boxes_K4: Array, tracker: Tracker) -> Array:
    """Boxes [T, 4] in the T frames of a span: the median of the tracks from all of its K key-frames.

    key_K: positions in ``frames``; those outside are passed over. NaN where no track has a box. Raises
    ValueError for a tracker that gives something else than a box a frame.
    """
    inside = np.flatnonzero((key_K >= 0) & (key_K < len(frames)))
    tracks_KT4 = np.full((len(inside), len(frames), 4), np.nan)
    for track_T4, row in zip(tracks_KT4, inside):
        key, box = int(key_K[row]), boxes_K4[row]
        track_T4[key::-1] = _tracked(tracker, frames[key::-1], box)
        track_T4[key:] = _tracked(tracker, frames[key:], box)
    if not len(inside):
        return np.full((len(frames), 4), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames in which all tracks are lost
        return np.nanmedian(tracks_KT4, axis=0)


def _tracked(tracker: Tracker, frames: Sequence[Frame], box: Array) -> Array:
    boxes_T4 = np.asarray(tracker(frames, box), np.float64)
    if boxes_T4.shape != (len(frames), 4):
        raise ValueError(f"a tracker gave boxes of shape {boxes_T4.shape} for {len(frames)} frames")
    return boxes_T4


def _tracked_size(video: Video, longest: int) -> tuple[int, int]:
    """(width, height) of the frames to track in, of a video whose longest interval has so many."""
    room = sqrt(MOST_BYTES / (3 * video.width * video.height * longest))
    scale = min(1.0, SIDE / min(video.width, video.height), room)
    return max(round(video.width * scale), 8), max(round(video.height * scale), 8)


def _intervals(video: Video, size: tuple[int, int], runs_R2: Array) -> Iterator[tuple[int, list[Frame]]]:
    """(first frame, its frames that decode) of each interval; frames are decoded once, in order."""
    todo = [(int(start), int(end)) for start, end in runs_R2]
    frames: list[Frame] = []
    for number, frame in enumerate(video.frames(size)):
        if not todo:
            return
        start, end = todo[0]
        if number >= start:
            frames.append(frame)
        if number == end - 1:
            yield start, frames
            todo, frames = todo[1:], []
    if frames:
        yield todo[0][0], frames


def csrt(frames: Sequence[Frame], box: Array) -> Array:
    """OpenCV's discriminative correlation filter (Lukežič et al., CVPR 2017); follows changes of size."""
    import cv2

    return _follow(cv2.TrackerCSRT_create(), frames, box)  # type: ignore[attr-defined]


def kcf(frames: Sequence[Frame], box: Array) -> Array:
    """OpenCV's kernelised correlation filter (Henriques et al., TPAMI 2015); fast, keeps the box's size."""
    import cv2

    return _follow(cv2.TrackerKCF_create(), frames, box)  # type: ignore[attr-defined]


TRACKERS: dict[str, Tracker] = {"csrt": csrt, "kcf": kcf}


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
