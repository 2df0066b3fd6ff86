"""Windows of the network's frame: cropping, scaling and mirroring of pictures and of the boxes in them."""

from __future__ import annotations

import cv2
import numpy as np

from bench.footage import Footage
from bench.records import Array

Window = tuple[int, int, int, int]
"""x, y, width, height of a crop in network pixels."""


def random_window(
    frame_size: tuple[int, int], zoom: tuple[float, float], rng: np.random.Generator
) -> Window | None:
    """A window 1 / zoom as large as the frame, anywhere inside (or around it when larger)."""
    if zoom == (1.0, 1.0):
        return None
    width, height = frame_size
    factor = rng.uniform(*zoom)
    w, h = round(width / factor), round(height / factor)
    free_x, free_y = sorted((0, width - w)), sorted((0, height - h))
    return int(rng.integers(free_x[0], free_x[1] + 1)), int(rng.integers(free_y[0], free_y[1] + 1)), w, h


def jittered_window(frame_size: tuple[int, int], jitter: float, rng: np.random.Generator) -> Window | None:
    """A window whose four sides lie up to ``jitter`` of the frame's width or height in or out of its own."""
    if not jitter:
        return None
    width, height = frame_size
    left, right = (int(n) for n in rng.uniform(-jitter * width, jitter * width, 2))
    top, bottom = (int(n) for n in rng.uniform(-jitter * height, jitter * height, 2))
    return left, top, width - left - right, height - top - bottom


def rescaled(window: Window | None, size: tuple[int, int], to: tuple[int, int]) -> Window | None:
    """The window of a frame of ``size`` (width, height) in that frame at another size, in whole pixels."""
    if window is None or size == to:
        return window
    x, y, w, h = window
    across, down = to[0] / size[0], to[1] / size[1]
    left, top, right, bottom = (round(at) for at in (x * across, y * down, (x + w) * across, (y + h) * down))
    return left, top, max(right - left, 1), max(bottom - top, 1)


def cut(frames_THWC: Array, window: Window | None) -> Array:
    """The window of every frame, scaled to the full frame; parts beyond the border repeat the edge."""
    if window is None:
        return frames_THWC
    count, height, width, channels = frames_THWC.shape
    part = taken(frames_THWC, window)
    h, w = part.shape[1:3]
    stacked = np.moveaxis(part, 0, 2).reshape(h, w, count * channels)
    scaled = cv2.resize(stacked, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.moveaxis(scaled.reshape(height, width, count, channels), 2, 0)


def taken(frames_THWC: Array, window: Window) -> Array:
    """The window of every frame as it is; parts beyond the border repeat the edge."""
    height, width = frames_THWC.shape[1:3]
    x, y, w, h = window
    rows = np.clip(np.arange(y, y + h), 0, height - 1)
    columns = np.clip(np.arange(x, x + w), 0, width - 1)
    part: Array = frames_THWC[:, rows[:, None], columns]
    return part


def window_around(box_4: Array, side: int, shift: int, rng: np.random.Generator) -> Window:
    """A square of ``side`` pixels whose middle is the box's, moved by up to ``shift`` pixels either way."""
    middle = (box_4[:2] + box_4[2:] - side) / 2 + rng.uniform(-shift, shift, 2)
    x, y = (int(n) for n in middle.round())
    return x, y, side, side


def to_network(
    boxes_N4: Array, footage: Footage, window: Window | None = None, mirror: bool = False
) -> Array:
    """Annotation pixels to pixels of the (cut, mirrored) network frame, clipped to it."""
    width, height = footage.size
    boxes = boxes_N4 * np.tile(footage.scale, 2)
    if window is not None:
        x, y, w, h = window
        boxes = (boxes - [x, y, x, y]) * [width / w, height / h, width / w, height / h]
    if mirror:
        boxes = np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)
    return np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)


def visible(boxes_N4: Array, least: float = 2.0) -> Array:
    """Whether a box is wider and higher than ``least`` pixels: what a window left of it can be learnt."""
    return (boxes_N4[:, 2] - boxes_N4[:, 0] > least) & (boxes_N4[:, 3] - boxes_N4[:, 1] > least)


def to_annotation(boxes_N4: Array, footage: Footage) -> Array:
    """Network pixels to pixels of the annotation's frame size."""
    return (boxes_N4 / np.tile(footage.scale, 2)).astype(np.float32)
