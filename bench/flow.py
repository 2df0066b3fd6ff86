"""Optical flow: sources that compute it, and a store that keeps it losslessly compressed.

Flow is float32 (u, v) in pixels at the size of the frames it was computed on: the point at (x, y) of frame t
is at (x + u, y + v) in frame t + 1. There are as many flow fields as frames; the last repeats the one before.
"""

from __future__ import annotations

import json
import shutil
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bench.names import choose, plain
from bench.store import write_atomic
from bench.video import Video

CLIP = 20.0
"""Pixels a frame beyond which motion is clipped in the store, the field's usual bound."""

_MAGIC = b"flow-int8\n"
_VERSION = 1
_EXPECTED_RATIO = 0.6
_WEIGHTS = "it needs published weights, which this version cannot load"
_ABSENT = {
    "flownet2": _WEIGHTS,
    "flownet2-css": _WEIGHTS,
    "flownet2-sd": _WEIGHTS,
    "pwc-net": _WEIGHTS,
    "brox": "its code is not part of this version",
}

Flow = npt.NDArray[np.float32]
Quantized = npt.NDArray[np.int8]
Progress = Callable[[int, int], None]


class FlowSource(ABC):
    """Computes optical flow. A subclass is found by its name; it must be picklable."""

    name: ClassVar[str]

    @abstractmethod
    def compute(self, frames_THW3: npt.NDArray[np.uint8]) -> Flow:
        """Flow float32 [T, H, W, 2] of RGB frames uint8 [T, H, W, 3]; zeros for a single frame.

        Deterministic. Raises ValueError for arrays of other shapes and for frames below 16 pixels a side.
        """


class Dis(FlowSource):
    """Dense inverse search (Kroeger et al., ECCV 2016) to the finest scale, so that thin limbs are kept."""

    name = "dis"

    def compute(self, frames_THW3: npt.NDArray[np.uint8]) -> Flow:
        """See :class:`FlowSource`."""
        import cv2

        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        search.setFinestScale(0)
        search.setPatchSize(8)
        search.setPatchStride(4)
        search.setVariationalRefinementIterations(0)
        search.setGradientDescentIterations(16)
        return _pairwise_flow(frames_THW3, search)


class TvL1(FlowSource):
    """Dual TV-L1 (Zach et al., DAGM 2007) with OpenCV's defaults; far slower than DIS."""

    name = "tvl1"

    def compute(self, frames_THW3: npt.NDArray[np.uint8]) -> Flow:
        """See :class:`FlowSource`."""
        import cv2

        return _pairwise_flow(frames_THW3, cv2.optflow.DualTVL1OpticalFlow.create())


def _pairwise_flow(frames_THW3: npt.NDArray[np.uint8], method: Any) -> Flow:
    """Flow between neighbours by one of OpenCV's dense methods, on grey pictures."""
    import cv2

    if frames_THW3.ndim != 4 or frames_THW3.shape[3] != 3 or min(frames_THW3.shape[1:3]) < 16:
        raise ValueError(f"flow wants frames [T, H>=16, W>=16, 3], got {list(frames_THW3.shape)}")
    flow_THW2 = np.zeros((*frames_THW3.shape[:3], 2), np.float32)
    grey = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames_THW3)
    for t, (now, following) in enumerate(pairwise(grey)):
        flow_THW2[t] = method.calc(now, following, None)
    if len(flow_THW2) > 1:
        flow_THW2[-1] = flow_THW2[-2]
    return flow_THW2


def sources() -> dict[str, type[FlowSource]]:
    """The flow sources that can be computed, by name."""
    return {cls.name: cls for cls in FlowSource.__subclasses__()}


def source(name: str) -> FlowSource:
    """The flow source of that name. Raises ValueError if it is unknown or known but not available."""
    known = sources()
    absent = [n for n in _ABSENT if plain(n) == plain(name)]
    if absent:
        why = f"{_ABSENT[absent[0]]}; available: {', '.join(sorted(known))}"
        raise ValueError(f"flow source {absent[0]!r} is not available: {why}")
    return known[choose(name, known, "flow source")]()


def quantize(flow_THW2: Flow) -> tuple[Quantized, float]:
    """(int8 [T, H, W, 2], bound): ``round(flow / bound * 127)``, bound the largest |u| or |v|, at most 20 px.

    Larger motion is clipped to the bound; a flow of zeros has bound 0. Raises ValueError for NaN or infinity.
    """
    if not np.isfinite(flow_THW2).all():
        raise ValueError("flow holds values that are not finite")
    bound = min(float(np.abs(flow_THW2).max(initial=0)), CLIP)
    scale = np.float32(127 / bound if bound > 1e-6 else 0)
    return np.clip(np.rint(flow_THW2 * scale), -127, 127).astype(np.int8), bound


def dequantize(quantized: Quantized, bound: float) -> Flow:
    """Float32 flow in pixels from the int8 of :func:`quantize`; off by at most bound / 254."""
    return quantized.astype(np.float32) * np.float32(bound / 127)


@dataclass(frozen=True)
class FlowStore:
    """Flow of videos on disk, one file a video: ``root/<source>[-WxH]/<video name>.flow``.

    A file is a line naming the format, a line of JSON (bound, size, frames, source, version, checksum) and
    the int8 pairs [T, H, W, 2], Zstandard-compressed. ``size`` (width, height): frames are resized to it
    first and flow is in pixels of it; None: the size that the video decodes to.
    """

    root: Path
    source: FlowSource
    size: tuple[int, int] | None = None

    def path(self, video: Video) -> Path:
        """The file of a video. Raises ValueError for names that would lead out of the store."""
        parts = PurePosixPath(video.name).parts
        if not parts or ".." in parts or parts[0] == "/" or "\0" in video.name:
            raise ValueError(f"video name {video.name!r} cannot name a file")
        size = f"-{self.size[0]}x{self.size[1]}" if self.size else ""
        return self.root.joinpath(self.source.name + size, *parts[:-1], parts[-1] + ".flow")

    def read(self, video: Video) -> Flow:
        """Flow of a video, float32 [T, H, W, 2] in pixels. Raises as :meth:`read_quantized`."""
        return dequantize(*self.read_quantized(video))

    def read_quantized(self, video: Video) -> tuple[Quantized, float]:
        """(int8 [T, H, W, 2], bound in pixels). Raises ValueError if it is missing, broken or foreign."""
        path = self.path(video)
        if not path.is_file():
            raise ValueError(f"{path}: no flow for video {video.name!r}; prepare it first")
        data = path.read_bytes()
        try:
            return self._decode(data)
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise ValueError(
                f"{path}: not a whole flow file ({error}); delete it and prepare again"
            ) from error

    def _decode(self, data: bytes) -> tuple[Quantized, float]:
        import pyarrow

        if not data.startswith(_MAGIC):
            raise ValueError("unknown format")
        header, _, body = data[len(_MAGIC) :].partition(b"\n")
        meta = json.loads(header)
        if meta["version"] != _VERSION or meta["source"] != self.source.name:
            raise ValueError(f"holds {meta['source']} of version {meta['version']}")
        if zlib.crc32(body) != meta["crc32"]:
            raise ValueError("truncated or damaged")
        shape = (meta["frames"], meta["height"], meta["width"], 2)
        raw = pyarrow.Codec("zstd").decompress(body, decompressed_size=int(np.prod(shape)))
        return np.frombuffer(raw, np.int8).reshape(shape), float(meta["bound"])

    def write(self, video: Video, flow_THW2: Flow) -> None:
        """Stores the flow of a video, whole or not at all."""
        import pyarrow

        quantized, bound = quantize(flow_THW2)
        body = pyarrow.Codec("zstd", compression_level=1).compress(quantized.tobytes(), asbytes=True)
        frames, height, width, _ = quantized.shape
        meta = {"version": _VERSION, "source": self.source.name, "bound": bound, "frames": frames}
        meta |= {"width": width, "height": height, "crc32": zlib.crc32(body)}
        data = _MAGIC + json.dumps(meta).encode() + b"\n" + body
        write_atomic(self.path(video), lambda temporary: temporary.write_bytes(data))

    def compute(self, video: Video) -> None:
        """Reads a video, computes its flow and stores it, on one thread."""
        with _one_thread():
            self.write(video, self.source.compute(video.read(self.size)))

    def missing(self, videos: Sequence[Video]) -> list[Video]:
        """Those of the videos that have no file yet, each once."""
        return [v for v in {v.name: v for v in videos}.values() if not self.path(v).is_file()]

    def estimate(self, videos: Sequence[Video]) -> int:
        """About how many bytes the flow of these videos takes on disk."""
        total = 0
        for video in videos:
            width, height = self.size or (video.width, video.height)
            total += video.estimated_frames() * width * height * 2
        return int(total * _EXPECTED_RATIO)

    def prepare(self, videos: Sequence[Video], workers: int = 2, progress: Progress | None = None) -> int:
        """Computes what is missing, in ``workers`` processes (0: in this one); returns how many it was.

        ``progress(done, total)`` is called after each. Raises ValueError before any work if the disk has too
        little room, and as :meth:`Video.read` for a broken video; what was finished by then stays.
        """
        todo = self.missing(videos)
        self._check_disk(todo)
        if not workers:
            for done, video in enumerate(todo, 1):
                self.compute(video)
                if progress:
                    progress(done, len(todo))
        elif todo:
            with ProcessPoolExecutor(min(workers, len(todo)), mp_context=get_context("spawn")) as pool:
                _await([pool.submit(self.compute, video) for video in todo], progress)
        return len(todo)

    def _check_disk(self, videos: Sequence[Video]) -> None:
        if not videos:
            return
        self.root.mkdir(parents=True, exist_ok=True)
        need, free = self.estimate(videos), shutil.disk_usage(self.root).free
        if need > free:
            raise ValueError(
                f"flow of {len(videos)} videos needs about {need / 1e9:.1f} GB, {self.root} has "
                f"{free / 1e9:.1f} GB free; make room, store it elsewhere, or compute it at a smaller size"
            )


def _await(futures: Sequence[Future[None]], progress: Progress | None) -> None:
    """Waits for all; at the first error the rest is cancelled and the error raised."""
    try:
        for done, future in enumerate(as_completed(futures), 1):
            future.result()
            if progress:
                progress(done, len(futures))
    finally:
        for future in futures:
            future.cancel()


@contextmanager
def _one_thread() -> Iterator[None]:
    """OpenCV on one thread: workers do not fight over cores and results do not depend on their number."""
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
