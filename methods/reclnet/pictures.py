"""What each stream of RecLNet sees of a video: the frames themselves, or pictures of their flow."""

from __future__ import annotations

import numpy as np

from bench.flow.encodings import image
from bench.footage import Footage
from bench.records import Array
from bench.video import resize


def pictures(footage: Footage, stream: str, frames: Array, size: tuple[int, int] | None = None) -> Array:
    """Pictures of the frames of these numbers, uint8 [*frames.shape, H, W, 3].

    ``stream`` is ``rgb``, or ``flow``: x, y and magnitude as :func:`bench.flow.encodings.image` has them
    (section 4), vectors in pixels of the flow as it was computed, whatever the size of the picture.
    size: the picture's width and height, None: the footage's.
    No more of the video than the frames asked for is in memory.
    """
    size = size or footage.size
    if stream == "rgb":
        return at_size(footage.clip(frames), size)
    stored_THW2, bound = footage.flow_THW2
    flow = stored_THW2[np.minimum(frames, len(stored_THW2) - 1)].astype(np.float32)
    return at_size(image(flow * np.float32(bound / 127)), size)


def at_size(pictures_HW3: Array, size: tuple[int, int]) -> Array:
    """Pictures [..., H, W, 3] scaled to this width and height, as frames of videos are."""
    *leading, height, width, channels = pictures_HW3.shape
    if (width, height) == size:
        return pictures_HW3
    scaled = np.stack(
        [resize(picture, size) for picture in pictures_HW3.reshape(-1, height, width, channels)]
    )
    return scaled.reshape(*leading, *scaled.shape[1:])
