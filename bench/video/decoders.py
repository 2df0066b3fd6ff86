"""Decoders of video files: frames in order from frame 0, and from a key frame on.

The decoder is PyAV; decord where PyAV is not installed. decord counts packets instead of pictures (on an AVI
with B-frames it repeats the last picture to fill up) and refuses fragmented MP4 files; its pictures are
otherwise the same to within 2 grey levels. It is only read in order here.
"""

from __future__ import annotations

import importlib.util
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from bench.video.pictures import Frame, VideoError

_BIDIRECTIONAL = 3


@dataclass(frozen=True, slots=True)
class Decoded:
    """One frame as it leaves the decoder; ``picture()`` converts it to RGB.

    pts: presentation time in units of the file's time base.
    """

    pts: int | None
    is_key: bool
    is_bidirectional: bool
    is_damaged: bool
    picture: Callable[[], Frame]


class VideoFile(ABC):
    """An open video file. Use it in a ``with`` statement."""

    container: str
    codec: str
    time_base: Fraction
    """Seconds of one unit of ``Decoded.pts``."""
    rate: float = 0.0
    """Frames a second by the header; 0 if it does not say."""
    seeks: bool = False
    """Whether :meth:`from_key` is there."""

    @abstractmethod
    def in_order(self) -> Iterator[Decoded]:
        """All frames from frame 0; once. Raises VideoError where the end is damaged or most is missing."""

    def from_key(self, pts: int) -> Iterator[Decoded]:
        """Frames from the key frame of that time on. Raises VideoError where decoding fails."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file."""
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_file(path: Path) -> VideoFile:
    """The file, opened by the first decoder of :data:`DECODERS` that is installed.

    Raises VideoError if it is missing, no ordinary file (a pipe would block), empty, or no video, and if
    there is nothing to decode it with.
    """
    check_ordinary(path)
    for module, kind in DECODERS.items():
        if importlib.util.find_spec(module) is not None:
            return kind(path)
    raise VideoError(f"{path}: no video decoder is installed; install av")


def check_ordinary(path: Path) -> None:
    """Raise VideoError unless there is a file with something in it; the file is not opened."""
    try:
        facts = path.stat()
    except OSError as error:
        raise VideoError(f"{path}: no such video file or frame folder ({error.strerror})") from error
    if not stat.S_ISREG(facts.st_mode):
        raise VideoError(f"{path}: neither a file nor a folder (a pipe, a socket or a device?)")
    if facts.st_size == 0:
        raise VideoError(f"{path}: the file is empty; get it again")


class AvFile(VideoFile):
    """Decoded by PyAV on one thread; nothing but the file itself is opened."""

    seeks = True

    def __init__(self, path: Path) -> None:
        import av
        from av.video.reformatter import VideoReformatter

        self._path = path
        only = {"protocol_whitelist": "file"}
        try:
            self._container = av.open(f"file:{path}", metadata_errors="replace", options=only)
        except av.error.FFmpegError as error:
            raise VideoError(f"{path}: cannot be opened as video ({error.strerror}); get it again") from error
        if not self._container.streams.video:
            self._container.close()
            raise VideoError(f"{path}: holds no video stream; get it again")
        self._stream: Any = self._container.streams.video[0]
        if self._stream.codec_context is None:
            raise VideoError(f"{path}: its kind of video cannot be decoded here; get it in another")
        self._stream.thread_type = "NONE"
        self._convert = VideoReformatter()
        self.container, self.codec = self._container.format.name, self._stream.codec_context.name
        self.time_base = self._stream.time_base or Fraction(1, 1)
        self.rate = float(self._stream.average_rate or 0)

    def in_order(self) -> Iterator[Decoded]:
        """As promised; damage in between is decoded as well as it can be and marked."""
        import av

        count, damaged, first, last = 0, -1, None, None
        try:
            for frame in self._decoded():
                damaged = count if frame.is_damaged else damaged
                first, last = frame.pts if first is None else first, frame.pts
                count += 1
                yield frame
        except av.error.FFmpegError as error:
            raise _truncated(self._path, count, self._stream.frames) from error
        spanned = None if first is None or last is None else float((last - first) * self.time_base)
        if damaged == count - 1 or self._most_is_missing(count, spanned):
            raise _truncated(self._path, count, self._stream.frames)

    def _most_is_missing(self, count: int, spanned: float | None) -> bool:
        """Whether the header announces more than twice of these frames, or of the seconds that they span."""
        if self._stream.frames:
            return bool(2 * count < self._stream.frames)
        seconds = count / self.rate if spanned is None and self.rate else spanned
        announced = float((self._stream.duration or 0) * self.time_base)
        if not announced and len(self._container.streams) == 1:
            announced = (self._container.duration or 0) / 1_000_000
        return seconds is not None and 2 * (seconds + 1 / (self.rate or 25)) < announced

    def from_key(self, pts: int) -> Iterator[Decoded]:
        """As promised; frames that the decoder gives of times before are left out."""
        import av

        try:
            self._container.seek(pts, stream=self._stream)
            yield from (f for f in self._decoded() if f.pts is not None and f.pts >= pts)
        except av.error.FFmpegError as error:
            raise VideoError(f"{self._path}: cannot be read from time {pts} ({error.strerror})") from error

    def _decoded(self) -> Iterator[Decoded]:
        for packet in self._container.demux(self._stream):
            for frame in packet.decode():
                bidirectional = int(frame.pict_type) == _BIDIRECTIONAL
                yield Decoded(
                    frame.pts, frame.key_frame, bidirectional, frame.is_corrupt, self._converter(frame)
                )

    def _converter(self, frame: Any) -> Callable[[], Frame]:
        """On one thread: more take three times as long for frames of this size, and give the same picture."""
        return lambda: np.ascontiguousarray(
            self._convert.reformat(frame, format="rgb24", threads=1).to_ndarray()
        )

    def close(self) -> None:
        """See :class:`VideoFile`."""
        self._container.close()


class DecordFile(VideoFile):
    """Decoded by decord on one thread, in order (no index is asked for)."""

    container = "unknown"
    codec = "unknown"
    time_base = Fraction(1, 1_000_000)

    def __init__(self, path: Path) -> None:
        import decord

        self._path = path
        try:
            self._reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1)
        except RuntimeError as error:  # DECORDError is none for a file that it cannot open
            raise VideoError(
                f"{path}: not a video that decord can open; get it again or install av"
            ) from error
        except decord.DECORDError as error:
            raise VideoError(
                f"{path}: decord cannot read it ({error}); get it again or install av"
            ) from error
        self.rate = float(self._reader.get_avg_fps())

    def in_order(self) -> Iterator[Decoded]:
        """As promised, of as many frames as decord counts; times by the rate."""
        import decord

        for index in range(len(self._reader)):
            try:
                picture = self._reader.next().asnumpy()
            except (decord.DECORDError, StopIteration) as error:
                raise _truncated(self._path, index, len(self._reader)) from error
            yield Decoded(None, index == 0, False, False, partial(_same, picture))


def _same(picture: Frame) -> Frame:
    return picture


def _truncated(path: Path, count: int, expected: int) -> VideoError:
    announced = f" of {expected} announced" if expected > 0 else ""
    return VideoError(f"{path}: truncated or damaged: {count} frames{announced} decoded; get the file again")


DECODERS: dict[str, Callable[[Path], VideoFile]] = {"av": AvFile, "decord": DecordFile}
"""Decoders of video files by the module that they need, the preferred first."""
