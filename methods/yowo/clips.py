"""What the network sees of a key-frame, made from footage."""

from __future__ import annotations

import numpy as np
import torch

from bench.records import Array
from methods.common.colour import distorted
from methods.common.windows import Window, cut
from methods.yowo.config import ModelConfig


def clip_frames(frame: int, model: ModelConfig) -> Array:
    """Indices of the clip that ends with the key-frame; before the video's start its first frame repeats."""
    back = model.clip_stride * np.arange(model.clip_length - 1, -1, -1)
    return np.maximum(frame - back, 0)


def inputs(rgb_THW3: Array, model: ModelConfig) -> dict[str, torch.Tensor]:
    """``clip`` (3, T, H, W) and ``key`` (3, H, W), as the branches want them, from uint8 frames."""
    found = {}
    if "3d" in model.branches:
        found["clip"] = unit_clip(rgb_THW3, model.clip_input)
    if "2d" in model.branches:
        found["key"] = _unit(rgb_THW3[-1].transpose(2, 0, 1))
    return found


def augmented(
    rgb_THW3: Array,
    window: Window | None,
    mirror: bool,
    colour: tuple[float, float, float],
    rng: np.random.Generator,
) -> Array:
    """Frames cut out, mirrored and distorted in colour alike."""
    frames = distorted(cut(rgb_THW3, window), colour, rng)
    return frames[:, :, ::-1] if mirror else frames


def unit_clip(rgb_THW3: Array, kind: str) -> torch.Tensor:
    """(3, T, H, W) in 0..1; ``differences``: each frame less the one before it, the first as the second."""
    clip = _unit(rgb_THW3.transpose(3, 0, 1, 2))
    if kind == "rgb":
        return clip
    steps = clip.diff(dim=1)
    return torch.cat([steps[:, :1], steps], dim=1)


def _unit(picture: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture)).float().div_(255)
