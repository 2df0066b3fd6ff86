"""Pictures: what one frame of a video is, its size, and folders that hold frames as images."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
"""RGB picture, uint8 [H, W, 3]."""

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
VIDEO_SUFFIXES = (
    *(".avi", ".mp4", ".mkv", ".webm", ".mov", ".m4v", ".mpg", ".mpeg"),
    *(".ts", ".flv", ".wmv", ".ogv", ".3gp", ".vob"),
)
"""Usual endings of video files, the likelier first; upper case counts too."""


class VideoError(ValueError):
    """A video that cannot be read whole. The message names the file, what is wrong, and the mend."""


def resize(frame: Frame, size: tuple[int, int]) -> Frame:
    """The picture [H, W, 3] at ``size`` (width, height): area averages when shrinking, bilinear otherwise."""
    import cv2

    height, width = frame.shape[:2]
    if (width, height) == tuple(size):
        return frame
    shrinks = size[0] <= width and size[1] <= height
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)  # type: ignore[return-value]


def frame_files(folder: Path) -> list[Path]:
    """The image files of a frame folder in frame order (numbers in names count as numbers).

    Raises VideoError if there is none, or if the number of a frame is missing between first and last.
    """
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if _is_image(e.name) and e.is_file()]
    if not names:
        raise VideoError(f"{folder}: holds no frame images ({' '.join(sorted(IMAGE_SUFFIXES))})")
    names.sort(key=lambda name: [(int(t), "") if t.isdigit() else (-1, t) for t in re.split(r"(\d+)", name)])
    numbers = [re.findall(r"\d+", Path(name).stem) for name in names]
    if all(numbers):
        for before, after in pairwise(int(n[-1]) for n in numbers):
            if after != before + 1:
                raise VideoError(f"{folder}: frame {before} is followed by {after}; extract the frames again")
    return [folder / name for name in names]


def _is_image(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES


def image_frames(files: Sequence[Path]) -> Iterator[Frame]:
    """The pictures of image files, in their order. Raises VideoError for one that cannot be read."""
    import cv2

    for file in files:
        image = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if image is None:
            raise VideoError(f"{file}: not a readable image; extract the frames again")
        yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[misc]
