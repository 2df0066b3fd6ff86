"""What each stream of RecLNet sees of a video: the frames themselves, or pictures of their flow."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from bench.flow.encodings import image
from bench.footage import Footage
from bench.records import Array
from bench.video import resize


def pictures(footage: Footage, stream: str, frames: Array, size: tuple[int, int] | None = None) -> Array:
    """Pictures of the frames of these numbers, uint8 [*frames.shape, H, W, 3].

    ``stream`` is ``rgb``, or ``flow``: x, y and magnitude as :func:`bench.flow.encodings.image` has them
    (section 4), vectors in pixels of the picture. size: its width and height, None: the footage's.
    No more of the video than the frames asked for is in memory.
    """
    size = size or footage.size
    if stream == "rgb":
        rgb = footage.clip(frames)
        return rgb if size == footage.size else _each(rgb, lambda frame: resize(frame, size))
    stored_THW2, bound = footage.flow_THW2
    flow = stored_THW2[np.minimum(frames, len(stored_THW2) - 1)].astype(np.float32)
    if size != footage.size:
        flow = _each(flow, lambda field: cv2.resize(field, size, interpolation=cv2.INTER_AREA))
    return image(flow * (np.divide(size, footage.size) * (bound / 127)).astype(np.float32))


def _each(frames_HWC: Array, change: Callable[[Array], Array]) -> Array:
    """Frames [..., H, W, C], each changed."""
    leading = frames_HWC.shape[:-3]
    changed = np.stack([change(frame) for frame in frames_HWC.reshape(-1, *frames_HWC.shape[-3:])])
    return changed.reshape(*leading, *changed.shape[1:])
