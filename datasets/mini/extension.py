"""How near does a tracker come to the true boxes? From key-frames to all frames, where both are known.

Key-frames of `daly-mini` are extended as :meth:`datasets.daly.Daly.extend` does, and compared with what was
drawn. Instances that are difficult are left out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bench.metrics.boxes import iou
from bench.records import GroundTruth
from bench.video import Video
from datasets.keyframes import AGREED, Tracker, boxes_at, extend_keyframes
from datasets.mini import DalyMini
from datasets.mini.render import Progress

SCORED = 0.5
"""The IoU below which a box would not count as found."""
COLUMNS = (
    "tracker",
    "key-frames IoU > 0.5",
    "> 0.8",
    "mean",
    "IoU between",
    ">= 0.5",
    "IoU of tubes",
    "CPU ms a frame",
)


@dataclass(frozen=True)
class Agreement:
    """Of boxes with the drawn ones, a box that is not there counting as 0, in percent.

    keys: mean IoU on key-frames; agreed: share of those with more than :data:`datasets.keyframes.AGREED`;
    between: mean IoU between them; scored: share of those with at least :data:`SCORED`;
    tubes: mean IoU of tubes; milliseconds: of CPU, a frame of a span.
    """

    keys: float
    agreed: tuple[float, float]
    between: float
    scored: float
    tubes: float
    milliseconds: float = 0.0


def agreement(sparse: GroundTruth, found: GroundTruth, drawn: GroundTruth) -> Agreement:
    """Of ``found``, the extension of the key-frames in ``sparse``, with what was drawn."""
    tube_N = drawn.boxes.tube
    counts_N = ~np.isin(tube_N, drawn.tubes.tube[drawn.tubes.difficult])
    key_N = np.isfinite(boxes_at(sparse.boxes, drawn.boxes)[:, 0])
    overlap_N = np.nan_to_num(iou(boxes_at(found.boxes, drawn.boxes), drawn.boxes.boxes_N4, 0))
    keys, between = overlap_N[counts_N & key_N], overlap_N[counts_N & ~key_N]
    tubes = [overlap_N[tube_N == tube].mean() for tube in np.unique(tube_N[counts_N])]
    low, high = (_percent(keys > least) for least in AGREED)
    return Agreement(
        _percent(keys), (low, high), _percent(between), _percent(between >= SCORED), _percent(tubes)
    )


def _percent(shares: npt.ArrayLike) -> float:
    return 100.0 * float(np.mean(np.asarray(shares)))


def measure(
    data: DalyMini, tracker: Tracker, names: Sequence[str], progress: Progress = lambda done, total: None
) -> Agreement:
    """Track in the videos of these names."""
    sparse, drawn = (truth.select(names) for truth in (data.ground_truth(), data.extended()))
    table = sparse.videos
    videos = [
        Video(name, data.video_path(name), int(width), int(height))
        for name, width, height in zip(table.names, table.width, table.height)
    ]
    began = time.process_time()
    found = extend_keyframes(sparse, videos, tracker, progress)
    took = 1000.0 * (time.process_time() - began) / len(drawn.boxes)
    return replace(agreement(sparse, found, drawn), milliseconds=took)
