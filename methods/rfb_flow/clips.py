"""What the network sees of a key-frame: itself, its neighbours, and the flow between them."""

from __future__ import annotations

import numpy as np
import torch

from bench.footage import Footage
from bench.records import Array
from methods.common.flow import FlowScale, scaled_flow
from methods.common.windows import Window, taken
from methods.rfb_flow.config import PAIRS, offsets

MEAN = (123.0, 117.0, 104.0)
"""Red, green and blue that are taken off the key-frame."""
CLIPPED = 20.0
"""Pixels beyond which flow computed before is clipped."""


def clip_frames(frame: int, num_frames: int, kind: str) -> Array:
    """The frames that the network sees; beyond an end of the video its last frame there repeats."""
    return np.clip(frame + np.array(offsets(kind)), 0, num_frames - 1)


def pairs_of(frame: int, num_frames: int, kind: str) -> list[tuple[int, int]]:
    """Frames that flow is estimated between for a key-frame."""
    clipped = np.clip(frame + np.array(PAIRS[kind]), 0, num_frames - 1)
    return [(first, second) for first, second in clipped.tolist()]


def fields(footage: Footage, frame: int, window: Window | None = None, mirror: bool = False) -> torch.Tensor:
    """Flow computed before, from the frame before and from the key-frame on, in pixels: (4, H, W).

    As :func:`methods.common.flow.scaled_flow` cuts and mirrors it; before the first field it repeats.
    """
    flow = scaled_flow(footage, np.maximum([frame - 1, frame], 0), FlowScale(CLIPPED), window, mirror)
    stacked = flow.transpose(0, 3, 1, 2).reshape(4, *flow.shape[1:3])
    return torch.from_numpy(np.ascontiguousarray(CLIPPED * stacked, np.float32))


def crop_fields(footage: Footage, frame: int, window: Window, mirror: bool) -> torch.Tensor:
    """The same of a window that keeps its size, mirrored where it was cut out: (4, side, side)."""
    x, y, width, height = window
    place = footage.size[0] - x - width if mirror else x
    whole = fields(footage, frame, None, mirror)
    return torch.from_numpy(taken(whole.numpy()[..., None], (place, y, width, height))[..., 0])


def pictures(frames_THW3: Array) -> torch.Tensor:
    """uint8 (T, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(frames_THW3.transpose(0, 3, 1, 2)))
