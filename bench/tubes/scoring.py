"""From paths to scored action tubes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bench.records import Tubes
from bench.tubes.paths import Paths


@dataclass(frozen=True)
class TubeScoring:
    """What a tube's score is, and how long it must be; the defaults are those of Singh et al. 2017.

    top: the score is the mean of this many of the tube's best box scores; None: of all.
    min_frames: fewest frames of a tube, its filled gaps included.
    """

    top: int | None = field(default=40, metadata={"range": (1, 100)})
    min_frames: int = field(default=10, metadata={"range": (1, 30)})

    def __post_init__(self) -> None:
        if self.top is not None and self.top < 1:
            raise ValueError(f"TubeScoring.top is {self.top}, must be at least 1, or None for all boxes")


def score_tubes(paths: Paths, scoring: TubeScoring) -> Tubes:
    """The paths that are long enough as tubes of one video, in the same order, numbered from 0."""
    lengths = paths.lengths
    long = paths.runs(np.repeat(lengths >= scoring.min_frames, lengths))
    return Tubes(
        videos=(paths.video,),
        video=np.zeros(len(long), np.int32),
        tube=long.path,
        label=long.label,
        score=np.repeat(long.top_mean(scoring.top), long.lengths),
        frame=long.frame,
        boxes_N4=long.boxes_R4,
        frame_score=long.score,
    )
