"""Frames of a video by their numbers: a short video from memory, a long one decoded where it is asked for.

A short video is decoded once, whole: where nobody looked at the file before, by the helper process that does
(:mod:`bench.video.helper`). Of a long one blocks of frames are decoded: from the nearest key frame where
that was found to be exact, else in order; going on forward decodes no frame twice. Both are kept in one
memory that all readers share, at most :data:`BUDGET` bytes of frames in total.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.video.helper import Wanted
from bench.video.index import VideoIndex
from bench.video.long import FileSource, FolderSource, Source
from bench.video.memory import Memory
from bench.video.pictures import Frame, VideoError, resize

if TYPE_CHECKING:
    from bench.video.video import Video

Frames = npt.NDArray[np.uint8]

BUDGET = 1 << 30
"""Bytes of decoded frames in memory, of all videos together."""
SHORT = BUDGET // 4
"""Bytes of all its frames up to which a video is short."""
BLOCK = 16
"""Frames of a long video that are decoded together."""
LARGE = 8 << 20
"""Bytes of a file that is probably long, so that it is compared while it is decoded for the first time."""
OPEN_FILES = 8
"""Long videos that stay open."""

kept_frames: Memory[Frames] = Memory(BUDGET, lambda frames: frames.nbytes)
_sources: Memory[Source] = Memory(OPEN_FILES, lambda source: 1)


class FrameReader:
    """The frames of a video at one size (None: as they decode), RGB uint8 [T, H, W, 3], by index.

    ``reader[index]`` takes what a numpy array of T frames takes: a number, a slice, an array of numbers.
    Nothing is opened before a frame or the length is asked for. Raises VideoError as :meth:`Video.index`.
    """

    def __init__(self, video: Video, size: tuple[int, int] | None = None) -> None:
        self._video, self._size = video, size

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: Any) -> Frames:
        if self.is_short:
            picked: Frames = self.whole()[index]
            return picked
        wanted = np.arange(len(self))[index]
        flat = wanted.ravel()
        found = np.empty((len(flat), *self._shape), np.uint8)
        for block in np.unique(flat // BLOCK):
            inside = flat // BLOCK == block
            found[inside] = self._block(int(block))[flat[inside] % BLOCK]
        return found.reshape(*wanted.shape, *self._shape)

    def whole(self) -> Frames:
        """All frames of a short video, read-only. Raises VideoError for a long one."""
        if not self.is_short:
            raise VideoError(
                f"{self._video.path}: its {len(self)} frames are too many for memory; read them by number"
            )
        return kept_frames.get((self._identity, self._size), self._read)

    @cached_property
    def is_short(self) -> bool:
        """Whether all frames are kept in memory together."""
        if not self._video.path.exists():
            return True  # reading it says what is wrong
        return self._index.frames * int(np.prod(self._shape)) <= SHORT

    @cached_property
    def _length(self) -> int:
        return len(self.whole()) if self.is_short else self._index.frames

    @cached_property
    def _index(self) -> VideoIndex:
        path = self._video.path
        large = path.is_file() and path.stat().st_size > LARGE
        return self._video.index(large, Wanted(self._size, SHORT, self._keep))

    def _keep(self, identity: str, frames: Frames) -> None:
        frames.flags.writeable = False
        kept_frames.put((identity, self._size), frames)

    @cached_property
    def _identity(self) -> object:
        return self._index.identity if self._video.path.exists() else object()

    @cached_property
    def _shape(self) -> tuple[int, int, int]:
        width, height = self._size or (self._index.width, self._index.height)
        return height, width, 3

    def _read(self) -> Frames:
        frames = self._video.read(self._size).view()
        frames.flags.writeable = False
        return frames

    def _block(self, number: int) -> Frames:
        first = number * BLOCK
        frames = range(first, min(first + BLOCK, len(self)))

        def decode() -> Frames:
            source = _sources.get(self._identity, self._open)
            return np.stack([self._fitted(picture) for picture in source.pictures(frames)])

        return kept_frames.get((self._identity, self._size, number), decode)

    def _open(self) -> Source:
        path = self._video.path
        return FolderSource(path) if path.is_dir() else FileSource(path, self._video.index(compare=True))

    def _fitted(self, picture: Frame) -> Frame:
        if self._size is None and picture.shape != self._shape:
            raise VideoError(f"{self._video.path}: frames differ in size; read it with a size")
        return picture if self._size is None else resize(picture, self._size)
