"""Clips and truth boxes as the network takes them, made from footage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch

from bench.footage import Footage
from methods.base import clip_indices
from methods.pcsc.config import ModelConfig

Window = tuple[int, int, int, int]
"""x, y, width, height of a crop in network pixels."""


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
        rgb = _cut(footage.rgb_THW3[index], window)
        clips["rgb"] = _tensor(rgb.astype(np.float32) / 127.5 - 1, mirror)
    if "flow" in model.streams:
        stored, bound = footage.flow_THW2
        index = np.minimum(index, len(stored) - 1)
        flow = stored[index].astype(np.float32)
        if model.flow_centred:
            flow -= footage.flow_median_T2[index, None, None]
        flow = _cut(flow, window) * (bound / 127 / model.flow_clip)
        if window is not None:
            width, height = model.frame_size
            flow *= np.array([width / window[2], height / window[3]], np.float32)
        if mirror:
            flow[..., 0] *= -1
        clips["flow"] = _tensor(flow.clip(-1, 1), mirror)
    return clips


def _cut(frames_THWC: np.ndarray, window: Window | None) -> np.ndarray:
    """The window of every frame, scaled to the full frame; parts beyond the border repeat the edge."""
    if window is None:
        return frames_THWC
    count, height, width, channels = frames_THWC.shape
    x, y, w, h = window
    rows = np.clip(np.arange(y, y + h), 0, height - 1)
    columns = np.clip(np.arange(x, x + w), 0, width - 1)
    cut = frames_THWC[:, rows[:, None], columns]
    stacked = np.moveaxis(cut, 0, 2).reshape(h, w, count * channels)
    scaled = cv2.resize(stacked, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.moveaxis(scaled.reshape(height, width, count, channels), 2, 0)


def _tensor(frames_THWC: np.ndarray, mirror: bool) -> torch.Tensor:
    if mirror:
        frames_THWC = frames_THWC[:, :, ::-1]
    return torch.from_numpy(np.ascontiguousarray(frames_THWC.transpose(3, 0, 1, 2), np.float32))


def random_window(model: ModelConfig, zoom: tuple[float, float], rng: np.random.Generator) -> Window | None:
    """A window 1 / zoom as large as the frame, anywhere inside (or around it when larger)."""
    if zoom == (1.0, 1.0):
        return None
    width, height = model.frame_size
    factor = rng.uniform(*zoom)
    w, h = round(width / factor), round(height / factor)
    free_x, free_y = sorted((0, width - w)), sorted((0, height - h))
    return int(rng.integers(free_x[0], free_x[1] + 1)), int(rng.integers(free_y[0], free_y[1] + 1)), w, h


def to_network(
    boxes_N4: np.ndarray, footage: Footage, window: Window | None = None, mirror: bool = False
) -> np.ndarray:
    """Annotation pixels to pixels of the (cut, mirrored) network frame, clipped to it."""
    width, height = footage.size
    boxes = boxes_N4 * np.tile(footage.scale, 2)
    if window is not None:
        x, y, w, h = window
        boxes = (boxes - [x, y, x, y]) * [width / w, height / h, width / w, height / h]
    if mirror:
        boxes = np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)
    return np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)


def to_annotation(boxes_N4: np.ndarray, footage: Footage) -> np.ndarray:
    """Network pixels to pixels of the annotation's frame size."""
    return (boxes_N4 / np.tile(footage.scale, 2)).astype(np.float32)


def stack(clips: Sequence[Mapping[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Stream -> clip_BCTHW."""
    return {stream: torch.stack([clip[stream] for clip in clips]) for stream in clips[0]}
