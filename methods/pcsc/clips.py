"""Clips as the network takes them, made from footage."""

from __future__ import annotations

import numpy as np
import torch

from bench.footage import Footage
from methods.base import clip_indices
from methods.common.flow import FlowScale, scaled_flow
from methods.common.windows import Window, cut
from methods.pcsc.config import ModelConfig


def clip_tensors(
    footage: Footage, frame: int, model: ModelConfig, window: Window | None = None, mirror: bool = False
) -> dict[str, torch.Tensor]:
    """Stream -> clip_CTHW around a key-frame: RGB, and flow clipped at ``flow_clip``, in [-1, 1].

    ``window`` is cut out and scaled back to the full size (flow vectors scale along); ``mirror`` flips the
    picture left to right and negates u.
    """
    index = clip_indices(frame, model.clip_length, model.clip_stride, len(footage))
    clips = {}
    if "rgb" in model.streams:
        rgb = cut(footage.clip(index), window)
        clips["rgb"] = _tensor(rgb.astype(np.float32) / 127.5 - 1, mirror)
    if "flow" in model.streams:
        scale = FlowScale(model.flow_clip, model.flow_centred)
        clips["flow"] = _tensor(scaled_flow(footage, index, scale, window, mirror), mirror=False)
    return clips


def _tensor(frames_THWC: np.ndarray, mirror: bool) -> torch.Tensor:
    if mirror:
        frames_THWC = frames_THWC[:, :, ::-1]
    return torch.from_numpy(np.ascontiguousarray(frames_THWC.transpose(3, 0, 1, 2), np.float32))
