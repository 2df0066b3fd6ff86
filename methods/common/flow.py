"""Optical flow of a footage as networks take it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.footage import Footage
from bench.records import Array
from methods.common.windows import Window, cut, rescaled


@dataclass(frozen=True)
class FlowScale:
    """pixels: of motion at the flow's size that become 1.0, more is clipped; centred: each field's median
    is taken off first, which is the camera's motion (Simonyan and Zisserman 2014 take the mean)."""

    pixels: float = 20.0
    centred: bool = False


def scaled_flow(
    footage: Footage, frames: Array, scale: FlowScale, window: Window | None = None, mirror: bool = False
) -> Array:
    """Flow (u, v) of the frames in -1..1, float32 (T, H, W, 2) of the flow's size; past the last it repeats.

    ``window``, in pixels of the footage, is cut out and scaled back to the full size, vectors along with it;
    ``mirror`` flips the field left to right and negates u.
    """
    stored, bound = footage.flow_THW2
    frames = np.minimum(frames, len(stored) - 1)
    flow: Array = stored[frames].astype(np.float32)
    if scale.centred:
        flow -= footage.flow_median(frames)[:, None, None]
    own_size = stored.shape[2], stored.shape[1]
    flow = cut(flow, rescaled(window, footage.size, own_size)) * (bound / 127 / scale.pixels)
    if window is not None:
        width, height = footage.size
        flow *= np.array([width / window[2], height / window[3]], np.float32)
    if mirror:
        flow = flow[:, :, ::-1] * np.array([-1, 1], np.float32)
    return flow.clip(-1, 1)
