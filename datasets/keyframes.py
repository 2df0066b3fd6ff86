"""From boxes on key-frames to a box in every frame, by tracking: the truth of DALY's ``extended-st``.

As Chéron et al. do it (RecLNet, arXiv 1806.11008, section 4, "DALY tracks labeling"): a tracker starts from
every key-frame of an instance and follows its person to both ends of the span; in each frame the box is the
median of all tracks, coordinate by coordinate, on key-frames too. They track with a Siamese network
(:mod:`methods.nn.siamfc`); here any function of frames and a box will do.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import sqrt

import numpy as np

from bench.metrics.boxes import iou
from bench.records import Array, GroundTruth, TruthBoxes
from bench.video import Frame, Video
from datasets.kept_boxes import KeptBoxes
from datasets.trimming import annotated_runs

Tracker = Callable[[Sequence[Frame], Array], Array]
"""(T frames, what to follow as x1, y1, x2, y2 in the first one) -> boxes_T4, NaN where it is lost."""

SIDE = 240
"""Shorter side of the frames that are tracked in, in pixels, unless they are smaller."""
AGREED = (0.5, 0.8)
"""IoUs that RecLNet (section 4) holds the agreement with the key-frames against."""
MOST_BYTES = 1 << 30
"""Of the frames of one interval of a video, held while it is tracked in; longer ones get smaller frames."""


def extend_keyframes(
    truth: GroundTruth,
    videos: Sequence[Video],
    tracker: Tracker,
    progress: Callable[[int, int], None] = lambda done, total: None,
    kept: KeptBoxes | None = None,
) -> GroundTruth:
    """The annotation of these videos with boxes on all frames of the annotated spans.

    Spans, labels and difficulty stay. What cannot be tracked, as its span has no key-frame or no frame that
    decodes, keeps the boxes that it has. ``progress(done, total)`` counts videos. ``kept``: what this
    tracker found before; a video that is there is not tracked again, the others are added as they are
    finished. Raises VideoError for a video that cannot be read.
    """
    truth = truth.select([video.name for video in videos])
    parts = []
    for done, (video, (name, boxes)) in enumerate(zip(videos, truth.boxes.by_video()), 1):
        if len(boxes):
            one = truth.select([name])
            extend = partial(_extend_video, one, video, tracker)
            boxes = kept.of(one, video, extend) if kept else extend()
        parts.append(boxes)
        progress(done, len(videos))
    return replace(truth, boxes=TruthBoxes.concat(parts).with_videos(truth.videos.names))


def key_overlaps(truth: GroundTruth, extended: GroundTruth) -> Array:
    """IoU, float64 [K], of the annotated boxes of ``truth`` with those of ``extended`` on the same frames.

    0 where that has none. Key-frames outside the span of their instance, which are not tracked, are left out.
    """
    tubes, keys, row_K = truth.tubes, truth.boxes, truth.box_tubes()
    keys = keys[(keys.frame >= tubes.start[row_K]) & (keys.frame < tubes.end[row_K])]
    return np.nan_to_num(iou(boxes_at(extended.boxes, keys), keys.boxes_N4, 0))


def key_agreement(truth: GroundTruth, extended: GroundTruth) -> dict[str, float]:
    """Percent of the key-frames whose IoU (:func:`key_overlaps`) is above each of :data:`AGREED`, by that."""
    overlap_K = key_overlaps(truth, extended)
    return {str(least): 100.0 * float((overlap_K > least).mean()) for least in AGREED if len(overlap_K)}


def boxes_at(boxes: TruthBoxes, places: TruthBoxes) -> Array:
    """The boxes at the (tube, frame) of each row of ``places``, float32 [N, 4], NaN where there is none."""
    known = dict(zip(zip(boxes.tube.tolist(), boxes.frame.tolist()), boxes.boxes_N4))
    nowhere = np.full(4, np.nan, np.float32)
    asked = zip(places.tube.tolist(), places.frame.tolist())
    return np.array([known.get(place, nowhere) for place in asked], np.float32).reshape(-1, 4)


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
