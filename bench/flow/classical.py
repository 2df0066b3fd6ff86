"""Classical flow by OpenCV: dense inverse search and dual TV-L1, on grey pictures."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from bench.flow.base import Flow, FlowSource, Frames


def grey_pairs(frames_THW3: Frames) -> list[tuple[Any, Any]]:
    """Neighbouring frames as grey pictures uint8 [H, W]."""
    import cv2

    return list(pairwise(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames_THW3))


@dataclass(frozen=True)
class Dis(FlowSource):
    """Dense inverse search (Kroeger et al., ECCV 2016) to the finest scale, so that thin limbs are kept."""

    name = "dis"

    finest_scale: int = 0
    patch_size: int = 8
    patch_stride: int = 4
    gradient_steps: int = 16

    def between(self, frames_THW3: Frames) -> Flow:
        """See :class:`FlowSource`."""
        import cv2

        search: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        search.setFinestScale(self.finest_scale)
        search.setPatchSize(self.patch_size)
        search.setPatchStride(self.patch_stride)
        search.setVariationalRefinementIterations(0)
        search.setGradientDescentIterations(self.gradient_steps)
        return np.stack([search.calc(*pair, None) for pair in grey_pairs(frames_THW3)])


@dataclass(frozen=True)
class TvL1(FlowSource):
    """Dual TV-L1 (Zach et al., DAGM 2007) with OpenCV's defaults; far slower than DIS."""

    name = "tvl1"

    def between(self, frames_THW3: Frames) -> Flow:
        """See :class:`FlowSource`."""
        import cv2

        method: Any = cv2.optflow.DualTVL1OpticalFlow.create()
        return np.stack([method.calc(*pair, None) for pair in grey_pairs(frames_THW3)])
