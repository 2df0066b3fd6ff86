"""A video of a dataset: its frames in order, by number and by time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.video.decoders import open_file
from bench.video.helper import Wanted
from bench.video.index import VideoIndex
from bench.video.known import index_of
from bench.video.pictures import Frame, VideoError, frame_files, image_frames, resize
from bench.video.reader import FrameReader

OPEN_EVENT = "bench.video.open"

SHORTFALL = 0.05
"""Share of the annotated frames (but at least 2) that a video may lack: decoders differ at the end."""
BEYOND = 1.0
"""Seconds before its first and after its last frame in which a time still belongs to a video."""


@dataclass(frozen=True)
class Video:
    """A video of a dataset: its name there, its file or frame folder, and the annotation's frame size.

    width, height: of the frames that boxes are in; the file may decode to another size. expected: how many
    frames it should have by its annotation, 0 if nobody knows. fps: frames a second for a folder of frames,
    which has no times. known: folder where what is found of videos is kept, see :func:`known.index_of`.
    """

    name: str
    path: Path
    width: int
    height: int
    _: KW_ONLY
    expected: int = 0
    fps: float = 0.0
    known: Path | None = None

    def index(self, compare: bool = False, wanted: Wanted | None = None) -> VideoIndex:
        """What the video holds; with ``compare`` also whether its key frames are exact (decodes it twice).

        wanted: what to do with the frames, should the file be decoded for this. Raises VideoError where not
        all decodes, or fewer frames than ``expected`` (see :data:`SHORTFALL`).
        """
        sys.audit(OPEN_EVENT, str(self.path))
        index = index_of(self.path, self.known, compare, wanted)
        if index.frames < self.expected - max(2, SHORTFALL * self.expected):
            raise VideoError(
                f"{self.path}: truncated: {index.frames} frames decode, {self.expected} are annotated; "
                "get the file again"
            )
        return index

    def frames(self, size: tuple[int, int] | None = None) -> Iterator[Frame]:
        """RGB frames uint8 [H, W, 3] in order from frame 0, resized to ``size`` (width, height) if given.

        Shrinking averages areas, enlarging is bilinear. Raises VideoError as :meth:`index`.
        """
        return self._frames(self.index(), size)

    def _frames(self, index: VideoIndex, size: tuple[int, int] | None) -> Iterator[Frame]:
        pictures = self._images(index.frames) if self.path.is_dir() else self._decoded(index.frames)
        return (picture if size is None else resize(picture, size) for picture in pictures)

    def _images(self, count: int) -> Iterator[Frame]:
        files = frame_files(self.path)
        self._check_count(len(files), count)
        yield from image_frames(files)

    def _decoded(self, count: int) -> Iterator[Frame]:
        number = 0
        with open_file(self.path) as file:
            for number, frame in enumerate(file.in_order(), 1):
                if number <= count:
                    yield frame.picture()
        self._check_count(number, count)

    def _check_count(self, now: int, before: int) -> None:
        if now != before:
            raise VideoError(f"{self.path}: has {now} frames, {before} a moment ago; it is being changed")

    def read(self, size: tuple[int, int] | None = None) -> npt.NDArray[np.uint8]:
        """All frames, RGB uint8 [T, H, W, 3]; as :meth:`frames`, the whole video in memory."""
        index = self.index()
        width, height = size or (index.width, index.height)
        found = np.empty((index.frames, height, width, 3), np.uint8)
        for number, frame in enumerate(self._frames(index, size)):
            if frame.shape != found.shape[1:]:
                raise VideoError(f"{self.path}: frames differ in size; read it with a size")
            found[number] = frame
        return found

    def reader(self, size: tuple[int, int] | None = None) -> FrameReader:
        """The frames by number, kept in memory while they fit."""
        return FrameReader(self, size)

    def frame_count(self) -> int:
        """How many frames decode."""
        return self.index().frames

    def frame_at(self, seconds: float) -> int:
        """The number of the frame whose presentation time, from frame 0, is nearest; of two the later.

        Raises VideoError for a time that lies more than :data:`BEYOND` before the first or after the last
        frame, and for a folder of frames without ``fps``.
        """
        times = self.index().seconds(self.fps)
        if not len(times):
            raise VideoError(f"{self.path}: has no times; say how many frames a second it has")
        if not times[0] - BEYOND <= seconds <= times[-1] + BEYOND:
            span = f"{times[0]:.2f} to {times[-1]:.2f} s"
            raise VideoError(f"{self.path}: has no frame at {seconds:g} s; its frames are at {span}")
        return len(times) - 1 - int(np.abs(times - seconds)[::-1].argmin())

    def estimated_frames(self) -> int:
        """About how many frames there are: those of the annotation, or else as :meth:`frame_count`."""
        return self.expected or self.frame_count()
