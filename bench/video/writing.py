"""Writing of videos that play everywhere: MP4, H.264, 4:2:0."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from bench.files.store import write_atomic
from bench.video.pictures import Frame, VideoError

QUALITY = {"crf": "18", "preset": "veryfast"}
"""x264: hardly to be told from the frames as they were; of its presets one that is quick."""
BT601 = "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m"
"""What the conversion from RGB does, said to players, which else guess by the size."""


def write_video(path: Path, frames: Iterable[Frame], fps: float) -> int:
    """Write RGB frames uint8 [H, W, 3] of one size, as they come, whole or not at all; how many there were.

    A side of odd length is prolonged by a pixel: 4:2:0 needs even ones. Raises ValueError for a rate that is
    not positive, VideoError for no frame or frames of different sizes.
    """
    if not fps > 0:
        raise ValueError(f"{path}: {fps:g} frames a second; a video needs a positive rate")
    count = 0

    def write(temporary: Path) -> None:
        nonlocal count
        count = _encode(temporary, _even(path, frames), Fraction(fps).limit_denominator(1001))
        if not count:
            raise VideoError(f"{path}: there is no frame to write")

    write_atomic(path, write)
    return count


def _even(path: Path, frames: Iterable[Frame]) -> Iterator[Frame]:
    """The frames with sides of even length. Raises VideoError where sizes differ."""
    shape = None
    for number, frame in enumerate(frames):
        shape = shape or frame.shape
        if frame.shape != shape:
            raise VideoError(f"{path}: frame {number} is {frame.shape}, those before are {shape}")
        yield np.pad(frame, [(0, side % 2) for side in shape[:2]] + [(0, 0)], mode="edge")


def _encode(path: Path, frames: Iterable[Frame], rate: Fraction) -> int:
    import av

    count = 0
    with av.open(f"file:{path}", "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.pix_fmt = "yuv420p"
        options: dict[str, object] = {**QUALITY, "x264-params": BT601}
        stream.options = options
        for count, frame in enumerate(frames, 1):
            if count == 1:
                stream.height, stream.width = frame.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return count
