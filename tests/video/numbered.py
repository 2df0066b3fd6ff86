"""Small videos whose frames spell their numbers, in several containers, with and without B-frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from bench.video import Video

WIDTH, HEIGHT, FRAMES = 64, 48, 60
BITS = 6

B_H264 = {"bf": "3", "g": "12", "x264-params": "b-adapt=0"}
KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "h264.mp4": ("libx264", {"bf": "0", "g": "10"}),
    "h264_b.mp4": ("libx264", B_H264),
    "h264_open.mp4": ("libx264", B_H264 | {"x264-params": "open-gop=1:b-adapt=0:keyint=12"}),
    "mpeg4.mp4": ("mpeg4", {"bf": "0", "g": "10", "q:v": "2"}),
    "mpeg4_b.mp4": ("mpeg4", {"bf": "2", "g": "12", "q:v": "2"}),
    "h264.mkv": ("libx264", {"bf": "0", "g": "10"}),
    "h264_b.mkv": ("libx264", B_H264),
    "mpeg4_b.mkv": ("mpeg4", {"bf": "2", "g": "12", "q:v": "2"}),
    "mpeg4.avi": ("mpeg4", {"bf": "0", "g": "10", "q:v": "2"}),
    "mpeg4_b.avi": ("mpeg4", {"bf": "2", "g": "12", "q:v": "2"}),
    "h264_b.avi": ("libx264", B_H264),
    "mpeg1_b.avi": ("mpeg1video", {"bf": "2", "g": "12", "q:v": "2"}),
    "mjpeg.avi": ("mjpeg", {"q:v": "3"}),
    "vp9.webm": ("libvpx-vp9", {"g": "12"}),
    "mpeg1_b.ts": ("mpeg1video", {"bf": "2", "g": "12", "q:v": "2"}),
}
"""File name -> codec and its options."""


def number_frame(k: int) -> np.ndarray:
    """A picture whose blocks, black or white, spell k in binary; no codec confuses them."""
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for bit in range(BITS):
        picture[8:40, 10 * bit : 10 * bit + 10] = 230 if k >> bit & 1 else 25
    return picture


def read_number(picture: np.ndarray) -> int:
    """The number that a picture of any size spells."""
    height, width = picture.shape[:2]
    row = picture[height // 2, :, 0]
    return sum(int(row[int((10 * bit + 5) * width / WIDTH)] > 128) << bit for bit in range(BITS))


def write_video(path: Path, codec: str, options: dict[str, str], frames: int = FRAMES) -> Path:
    """A video of 25 frames a second with the pictures 0, 1, 2 ..."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=Fraction(25), options=options)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for k in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(number_frame(k), format="rgb24")))
        container.mux(stream.encode())
    return path


def in_order(path: Path) -> np.ndarray:
    """All pictures as PyAV alone decodes them one after the other: what every way of reading must give."""
    with av.open(str(path), metadata_errors="ignore") as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def open_as(path: Path, **more: Any) -> Video:
    """A video of the size that :func:`write_video` writes."""
    return Video("a", path, WIDTH, HEIGHT, **more)
