"""The squares of a frame that SiamFC sees: a box with some of what is around it, scaled to a fixed size.

Coordinates are continuous: pixel 0 lies from 0 to 1, a box from its left to its right edge.
"""

from __future__ import annotations

from math import sqrt

import cv2
import numpy as np

from bench.records import Array

EXEMPLAR, SEARCH = 127, 255
"""Sides of the two kinds of crops, in pixels."""
CONTEXT = 0.5
"""What of a box's width and height together is added to each of them."""


def square_side(size_2: Array) -> float:
    """Side of the square around a box of that width and height that an exemplar shows (section 2.4)."""
    added = CONTEXT * float(size_2.sum())
    return sqrt(float(np.prod(size_2 + added)))


def crop(frame_HW3: Array, centre_2: Array, side: float, pixels: int, outside_3: Array) -> Array:
    """The square around a centre x, y, scaled to so many pixels, uint8 [P, P, 3]; bilinear.

    What lies outside the frame has the colour ``outside_3``.
    """
    step = side / pixels
    corner_2 = centre_2 - side / 2 + step / 2 - 0.5  # index in the frame of the crop's first pixel
    matrix_23 = np.array([[step, 0.0, corner_2[0]], [0.0, step, corner_2[1]]])
    return cv2.warpAffine(
        np.ascontiguousarray(frame_HW3), matrix_23, (pixels, pixels),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_CONSTANT,
        borderValue=outside_3.tolist(),
    )  # fmt: skip
