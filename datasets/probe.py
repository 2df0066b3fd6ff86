"""What the header of a video file says: its size, and when each frame is shown. No picture is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.records import Array
from bench.video import frame_files
from datasets.errors import DataError


@dataclass(frozen=True)
class Probe:
    """Size, frames and timing of a video. ``times_T``: seconds at which each frame is shown, from the first
    frame's 0, in display order; None where the frames come at the constant rate ``fps``."""

    width: int
    height: int
    fps: float
    frames: int
    times_T: Array | None = None

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.frames / self.fps

    def frame_at(self, seconds_N: npt.ArrayLike) -> Array:
        """The frame shown nearest to each time, int64 [N], the later of two equally near. Times before the
        first frame and, at a constant rate, after the last one give frames that are not there."""
        seconds = np.asarray(seconds_N, np.float64)
        if self.times_T is None:
            return np.floor(seconds * self.fps + 0.5).astype(np.int64)
        after = np.searchsorted(self.times_T, seconds).clip(1, len(self.times_T) - 1)
        nearer_before = seconds - self.times_T[after - 1] < self.times_T[after] - seconds
        return after - nearer_before


def probe(path: Path, folder_fps: float) -> Probe:
    """Of a video file or a folder of frames, which were taken at ``folder_fps``. Raises DataError.

    The number of frames is that of the packets where the rate varies, else what the header says. A varying
    rate shows in files whose header counts frames (mp4, mov, avi); Matroska's does not, there it is taken as
    constant.
    """
    if path.is_dir():
        return _probe_folder(path, folder_fps)
    import av

    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.video:
                raise DataError(f"{path}: holds no video stream; get it again")
            return _probe_stream(path, container, container.streams.video[0])
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be opened as video ({error!s:.200}); get it again") from error


def _probe_stream(path: Path, container: Any, stream: Any) -> Probe:
    width, height = stream.codec_context.width, stream.codec_context.height
    if not (stream.average_rate and width and height):
        raise DataError(f"{path}: the header tells no size or frame rate; get it again")
    fps = float(stream.average_rate)
    lasts = float(stream.duration * stream.time_base) if stream.duration else (container.duration or 0) / 1e6
    if abs(float(stream.base_rate or fps) / fps - 1) < 1e-4:
        return Probe(width, height, fps, stream.frames or round(lasts * fps))
    times = sorted(
        float(packet.pts * stream.time_base) for packet in container.demux(stream) if packet.pts is not None
    )
    if len(times) < 2:
        return Probe(width, height, fps, len(times))
    return Probe(width, height, fps, len(times), np.array(times) - times[0])


def _probe_folder(folder: Path, fps: float) -> Probe:
    import cv2

    files = frame_files(folder)
    first = cv2.imread(str(files[0]), cv2.IMREAD_COLOR)
    if first is None:
        raise DataError(f"{files[0]}: not a readable image; extract the frames again")
    return Probe(first.shape[1], first.shape[0], fps, len(files))
