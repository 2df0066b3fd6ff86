"""What MENet sees of a key-frame beyond YOWO's clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from bench.footage import Footage
from bench.records import Array
from methods.common.crops import recoloured
from methods.common.flow import FlowScale, scaled_flow
from methods.common.windows import Window, taken
from methods.yowo.clips import augmented


@dataclass(frozen=True)
class Sight:
    """A window of some frames, of the mirrored ones where ``mirror``: as it is where it is a ``crop``, else
    scaled to the full size. ``rng`` draws colours."""

    footage: Footage
    frames: Array
    window: Window | None
    crop: bool
    mirror: bool
    rng: np.random.Generator

    def flow(self, scale: FlowScale) -> Array:
        """Flow (u, v) in -1..1, float32 (T, H, W, 2)."""
        if self.crop and self.window:
            return taken(scaled_flow(self.footage, self.frames, scale, None, self.mirror), self.window)
        return scaled_flow(self.footage, self.frames, scale, self.window, self.mirror)

    def rgb(self, colour: tuple[float, float, float]) -> Array:
        """uint8 (T, H, W, 3) of distorted colours."""
        rgb = self.footage.clip(self.frames)
        if self.crop and self.window:
            return recoloured(rgb[:, :, ::-1] if self.mirror else rgb, self.window, colour, self.rng)
        return augmented(rgb, self.window, self.mirror, colour, self.rng)


def recent_frames(frame: int, maps: int) -> Array:
    """The frames that SRM compares, the key-frame last; before the start the first frame repeats."""
    return np.maximum(frame - np.arange(maps, -1, -1), 0)


def channels_first(flow_THW2: Array) -> torch.Tensor:
    """(2, T, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(flow_THW2.transpose(3, 0, 1, 2)))


def unit_pictures(rgb_THW3: Array) -> torch.Tensor:
    """(T, 3, H, W) in 0..1."""
    return torch.from_numpy(np.ascontiguousarray(rgb_THW3.transpose(0, 3, 1, 2))).float().div_(255)
