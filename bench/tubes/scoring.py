"""From paths to scored action tubes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bench.records import Tubes
from bench.tubes.paths import Paths


@dataclass(frozen=True)
class TubeScoring:
    """What a tube's score is, and how long it must be; the defaults are those of Singh et al. 2017.

    top: the score is the mean of this many of the tube's best box scores. None: the mean of all; of tubelets
        that were linked and not trimmed, the mean over the tubelets (Kalogeiton et al. 2017).
    min_frames: fewest frames of a tube, its filled gaps included.
    """

    top: int | None = field(default=40, metadata={"range": (1, 100)})
    min_frames: int = field(default=10, metadata={"range": (1, 30)})

    def __post_init__(self) -> None:
        if self.top is not None and self.top < 1:
            raise ValueError(f"TubeScoring.top is {self.top}, must be at least 1, or None for all boxes")


def score_tubes(paths: Paths, scoring: TubeScoring) -> Tubes:
    """The paths that are long enough as tubes, by video, label, then best first, numbered from 0."""
    head = paths.starts
    if scoring.top is None and paths.path_score is not None:
        score_P = paths.path_score[head]
    else:
        score_P = paths.top_mean(scoring.top).astype(np.float32)
    order = np.lexsort((-score_P, paths.label[head], paths.video[head]))
    order = order[paths.lengths[order] >= scoring.min_frames]
    rows = paths.ordered(order)
    return Tubes(
        videos=rows.videos,
        video=rows.video,
        tube=rows.path,
        label=rows.label,
        score=np.repeat(score_P[order], rows.lengths),
        frame=rows.frame,
        boxes_N4=rows.boxes_R4,
        frame_score=rows.score,
    )
