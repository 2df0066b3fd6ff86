"""What the network sees of a key-frame: itself, its neighbours, and the flow between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from bench.footage import Footage
from bench.records import Array
from methods.base import clip_indices
from methods.common.flow import FlowScale, scaled_flow
from methods.common.windows import Window

MEAN = (123.0, 117.0, 104.0)
"""Red, green and blue that are taken off the key-frame."""
PAIRS: dict[str, tuple[tuple[int, int], ...]] = {
    "one": ((-1, 1),),
    "two": ((-1, 0), (0, 1)),
    "three": ((-1, 0), (0, 1), (-1, 1)),
}
"""First and second frame of every pair, from the key-frame on: what ``ModelConfig.flow_pairs`` names."""
CLIPPED = 20.0
"""Pixels beyond which flow computed before is clipped."""


def clip_frames(frame: int, num_frames: int) -> Array:
    """The frame before, the key-frame, the one after; a missing neighbour is the key-frame again."""
    return clip_indices(frame, 3, 1, num_frames)


def pairs_of(frame: int, num_frames: int, kind: str) -> list[tuple[int, int]]:
    """Frames that flow is estimated between for a key-frame."""
    clip = clip_frames(frame, num_frames).tolist()
    return [(clip[1 + first], clip[1 + second]) for first, second in PAIRS[kind]]


def fields(footage: Footage, frame: int, window: Window | None = None, mirror: bool = False) -> torch.Tensor:
    """Flow computed before, from the frame before and from the key-frame on, in pixels: (4, H, W).

    As :func:`methods.common.flow.scaled_flow` cuts and mirrors it; before the first field it repeats.
    """
    flow = scaled_flow(footage, np.maximum([frame - 1, frame], 0), FlowScale(CLIPPED), window, mirror)
    stacked = flow.transpose(0, 3, 1, 2).reshape(4, *flow.shape[1:3])
    return torch.from_numpy(np.ascontiguousarray(CLIPPED * stacked, np.float32))


def pictures(frames_THW3: Array) -> torch.Tensor:
    """uint8 (T, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(frames_THW3.transpose(0, 3, 1, 2)))


def stack(examples: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Inputs of a batch, by name."""
    return {name: torch.stack([example[name] for example in examples]) for name in examples[0]}
