"""Colour distortion of training clips, the same for all frames of a clip."""

from __future__ import annotations

import cv2
import numpy as np

from bench.records import Array


def distorted(frames_THW3: Array, limits: tuple[float, float, float], rng: np.random.Generator) -> Array:
    """Hue shifted, saturation and exposure scaled at random, as darknet does; uint8 RGB in and out.

    ``limits``: the largest shift of hue (1 is the whole circle), and the largest factors of saturation and
    exposure, each applied or, as often, divided by.
    """
    hue, saturation, exposure = limits
    if (hue, saturation, exposure) == (0.0, 1.0, 1.0):
        return frames_THW3
    shift = rng.uniform(-hue, hue)
    factors = [_factor(limit, rng) for limit in (saturation, exposure)]
    count, height, width, _ = frames_THW3.shape
    hsv = cv2.cvtColor(frames_THW3.reshape(count * height, width, 3), cv2.COLOR_RGB2HSV_FULL)
    levels = np.arange(256, dtype=np.float32)
    tables = [(levels + 256 * shift) % 256, *(np.clip(levels * factor, 0, 255) for factor in factors)]
    table = np.stack(tables, axis=-1).astype(np.uint8)[None]
    return cv2.cvtColor(cv2.LUT(hsv, table), cv2.COLOR_HSV2RGB_FULL).reshape(frames_THW3.shape)


def _factor(limit: float, rng: np.random.Generator) -> float:
    factor = rng.uniform(1, limit)
    return factor if rng.random() < 0.5 else 1 / factor
