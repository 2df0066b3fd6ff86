"""What ``+trimmed`` and ``+gt-trimmed`` leave of an annotation: the intervals in which somebody acts."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from bench.keys import pair_keys
from bench.records import Array, GroundTruth

Trimming = Literal["", "trimmed", "gt-trimmed"]
"""As in protocols; empty: whole videos."""


def trimmed(truth: GroundTruth) -> GroundTruth:
    """The annotation of the same videos cut to the action: only frames within some tube's span count.

    Videos keep their names, lengths and frame numbers, tubes and boxes stay as they are, those on frames that
    the video does not have included; ``scored_frames`` becomes the frames within spans, of those that
    counted before.

    ``+trimmed``: the cut videos are all there is, for training, prediction and scoring (El-Nouby and Taylor
    2018, who train and test on trimmed UCF101-24). ``+gt-trimmed``: methods see whole videos and what they
    predict is cut (RecLNet, tables 4 and 5). In both, an interval is a maximal run of frames with somebody
    acting: people who act at overlapping times share one, and each annotated tube lies within one.
    """
    counted = truth.scored_frames
    inside = np.concatenate([*_frames(annotated_runs(truth)), np.zeros((0, 2), np.int32)])
    if counted is not None:
        inside = inside[np.isin(pair_keys(*inside.T), pair_keys(*counted.T))]
    return replace(truth, scored_frames=inside.astype(np.int32))


def annotated_runs(truth: GroundTruth) -> Array:
    """int32 [R, 3], rows (video, start, end): maximal runs of frames in spans of tubes, in order."""
    tubes = truth.tubes
    runs: list[list[int]] = []
    for row in np.lexsort([tubes.start, tubes.video]):
        video, start, end = int(tubes.video[row]), int(tubes.start[row]), int(tubes.end[row])
        if runs and runs[-1][0] == video and start <= runs[-1][2]:
            runs[-1][2] = max(runs[-1][2], end)
        else:
            runs.append([video, start, end])
    return np.array(runs, np.int32).reshape(-1, 3)


def _frames(runs_R3: Array) -> list[Array]:
    return [
        np.stack([np.full(end - start, video), np.arange(start, end)], 1) for video, start, end in runs_R3
    ]
