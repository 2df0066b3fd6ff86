"""What a video holds, found by decoding it, and whether reading from its key frames gives the same pictures.

Containers and codecs promise too much: headers count wrongly, AVI has no presentation times for B-frames,
key frames may lean on frames before them. So the decision is made by comparison: every stretch from one key
frame to the next is decoded once more, from that key frame, the last stretch first, and each picture is
compared with the one read in order. One difference, and the file is read in order for ever.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from bench.files.decode import decode
from bench.files.store import plain
from bench.video.decoders import Decoded, VideoFile, open_file
from bench.video.pictures import VideoError, frame_files, image_frames

Beat = Callable[[], None]
"""Called after every frame: a sign of life."""
Keep = Callable[[Decoded], None]
"""Called with every frame in order."""


@dataclass(frozen=True)
class VideoIndex:
    """What a video holds.

    identity: which file or folder it is, see :func:`bench.video.known.identity`. width, height: of frame 0.
    container: the format by name, ``folder`` for frames as images. damaged: frames that decode, but not
    cleanly. pts: presentation time of every frame, counted in ``time_base`` seconds (a fraction); empty where
    they are missing or do not rise. keys: frames that are key frames. exact: whether reading from each key
    frame gives the pictures of reading in order, None while nobody compared; why: what differs, or why there
    is nothing to compare.
    """

    identity: str
    frames: int
    width: int
    height: int
    container: str
    codec: str
    b_frames: bool = False
    damaged: tuple[int, ...] = ()
    rate: float = 0.0
    time_base: str = "1"
    pts: tuple[int, ...] = ()
    keys: tuple[int, ...] = (0,)
    exact: bool | None = None
    why: str = ""

    def seconds(self, fps: float = 0.0) -> npt.NDArray[np.float64]:
        """Presentation time of every frame in seconds from that of frame 0.

        Without usable times, and in AVI, which has none, by the rate of the header; by ``fps`` where there is
        no rate, as in folders of frames. Empty if there is nothing to go by.
        """
        if self.pts and self.container != "avi":
            return (np.array(self.pts) - self.pts[0]) * float(Fraction(self.time_base))
        rate = self.rate or fps
        return np.arange(self.frames) / rate if rate else np.zeros(0)

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        found: dict[str, Any] = plain(self)
        return found

    @classmethod
    def from_json(cls, value: Any, where: str) -> Self:
        """From JSON types. Raises ValueError that starts with ``where``."""
        found: Self = decode(cls, value, f"{where}:")
        return found


@dataclass
class _Seen:
    """What passes by while a file is read in order."""

    times: list[int | None] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    prints: list[int] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)
    b_frames: bool = False

    def add(self, frame: Decoded, keep_print: bool) -> None:
        number = len(self.times)
        self.times.append(frame.pts)
        self.keys += [number] * frame.is_key
        self.damaged += [number] * frame.is_damaged
        self.b_frames |= frame.is_bidirectional
        if keep_print or number == 0:
            picture = frame.picture()
            self.size = self.size if number else (picture.shape[1], picture.shape[0])
            self.prints.append(_print(picture))

    @property
    def times_rise(self) -> bool:
        times = self.known_times
        return len(times) == len(self.times) and all(a < b for a, b in pairwise(times))

    @property
    def known_times(self) -> list[int]:
        return [t for t in self.times if t is not None]


def examine(
    path: Path, identity: str, compare: bool, beat: Beat = lambda: None, keep: Keep = lambda frame: None
) -> VideoIndex:
    """Decode all of a video file or frame folder, and ``compare`` random access with reading in order.

    ``keep`` is given the frames of a file as they come. Raises VideoError where it cannot be read whole.
    """
    if path.is_dir():
        return _examine_folder(path, identity, beat)
    seen = _Seen()
    with open_file(path) as file:
        for frame in file.in_order():
            seen.add(frame, compare)
            keep(frame)
            beat()
        if not seen.times:
            raise VideoError(f"{path}: holds no frame that decodes; get the file again")
        facts = _facts(file, seen)
    why = _difference(path, seen, beat) if compare else ""
    return VideoIndex(identity, **facts, exact=not why if compare else None, why=why)


def _facts(file: VideoFile, seen: _Seen) -> dict[str, Any]:
    return {
        "frames": len(seen.times),
        "width": seen.size[0],
        "height": seen.size[1],
        "container": file.container,
        "codec": file.codec,
        "b_frames": seen.b_frames,
        "damaged": tuple(seen.damaged),
        "rate": file.rate,
        "time_base": str(file.time_base),
        "pts": tuple(seen.known_times) if seen.times_rise else (),
        "keys": tuple(seen.keys),
    }


def _difference(path: Path, seen: _Seen, beat: Beat) -> str:
    """What differs between reading from key frames and in order; empty if nothing does."""
    if not seen.times_rise:
        return "its presentation times are missing or do not rise"
    if seen.keys[:1] != [0]:
        return "it does not start with a key frame"
    times = seen.known_times
    with open_file(path) as file:
        if not file.seeks:
            return "the decoder does not seek; install av"
        for first, end in reversed(list(pairwise([*seen.keys, len(seen.times)]))):
            try:
                coming = islice(file.from_key(times[first]), end - first)
                why = _stretch_difference(coming, seen, range(first, end), beat)
            except VideoError as error:
                why = str(error).removeprefix(f"{path}: ")
            if why:
                return why
    return ""


def _stretch_difference(coming: Iterator[Decoded], seen: _Seen, frames: range, beat: Beat) -> str:
    count = 0
    for number, frame in zip(frames, coming):
        beat()
        count += 1
        if frame.pts != seen.times[number]:
            return f"from key frame {frames.start}, frame {number} comes with time {frame.pts}"
        if _print(frame.picture()) != seen.prints[number]:
            return f"from key frame {frames.start}, frame {number} is another picture"
    return "" if count == len(frames) else f"from key frame {frames.start}, only {count} frames come"


def _print(picture: npt.NDArray[np.uint8]) -> int:
    """What tells one picture from another."""
    return zlib.crc32(picture.data)


def list_folder(folder: Path, identity: str) -> VideoIndex:
    """What a frame folder holds, by its names and its first image. Raises VideoError as `frame_files`."""
    files = frame_files(folder)
    return _folder_index(files, identity, next(image_frames(files[:1])), None)


def _examine_folder(folder: Path, identity: str, beat: Beat) -> VideoIndex:
    files = frame_files(folder)
    first: npt.NDArray[np.uint8] | None = None
    for picture in image_frames(files):
        first = picture if first is None else first
        beat()
    assert first is not None
    return _folder_index(files, identity, first, True)


def _folder_index(
    files: Sequence[Path], identity: str, first: npt.NDArray[np.uint8], exact: bool | None
) -> VideoIndex:
    height, width = first.shape[:2]
    kind, keys = files[0].suffix[1:].lower(), tuple(range(len(files)))
    return VideoIndex(identity, len(files), width, height, "folder", kind, keys=keys, exact=exact)
