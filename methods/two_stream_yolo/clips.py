"""What the network sees of a frame, made from footage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from bench.footage import Footage
from bench.records import Array
from methods.common.colour import distorted
from methods.common.flow import FlowScale, scaled_flow
from methods.common.windows import Window, cut, jittered_window, random_window
from methods.two_stream_yolo.config import Augmentation

CLIPPED = 20.0
"""Pixels beyond which flow computed before is clipped."""


@dataclass(frozen=True)
class View:
    """How training sees a frame: the part of it, mirrored or not, and the generator of its colours."""

    window: Window | None
    mirror: bool
    colour: tuple[float, float, float]
    rng: np.random.Generator


def random_view(
    augmentation: Augmentation, size: tuple[int, int], mirror: bool, rng: np.random.Generator
) -> View:
    """A part of frames of that size (width, height)."""
    window = jittered_window(size, augmentation.jitter, rng) or random_window(size, augmentation.zoom, rng)
    return View(window, mirror, augmentation.colour, rng)


def frames_of(frame: int, num_frames: int) -> Array:
    """The frame, and the two that flow is between: it and the next, of the last one those before."""
    first = max(0, min(frame, num_frames - 2))
    return np.array([frame, first, min(first + 1, num_frames - 1)])


def inputs(
    footage: Footage, frame: int, flow_inside: bool, view: View | None = None
) -> dict[str, torch.Tensor]:
    """``frames``, uint8 (3, 3, H, W), and where it was computed before ``flow``, float32 (2, H, W) in pixels.

    Both are cut out and mirrored alike; mirrored flow has its u negated.
    """
    pictures = footage.clip(frames_of(frame, len(footage)))
    window, mirror = (view.window, view.mirror) if view else (None, False)
    if view is not None:
        pictures = distorted(cut(pictures, window), view.colour, view.rng)
    found = {"frames": _tensor(pictures[:, :, ::-1] if mirror else pictures)}
    if not flow_inside:
        flow = scaled_flow(footage, np.array([frame]), FlowScale(CLIPPED), window, mirror)
        found["flow"] = CLIPPED * _tensor(flow)[0]
    return found


def _tensor(frames_THWC: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(frames_THWC.transpose(0, 3, 1, 2)))
