"""What the network sees of a frame, made from footage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from bench.footage import Footage
from bench.records import Array
from methods.common.colour import distorted
from methods.common.crops import Crop
from methods.common.flow import FlowScale, scaled_flow
from methods.common.windows import Window, cut, jittered_window, random_window
from methods.nn.flow.inside import is_inside
from methods.two_stream_yolo.config import NEXT, Augmentation, FlowSteps, ModelConfig

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


def frames_of(frame: int, num_frames: int, steps: FlowSteps = NEXT) -> Array:
    """The frame, and the two that each flow is between; what would leave the video is moved into it.

    Moved from before the first frame, a step ends at the next frame at most: a stream has no later one.
    """
    found = [frame]
    for start, end in steps:
        first = max(0, min(frame + start, num_frames - 1 - (end - start)))
        found += [first, min(first + end - start, frame + 1, num_frames - 1)]
    return np.array(found)


def inputs(
    footage: Footage, frame: int, model: ModelConfig, view: View | None = None
) -> dict[str, torch.Tensor]:
    """``frames``, uint8 (1 + 2 * steps, 3, H, W): :func:`frames_of`; where it was computed before ``flow``,
    float32 (2, H, W) in pixels.

    Both are cut out and mirrored alike; mirrored flow has its u negated.
    """
    pictures = footage.clip(frames_of(frame, len(footage), model.flow_steps))
    window, mirror = (view.window, view.mirror) if view else (None, False)
    if view is not None:
        pictures = distorted(cut(pictures, window), view.colour, view.rng)
    found = {"frames": _tensor(pictures[:, :, ::-1] if mirror else pictures)}
    if not is_inside(model.flow):
        flow = scaled_flow(footage, np.array([frame]), FlowScale(CLIPPED), window, mirror)
        found["flow"] = CLIPPED * _tensor(flow)[0]
    return found


def crop_inputs(
    crop: Crop, model: ModelConfig, colour: tuple[float, float, float]
) -> dict[str, torch.Tensor]:
    """``frames`` of a crop, uint8 (1 + 2 * steps, 3, side, side)."""
    frames = frames_of(crop.frame, len(crop.footage), model.flow_steps)
    return {"frames": _tensor(crop.rgb(frames, colour))}


def _tensor(frames_THWC: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(frames_THWC.transpose(0, 3, 1, 2)))
