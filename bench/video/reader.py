"""Frames of a video by their numbers: a short video from memory, a long one decoded where it is asked for.

A short video is decoded once, whole: where nobody looked at the file before, by the helper process that does
(:mod:`bench.video.helper`). Of a long one blocks of frames are decoded: from the nearest key frame where
that was found to be exact, else in order; going on forward decodes no frame twice. Both are kept in one
memory that all readers share, at most :data:`BUDGET` bytes of frames in total.

Once that is full, a clip of a short video that is not in it is decoded alone, likewise, and not kept: who
draws clips at random from more videos than fit will not come back before they have gone. Who does come back
at once, again and again, goes through the video, and gets it whole.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bench.video.helper import Wanted
from bench.video.index import VideoIndex
from bench.video.long import FileSource, FolderSource, Source
from bench.video.memory import Memory, budget
from bench.video.pictures import Frame, VideoError, resize

if TYPE_CHECKING:
    from bench.video.video import Video

Frames = npt.NDArray[np.uint8]

BUDGET = budget("BENCH_FRAME_MEMORY", 1)
"""Bytes of decoded frames in memory, of all videos together."""
SHORT = min(BUDGET // 4, 256 << 20)
"""Bytes of all its frames up to which a video is short."""
BLOCK = 16
"""Frames of a long video that are decoded together."""
LARGE = 8 << 20
"""Bytes of a file that is probably long, so that it is compared while it is decoded for the first time."""
FAR = 64
"""Frame from which on a last key frame makes it worth while to find out whether reading from key frames is
exact, which takes two decodings; clips are else reached in order from frame 0."""
OPEN_FILES = 8
"""Videos that stay open."""
LATELY = 32
"""Videos of which clips were decoded alone that are remembered."""
CLIPS = 4
"""How many such clips of one of them make all of it be decoded."""

kept_frames: Memory[Frames] = Memory(BUDGET, lambda frames: frames.nbytes)
_sources: Memory[Source] = Memory(OPEN_FILES, lambda source: 1)
_clips: Memory[int] = Memory(LATELY, lambda clips: 1)


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
        wanted = np.arange(len(self))[index]
        if self.is_short and self._is_worth_all(wanted.size):
            picked: Frames = self.whole()[index]
            return picked
        numbers, place = np.unique(wanted, return_inverse=True)
        found = self._clip(numbers) if self.is_short else self._from_blocks(numbers)
        return found[place.reshape(wanted.shape)]

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
        return self._index.frames if self._video.path.exists() else len(self.whole())

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

    def _is_worth_all(self, count: int) -> bool:
        """Whether all of a short video is decoded for so many of its frames: it is there or there is room for
        it, they are most of it, or clips of it were asked for lately."""
        if not self._video.path.exists():
            return True
        key = self._identity, self._size
        size = len(self) * int(np.prod(self._shape))
        if 2 * count > len(self) or size <= kept_frames.room or kept_frames.find(key) is not None:
            return True
        clips = (_clips.find(key) or 0) + 1
        _clips.put(key, clips)
        return clips >= CLIPS

    def _clip(self, numbers_N: npt.NDArray[np.intp]) -> Frames:
        """Frames of these numbers, which rise, and of no others."""
        source = _sources.get(self._identity, self._open)
        found = np.empty((len(numbers_N), *self._shape), np.uint8)
        begins = np.flatnonzero(np.diff(numbers_N, prepend=-2) > 1)
        for first, end in pairwise([*begins.tolist(), len(numbers_N)]):
            run = range(numbers_N[first], numbers_N[first] + end - first)
            found[first:end] = [self._fitted(picture) for picture in source.pictures(run)]
        return found

    def _from_blocks(self, numbers_N: npt.NDArray[np.intp]) -> Frames:
        """Frames of these numbers."""
        found = np.empty((len(numbers_N), *self._shape), np.uint8)
        for block in np.unique(numbers_N // BLOCK):
            inside = numbers_N // BLOCK == block
            found[inside] = self._block(int(block))[numbers_N[inside] % BLOCK]
        return found

    def _block(self, number: int) -> Frames:
        first = number * BLOCK
        frames = range(first, min(first + BLOCK, len(self)))

        def decode() -> Frames:
            source = _sources.get(self._identity, self._open)
            return np.stack([self._fitted(picture) for picture in source.pictures(frames)])

        return kept_frames.get((self._identity, self._size, number), decode)

    def _open(self) -> Source:
        path = self._video.path
        if path.is_dir():
            return FolderSource(path)
        return FileSource(path, self._video.index(compare=max(self._index.keys, default=0) >= FAR))

    def _fitted(self, picture: Frame) -> Frame:
        if self._size is None and picture.shape != self._shape:
            raise VideoError(f"{self._video.path}: frames differ in size; read it with a size")
        return picture if self._size is None else resize(picture, self._size)
