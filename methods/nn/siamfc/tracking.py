"""Following a box by SiamFC (sections 2.4 and 4.1), with the constants of huanglianghua/siamfc-pytorch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from os import PathLike
from typing import Self

import cv2
import numpy as np
import torch
from torch import Tensor

from bench.records import Array
from bench.video import Frame
from methods.nn.siamfc.crops import EXEMPLAR, SEARCH, crop, square_side
from methods.nn.siamfc.network import SiamFC

SCALES_3 = 1.0375 ** np.array([-1.0, 0.0, 1.0])
"""Sizes of the search crop beside the last one."""
SCALE_PENALTY = 0.9745
"""What the responses at another size than the last are multiplied by."""
SCALE_RATE = 0.59
"""How far the size goes towards the best one."""
WINDOW = 0.176
"""Share of the cosine window, which prefers what is near, in the response that is believed."""
STRIDE, UPSAMPLED = 8, 16
"""Pixels of a search crop between two responses; places between them that are told apart."""
SIZES = (0.2, 5.0)
"""Least and greatest size, by that of the first box (the authors' code)."""


@dataclass(frozen=True)
class _Target:
    """Where the thing is, x, y of its centre, and its size beside the first."""

    centre_2: Array
    scale: float = 1.0


@dataclass(frozen=True)
class SiamFCTracker:
    """A tracker, ``(frames, box) -> boxes_T4``, by a network in evaluation mode. Deterministic on a CPU."""

    network: SiamFC

    @classmethod
    def of_file(cls, path: str | PathLike[str]) -> Self:
        """By the weights in a file (:meth:`SiamFC.of_file`), on the GPU where there is one."""
        return cls(SiamFC.of_file(path).to("cuda" if torch.cuda.is_available() else "cpu"))

    @torch.inference_mode()
    def __call__(self, frames: Sequence[Frame], box: Array) -> Array:
        """Boxes [T, 4] of what the box shows in the first of T RGB frames uint8 [H, W, 3].

        The network is always sure of something, so nothing is lost; a box of less than a pixel is, at once.
        """
        boxes_T4 = np.full((len(frames), 4), np.nan)
        boxes_T4[0] = box
        size_2 = boxes_T4[0, 2:] - boxes_T4[0, :2]
        if not size_2.min() >= 1:
            return boxes_T4
        side, outside_3 = square_side(size_2), frames[0].mean(axis=(0, 1))
        target = _Target((boxes_T4[0, :2] + boxes_T4[0, 2:]) / 2)
        exemplar = self.network.backbone(
            self._tensor([crop(frames[0], target.centre_2, side, EXEMPLAR, outside_3)])
        )
        for number, frame in enumerate(frames[1:], 1):
            sides_3 = target.scale * side * SEARCH / EXEMPLAR * SCALES_3
            crops = [crop(frame, target.centre_2, float(wide), SEARCH, outside_3) for wide in sides_3]
            responses_3RR = self.network.respond(exemplar, self._tensor(crops)).cpu().numpy()
            target = _moved(target, sides_3, responses_3RR)
            half_2 = target.scale * size_2 / 2
            boxes_T4[number] = np.concatenate([target.centre_2 - half_2, target.centre_2 + half_2])
        return boxes_T4

    def _tensor(self, crops: Sequence[Array]) -> Tensor:
        device = next(self.network.parameters()).device
        return torch.from_numpy(np.stack(crops)).to(device).permute(0, 3, 1, 2).float()


def _moved(target: _Target, sides_3: Array, responses_3RR: Array) -> _Target:
    """Where the best of the responses at three sizes of the search crop puts the thing."""
    pixels = UPSAMPLED * responses_3RR.shape[1]
    fine = np.stack([cv2.resize(r, (pixels, pixels), interpolation=cv2.INTER_CUBIC) for r in responses_3RR])
    penalty_3 = np.where(SCALES_3 == 1, 1, SCALE_PENALTY)
    best = int((fine.max(axis=(1, 2)) * penalty_3).argmax())
    response_PP = fine[best].astype(np.float64)
    response_PP -= response_PP.min()
    response_PP /= response_PP.sum() + 1e-16
    believed_PP = (1 - WINDOW) * response_PP + WINDOW * _window(pixels)
    y, x = np.unravel_index(believed_PP.argmax(), believed_PP.shape)
    away_2 = (np.array([x, y]) - (pixels - 1) / 2) * STRIDE / UPSAMPLED  # in pixels of the crop
    scale = target.scale * ((1 - SCALE_RATE) + SCALE_RATE * float(SCALES_3[best]))
    return _Target(target.centre_2 + away_2 * sides_3[best] / SEARCH, float(np.clip(scale, *SIZES)))


@cache
def _window(pixels: int) -> Array:
    window_PP = np.outer(np.hanning(pixels), np.hanning(pixels))
    return window_PP / window_PP.sum()
