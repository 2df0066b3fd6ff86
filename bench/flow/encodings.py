"""Flow as networks want it, made when it is read."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.flow.base import Flow
from bench.flow.quantization import CLIP

IMAGE_BOUND = 8.0
"""Pixels of motion that the flow image shows before it saturates."""


def clipped(flow: Flow, bound: float = CLIP) -> Flow:
    """(u, v) clipped at ``bound`` pixels and divided by it, float32 in [-1, 1].

    With the usual bound it is the input of I3D's flow stream (Carreira & Zisserman, CVPR 2017).
    """
    return np.clip(flow, -bound, bound) / np.float32(bound)


def image(flow: Flow) -> npt.NDArray[np.uint8]:
    """The flow image uint8 [..., H, W, 3]: u, v and magnitude, each times 16 plus 128, in 0..255.

    16 = 128 / 8: motion of 8 pixels saturates. RecLNet (section 3, "Optical flow") restricts all three to
    that interval and does not state the scale; it is that of the works whose image it takes (Gkioxari &
    Malik, CVPR 2015; the published code of Cheron et al., ICCV 2015). So the magnitude is never below 128.
    """
    three = np.concatenate([flow, np.linalg.norm(flow, axis=-1, keepdims=True)], axis=-1)
    return np.clip(np.rint(three * (128 / IMAGE_BOUND) + 128), 0, 255).astype(np.uint8)
