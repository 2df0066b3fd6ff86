"""Long videos: open sources that give stretches of frames without decoding all that lies before."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Protocol

from bench.video.decoders import Decoded, VideoFile, open_file
from bench.video.index import VideoIndex
from bench.video.pictures import Frame, VideoError, frame_files, image_frames


class Source(Protocol):
    """Gives stretches of frames. Threads may share it."""

    def pictures(self, frames: range) -> list[Frame]:
        """These frames. Raises VideoError where they cannot be read."""


class FolderSource:
    """A folder of frames, each of which is a file."""

    def __init__(self, path: Path) -> None:
        self._files = frame_files(path)

    def pictures(self, frames: range) -> list[Frame]:
        """See :class:`Source`."""
        return list(image_frames([self._files[frame] for frame in frames]))


class FileSource:
    """An open video file that stands somewhere in it; threads take turns.

    What comes is compared with the presentation times of the index: a file that changed is noticed.
    """

    def __init__(self, path: Path, index: VideoIndex) -> None:
        self._path, self._index = path, index
        self._lock = threading.Lock()
        self._file: VideoFile | None = None
        self._coming: Iterator[Decoded] = iter(())
        self._next = index.frames

    def pictures(self, frames: range) -> list[Frame]:
        """See :class:`Source`."""
        with self._lock:
            self._go_to(frames.start)
            return [frame.picture() for frame in self._take(len(frames))]

    def _go_to(self, frame: int) -> None:
        """Stand before that frame, by as little decoding as is exact."""
        keys = self._index.keys if self._index.exact else (0,)
        key = keys[bisect_right(keys, frame) - 1]
        if frame < self._next or key > self._next:
            self._start_at(key)
        for _ in self._take(frame - self._next):
            pass

    def _start_at(self, key: int) -> None:
        if self._file is None or not self._index.exact:
            self._file = open_file(self._path)
        if self._index.exact:
            self._coming = self._file.from_key(self._index.pts[key])
        else:
            self._coming = self._file.in_order()
        self._next = key

    def _take(self, count: int) -> Iterator[Decoded]:
        end = self._next + count
        for frame in islice(self._coming, count):
            self._check(frame.pts)
            self._next += 1
            yield frame
        if self._next != end:
            raise self._changed()

    def _check(self, pts: int | None) -> None:
        if self._index.pts and pts != self._index.pts[self._next]:
            raise self._changed()

    def _changed(self) -> VideoError:
        self._next = self._index.frames  # nothing is taken from here again
        return VideoError(f"{self._path}: its frames come otherwise than before; the file has changed")
