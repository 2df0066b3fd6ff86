"""What MENet sees of a key-frame beyond YOWO's clip."""

from __future__ import annotations

import numpy as np
import torch

from bench.records import Array


def recent_frames(frame: int, maps: int) -> Array:
    """The frames that SRM compares, the key-frame last; before the start the first frame repeats."""
    return np.maximum(frame - np.arange(maps, -1, -1), 0)


def channels_first(flow_THW2: Array) -> torch.Tensor:
    """(2, T, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(flow_THW2.transpose(3, 0, 1, 2)))


def unit_pictures(rgb_THW3: Array) -> torch.Tensor:
    """(T, 3, H, W) in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(rgb_THW3.transpose(0, 3, 1, 2))).float().div_(255)
