"""Augmentation of a key-frame and its neighbours: the same for all frames.

Photometric distortion, crops and smaller pictures are SSD's (Liu et al. 2016, section 2.2) with the numbers
of its usual programs.
"""

from __future__ import annotations

import cv2
import numpy as np

from bench.metrics.boxes import iou
from bench.records import Array
from methods.common.windows import Window, cut
from methods.rfb_flow.clips import MEAN

OVERLAPS = (None, 0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
"""What a crop must have of some box, IoU; None: no crop."""
TRIES = 50
"""To find a crop, before another overlap is drawn."""
LARGEST = 4.0
"""Side of the frame that a picture is put into, relative to its own."""


def crop_window(boxes_N4: Array, frame_size: tuple[int, int], rng: np.random.Generator) -> Window | None:
    """A part of the frame that overlaps some box enough and holds a box's centre; None: the whole frame.

    As in SSD's programs another overlap is drawn where no part was found, until one is or the whole frame is
    drawn. boxes_N4: of the key-frame in network pixels; without any, any part will do.
    """
    while (least := OVERLAPS[rng.integers(len(OVERLAPS))]) is not None:
        if window := _tried(boxes_N4, frame_size, least, rng):
            return window
    return None


def _tried(
    boxes_N4: Array, frame_size: tuple[int, int], least: float, rng: np.random.Generator
) -> Window | None:
    """A random part of an IoU of ``least`` with some box; None: none was found in so many tries."""
    for _ in range(TRIES):
        width, height = (rng.uniform(0.3, 1, 2) * frame_size).astype(int)
        x, y = (rng.random(2) * (np.array(frame_size) - (width, height))).astype(int)
        window = int(x), int(y), int(width), int(height)
        if not 0.5 <= height / width <= 2:
            continue
        if not len(boxes_N4):
            return window
        around = np.array([x, y, x + width, y + height])
        if iou(boxes_N4, around, 0).max() >= least and centre_inside(boxes_N4, window).any():
            return window
    return None


def expanded_window(frame_size: tuple[int, int], rng: np.random.Generator) -> Window | None:
    """A frame up to four times as wide and high that the picture lies in; every second time None."""
    if rng.random() < 0.5:
        return None
    size = (rng.uniform(1, LARGEST) * np.array(frame_size)).astype(int)
    x, y = (rng.random(2) * (size - frame_size)).astype(int)
    return -int(x), -int(y), int(size[0]), int(size[1])


def centre_inside(boxes_N4: Array, window: Window | None) -> Array:
    """Whether a box's centre lies in the window. [N]"""
    if window is None:
        return np.ones(len(boxes_N4), bool)
    x, y, width, height = window
    centre = (boxes_N4[:, :2] + boxes_N4[:, 2:]) / 2 - (x, y)
    return ((centre > 0) & (centre < (width, height))).all(axis=1)


def taken(frames_THW3: Array, window: Window | None) -> Array:
    """The window of every frame, scaled to the full frame, the mean colour beyond the border; uint8."""
    found = cut(frames_THW3, window)
    if window is None:
        return found
    height, width = frames_THW3.shape[1:3]
    x, y, w, h = window
    rows = (np.arange(height) + 0.5) * h / height + y
    columns = (np.arange(width) + 0.5) * w / width + x
    beyond = ((rows < 0) | (rows >= height))[:, None] | ((columns < 0) | (columns >= width))
    if beyond.any():
        found = np.where(beyond[..., None], np.array(MEAN, np.uint8), found)
    return found


def distorted(frames_THW3: Array, rng: np.random.Generator) -> Array:
    """Brightness, contrast, saturation, hue, order of channels: each changed every second time; uint8."""
    frames = frames_THW3.astype(np.float32)
    if rng.random() < 0.5:
        frames += rng.uniform(-32, 32)
    contrast, early = rng.uniform(0.5, 1.5) if rng.random() < 0.5 else 1.0, rng.random() < 0.5
    frames *= contrast if early else 1.0
    frames = _tinted(frames.clip(0, 255), rng)
    frames *= 1.0 if early else contrast
    if rng.random() < 0.5:
        frames = frames[..., rng.permutation(3)]
    return frames.clip(0, 255).astype(np.uint8)


def _tinted(frames_THW3: Array, rng: np.random.Generator) -> Array:
    """Saturation and hue changed; float32 in 0..255."""
    saturation = rng.uniform(0.5, 1.5) if rng.random() < 0.5 else 1.0
    shift = rng.uniform(-18, 18) if rng.random() < 0.5 else 0.0
    flat = frames_THW3.reshape(-1, *frames_THW3.shape[2:])
    hsv = cv2.cvtColor(flat, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + shift) % 360
    hsv[..., 1] = (hsv[..., 1] * saturation).clip(0, 1)
    found: Array = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return found.reshape(frames_THW3.shape)
