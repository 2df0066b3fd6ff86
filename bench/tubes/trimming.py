"""Cutting paths down to the frames where a filtered signal is high."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bench.records import Array
from bench.tubes.base import Found, Trimming, looked_up
from bench.tubes.kernels.runs import majority
from bench.tubes.paths import Paths


@dataclass(frozen=True)
class ThresholdTrimming(Trimming):
    """The runs of frames whose median-filtered score is at least a threshold.

    Cheron et al. 2018 (RecLNet), section 3.3: a track breaks into one tube for each time its action happens.

    threshold, window: the authors' 0.1 and 25 frames. At its ends a path is mirrored; the paper does not say.
    """

    name: str = field(default="threshold", init=False)
    threshold: float = field(default=0.1, metadata={"range": (0.001, 0.9)})
    window: int = field(default=25, metadata={"range": (1, 61), "step": 2})

    def __post_init__(self) -> None:
        _check_window(self.window)

    def trim(self, paths: Paths, found: Found) -> Paths:
        """As :class:`bench.tubes.base.Trimming` says."""
        return above(paths, paths.score, self.threshold, self.window, mirror=True)


@dataclass(frozen=True)
class ActionnessTrimming(Trimming):
    """The runs of frames whose median-filtered actionness of the path's class is at least a threshold.

    Su et al. 2019 (PCSC), section 3.4. The paper states neither number. At the ends of a path its first and
    last value repeat. A box that lacks the class has actionness 0.
    """

    name: str = field(default="actionness", init=False)
    threshold: float = field(default=0.1, metadata={"range": (0.001, 0.5)})
    window: int = field(default=17, metadata={"range": (1, 41), "step": 2})

    def __post_init__(self) -> None:
        _check_window(self.window)

    def trim(self, paths: Paths, found: Found) -> Paths:
        """As :class:`bench.tubes.base.Trimming` says. Raises ValueError for detections without actionness."""
        detections = looked_up(paths, found, self.name)
        if detections.actionness is None:
            raise ValueError(
                "trimming by actionness: the detections have no column 'actionness'; trim otherwise, or not"
            )
        own_R = detections.label[paths.row] == paths.label
        value_R = np.where(own_R, detections.actionness[paths.row], 0)
        return above(paths, value_R, self.threshold, self.window, mirror=False)


def above(paths: Paths, value_R: Array, threshold: float, window: int, mirror: bool) -> Paths:
    """The runs of rows whose median-filtered value is at least ``threshold``, each a path.

    ``value_R``: one of each row of ``paths``. ``window``: frames the median is taken over, odd, the frame in
    the middle; beyond the ends of a path it is mirrored, or its first and last value repeat.
    """
    keep_R = np.zeros(len(paths), bool)
    majority(np.append(paths.starts, len(paths)), value_R >= threshold, window, mirror, keep_R)
    return paths.runs(keep_R)


def _check_window(window: int) -> None:
    if window < 1 or window % 2 == 0:
        raise ValueError(f"the window of a median filter must be odd and positive, got {window}")
