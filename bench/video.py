"""Frame-exact reading of video files and of folders of frames.

Frames are read in order from frame 0, because asking decoders for a frame by index returns wrong pictures
without a word on files with B-frames. How many frames a video has is what decodes: the counts in file
headers are often wrong.

The decoder is PyAV; decord, then OpenCV, where PyAV is not installed. decord comes second because it counts
packets instead of pictures (on an AVI with B-frames it repeats the last picture to fill up) and refuses
fragmented MP4 files; its pictures are otherwise the same to within 2 grey levels, at the same speed.

Every opening of a video raises the audit event ``bench.video.open`` with the path as its argument, so that
``sys.addaudithook`` shows which files a run has read.
"""

from __future__ import annotations

import importlib.util
import logging
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
"""RGB picture, uint8 [H, W, 3]."""

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".webp"})
OPEN_EVENT = "bench.video.open"

_log = logging.getLogger(__name__)


class VideoError(ValueError):
    """A video that cannot be read whole. The message names the file, what is wrong, and the mend."""


@dataclass(frozen=True)
class Video:
    """A video of a dataset: its name there, its file or frame folder, and the annotation's frame size.

    ``width`` and ``height`` are those that boxes are in; the file may decode to another size.
    """

    name: str
    path: Path
    width: int
    height: int

    def frames(self, size: tuple[int, int] | None = None) -> Iterator[Frame]:
        """RGB frames uint8 [H, W, 3] in order from frame 0, resized to ``size`` (width, height) if given.

        Shrinking averages areas, enlarging is bilinear. Raises VideoError where nothing or not all decodes.
        """
        sys.audit(OPEN_EVENT, str(self.path))
        return self._frames(size)

    def _frames(self, size: tuple[int, int] | None) -> Iterator[Frame]:
        count = 0
        for count, frame in enumerate(_decoder(self.path)(self.path), 1):  # noqa: B007
            yield frame if size is None else resize(frame, size)
        if not count:
            raise VideoError(f"{self.path}: holds no frame that decodes; get the file again")

    def read(self, size: tuple[int, int] | None = None) -> npt.NDArray[np.uint8]:
        """All frames, RGB uint8 [T, H, W, 3]; as :meth:`frames`, the whole video in memory."""
        frames = list(self.frames(size))
        shapes = {frame.shape for frame in frames}
        if len(shapes) > 1:
            raise VideoError(f"{self.path}: frames differ in size ({sorted(shapes)}); read it with a size")
        return np.stack(frames)

    def frame_count(self) -> int:
        """How many frames decode (the whole video is decoded to know)."""
        return sum(1 for _ in self.frames())

    def estimated_frames(self) -> int:
        """About how many frames there are, without decoding: images in the folder or packets in the file."""
        if self.path.is_dir():
            return len(frame_files(self.path))
        if importlib.util.find_spec("av") is None:
            return self.frame_count()
        return _count_packets(self.path)


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
    files = [f for f in folder.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES and not f.name.startswith(".")]
    if not files:
        raise VideoError(f"{folder}: holds no frame images ({' '.join(sorted(IMAGE_SUFFIXES))})")
    files.sort(key=lambda f: [(int(t), "") if t.isdigit() else (-1, t) for t in re.split(r"(\d+)", f.name)])
    numbers = [re.findall(r"\d+", f.stem) for f in files]
    if all(numbers):
        last = [int(n[-1]) for n in numbers]
        for before, after in pairwise(last):
            if after != before + 1:
                raise VideoError(f"{folder}: frame {before} is followed by {after}; extract the frames again")
    return files


def _decoder(path: Path) -> Callable[[Path], Iterator[Frame]]:
    """The reader for this path. Raises VideoError if there is nothing to read or nothing to read it with."""
    if path.is_dir():
        return _folder_frames
    if not path.exists():
        raise VideoError(f"{path}: no such video file or frame folder")
    if path.stat().st_size == 0:
        raise VideoError(f"{path}: the file is empty; get it again")
    for module, reader in READERS.items():
        if importlib.util.find_spec(module) is not None:
            return reader
    raise VideoError(f"{path}: no video decoder is installed; install av")


def _folder_frames(folder: Path) -> Iterator[Frame]:
    import cv2

    for file in frame_files(folder):
        image = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if image is None:
            raise VideoError(f"{file}: not a readable image; extract the frames again")
        yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[misc]


def _open_av(path: Path) -> Any:
    """The container, opened by PyAV, with one decoding thread on its first video stream."""
    import av

    try:
        container = av.open(str(path), metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise VideoError(f"{path}: cannot be opened as video ({error.strerror}); get it again") from error
    if not container.streams.video:
        container.close()
        raise VideoError(f"{path}: holds no video stream")
    container.streams.video[0].thread_type = "NONE"
    return container


def _av_frames(path: Path) -> Iterator[Frame]:
    """Decodes with PyAV.

    A damaged end is an error, and so is less than half of the announced frames (headers do lie, by less);
    damage in between is decoded as well as it can be and logged.
    """
    import av
    from av.video.reformatter import VideoReformatter

    with _open_av(path) as container:
        convert = VideoReformatter()
        stream = container.streams.video[0]
        count, damaged = 0, -1
        try:
            for packet in container.demux(stream):
                for frame in packet.decode():
                    if frame.is_corrupt:
                        damaged = count
                        _log.warning("%s: frame %d is damaged", path, count)
                    count += 1
                    picture: Any = convert.reformat(frame, format="rgb24").to_ndarray()
                    yield picture
        except av.error.FFmpegError as error:
            raise _truncated(path, count, _announced(container)) from error
        expected = _announced(container)
        if damaged == count - 1 or 2 * count < expected:
            raise _truncated(path, count, expected)


def _announced(container: Any) -> int:
    """Frames that the header announces, by their number or else by the duration; 0 if it does not say."""
    stream = container.streams.video[0]
    by_duration = float(stream.average_rate or 0) * (container.duration or 0) / 1e6
    return int(stream.frames or by_duration)


def _truncated(path: Path, count: int, expected: int) -> VideoError:
    announced = f" of {expected} announced" if expected > 0 else ""
    return VideoError(f"{path}: truncated or damaged: {count} frames{announced} decoded; get the file again")


def _count_packets(path: Path) -> int:
    with _open_av(path) as container:
        return sum(1 for packet in container.demux(container.streams.video[0]) if packet.size)


def _decord_frames(path: Path) -> Iterator[Frame]:
    """Decodes with decord, one thread, in order (no index is asked for)."""
    import decord

    try:
        reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1)
    except RuntimeError as error:  # DECORDError is none for a file that it cannot open
        raise VideoError(f"{path}: not a video that decord can open; get it again or install av") from error
    except decord.DECORDError as error:
        raise VideoError(f"{path}: decord cannot read it ({error}); get it again or install av") from error
    for index in range(len(reader)):
        try:
            frame = reader.next().asnumpy()
        except (decord.DECORDError, StopIteration) as error:
            raise _truncated(path, index, len(reader)) from error
        yield frame


def _cv2_frames(path: Path) -> Iterator[Frame]:
    """Decodes with OpenCV; a header that announces more than twice of what decodes is taken as truncation."""
    import cv2

    capture = cv2.VideoCapture(str(path))
    try:
        if not capture.isOpened():
            raise VideoError(f"{path}: not a video that OpenCV can open; get it again")
        expected, count = int(max(capture.get(cv2.CAP_PROP_FRAME_COUNT), 0)), 0
        while (picture := capture.read())[0]:
            count += 1
            yield cv2.cvtColor(picture[1], cv2.COLOR_BGR2RGB)  # type: ignore[misc]
        if 2 * count < expected:
            raise _truncated(path, count, expected)
    finally:
        capture.release()


READERS: dict[str, Callable[[Path], Iterator[Frame]]] = {
    "av": _av_frames,
    "decord": _decord_frames,
    "cv2": _cv2_frames,
}
"""Readers of video files by the module that they need, the preferred first."""
