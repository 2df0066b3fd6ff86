"""Variational flow of Brox et al., "High accuracy optical flow estimation based on a theory for warping",
ECCV 2004.

Brightness constancy, gradient constancy and smoothness, each under the robust penalty sqrt(s^2 + eps^2), are
minimised from coarse to fine: at every level of the pyramid the second picture is warped by what is known of
the flow, and the increment follows from fixed-point iterations around successive over-relaxation (sections 2
and 3 of the paper). OpenCV's `VariationalRefinement` does a level; the pyramid is here. Unlike in the paper,
the two constancy terms are penalised apart from each other, and the pictures are grey.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.flow.base import Flow, FlowSource, Frames
from bench.flow.classical import grey_pairs

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Brox(FlowSource):
    """Coarse-to-fine warping around OpenCV's solver of the energy of Brox et al.

    ``smoothness``, ``gradient``, ``brightness``: weights of the terms (alpha, gamma and 1 in the paper; only
    their ratios matter); ``presmoothing``: sigma of a Gaussian, pixels; ``reduction``: of one pyramid level,
    the paper's eta; ``coarsest``: shorter side of the top level, pixels; ``fixed_points``, ``relaxations``:
    iterations, outer and inner. The weights are those with the least error on training videos of the
    miniature, that of moving figures and that of the background counting alike.
    """

    name = "brox"

    smoothness: float = 120.0
    gradient: float = 100.0
    brightness: float = 1.0
    presmoothing: float = 0.9
    reduction: float = 0.95
    coarsest: int = 8
    fixed_points: int = 3
    relaxations: int = 10

    def between(self, frames_THW3: Frames) -> Flow:
        """See :class:`FlowSource`."""
        solver = self._solver()
        return np.stack([self._coarse_to_fine(solver, *pair) for pair in grey_pairs(frames_THW3)])

    def _solver(self) -> Any:
        import cv2

        solver = cv2.VariationalRefinement.create()
        solver.setAlpha(self.smoothness)
        solver.setGamma(self.gradient)
        solver.setDelta(self.brightness)
        solver.setFixedPointIterations(self.fixed_points)
        solver.setSorIterations(self.relaxations)
        return solver

    def _coarse_to_fine(self, solver: Any, now: Grey, following: Grey) -> Any:
        import cv2

        smooth = [cv2.GaussianBlur(picture, (0, 0), self.presmoothing) for picture in (now, following)]
        flow_HW2: Any = None
        for size in self.levels(now.shape[1], now.shape[0]):
            pair = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in smooth]
            flow_HW2 = solver.calc(*pair, _enlarged(flow_HW2, size))
        return flow_HW2

    def levels(self, width: int, height: int) -> list[tuple[int, int]]:
        """Sizes (width, height) of the pyramid, the coarsest first, the full one last."""
        count = int(np.log(self.coarsest / min(width, height)) / np.log(self.reduction))
        scales = self.reduction ** np.arange(max(count, 0), -1, -1)
        return [(round(width * scale), round(height * scale)) for scale in scales]


def _enlarged(flow_HW2: Any, size: tuple[int, int]) -> Any:
    """Flow at another size (width, height), in pixels of it; None: zeros."""
    import cv2

    if flow_HW2 is None:
        return np.zeros((size[1], size[0], 2), np.float32)
    ratio = np.array([size[0] / flow_HW2.shape[1], size[1] / flow_HW2.shape[0]], np.float32)
    return cv2.resize(flow_HW2, size, interpolation=cv2.INTER_LINEAR) * ratio
