"""Tracking by detection: from the best box left, forwards and backwards, whatever the class."""

from __future__ import annotations

from typing import NamedTuple

from bench.records import Array
from bench.tubes.kernels import compiled
from bench.tubes.kernels.common import Boxes, box_iou

FREE, TAKEN = -1, -2


class Rules(NamedTuple):
    """The numbers of :class:`bench.tubes.tracks.TrackingByDetection` that the loop reads."""

    start_score: float
    min_iou: float
    nms: float
    max_gap: int
    tracks: int


@compiled
def _next(boxes: Boxes, last: int, direction: int, rules: Rules, track_N: Array) -> int:
    """The free box that continues a track after (direction 1) or before (-1) row ``last``; -1 where it ends.

    In the first frame that has one: the box with the highest sum of its score and its IoU with the last box.
    """
    best, worth, frame, row = -1, 0.0, boxes.frame_N[last], last + direction
    while 0 <= row < len(track_N):
        now = boxes.frame_N[row]
        if abs(now - boxes.frame_N[last]) > rules.max_gap or (best >= 0 and now != frame):
            break
        frame = now
        if track_N[row] == FREE and now != boxes.frame_N[last]:
            overlap = box_iou(boxes.boxes_N4, last, boxes.boxes_N4, row, 0.0)
            value = overlap + boxes.score_N[row]
            better = best < 0 or value > worth or (value == worth and direction < 0)
            if overlap >= rules.min_iou and better:
                best, worth = row, value
        row += direction
    return best


@compiled
def _take(boxes: Boxes, row: int, track: int, nms: float, track_N: Array) -> None:
    """Give a box to a track; the free boxes of its frame that overlap it start no other and join none."""
    track_N[row] = track
    for direction in (-1, 1):
        other = row + direction
        while 0 <= other < len(track_N) and boxes.frame_N[other] == boxes.frame_N[row]:
            if track_N[other] == FREE and box_iou(boxes.boxes_N4, row, boxes.boxes_N4, other, 0.0) > nms:
                track_N[other] = TAKEN
            other += direction


@compiled
def track_videos(boxes: Boxes, bounds_V: Array, best_first: Array, rules: Rules, track_N: Array) -> int:
    """Track video after video; number of tracks.

    Video v has the rows ``bounds_V[v]`` to ``bounds_V[v + 1]``, and these are ``best_first`` in the same
    places. ``track_N`` must be FREE throughout and receives each row's track, numbered from 0; a row of no
    track keeps FREE or gets TAKEN.
    """
    tracks = 0
    for v in range(len(bounds_V) - 1):
        a, b = bounds_V[v], bounds_V[v + 1]
        rows = Boxes(boxes.frame_N[a:b], boxes.label_N[a:b], boxes.boxes_N4[a:b], boxes.score_N[a:b])
        mine_N, end = track_N[a:b], tracks + rules.tracks
        for i in range(a, b):
            seed = best_first[i] - a
            if tracks == end or rows.score_N[seed] < rules.start_score:
                break
            if mine_N[seed] != FREE:
                continue
            _take(rows, seed, tracks, rules.nms, mine_N)
            for direction in (-1, 1):
                row = _next(rows, seed, direction, rules, mine_N)
                while row >= 0:
                    _take(rows, row, tracks, rules.nms, mine_N)
                    row = _next(rows, row, direction, rules, mine_N)
            tracks += 1
    return tracks
