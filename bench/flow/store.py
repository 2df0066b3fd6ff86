"""Flow on disk: computed once a video, whole or absent, and computed again when the video has changed."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Self

import numpy as np

from bench.files.store import TEMPORARY, locked
from bench.flow.base import Flow, FlowSource
from bench.flow.files import NOT_WHOLE, FlowFacts, FlowFile, write_flow
from bench.flow.origin import Origin
from bench.flow.quantization import dequantize, quantize
from bench.flow.reader import FlowReader
from bench.flow.workers import Progress, each, one_thread
from bench.video import Video, VideoError

ENDING = ".flow.parquet"
PIECE = 32
"""Frames whose flow is computed at once."""


@dataclass(frozen=True)
class Estimate:
    """What computing flow will take, judged from a few frames: bytes on disk, seconds of one worker."""

    videos: int
    frames: int
    bytes: int
    seconds: float


@dataclass(frozen=True)
class FlowStore:
    """Flow of videos by one source at one size: ``root/<source's key>[-WxH]/<video>.flow.parquet``.

    ``size`` (width, height): frames are resized to it first and flow is in pixels of it; None: the size that
    the video decodes to. A file says which video file it was made from, and is only used for that one.
    """

    root: Path
    source: FlowSource
    size: tuple[int, int] | None = None

    @classmethod
    def of_dataset(
        cls, runs_dir: Path, dataset: str, source: FlowSource, size: tuple[int, int] | None
    ) -> Self:
        """The store that the runs of ``runs_dir`` share for a dataset (its id)."""
        return cls(runs_dir / "store" / "flow" / dataset, source, size)

    @property
    def folder(self) -> Path:
        """Where the files of this source and size lie."""
        size = f"-{self.size[0]}x{self.size[1]}" if self.size else ""
        return self.root / (self.source.key + size)

    def path(self, video: Video) -> Path:
        """The file of a video. Raises ValueError for names that would lead out of the store."""
        parts = PurePosixPath(video.name).parts
        if not parts or ".." in parts or parts[0] == "/" or "\0" in video.name:
            raise ValueError(f"video name {video.name!r} cannot name a file")
        return self.folder.joinpath(*parts[:-1], parts[-1] + ENDING)

    def read(self, video: Video) -> Flow:
        """Flow of a video, float32 [T, H, W, 2] in pixels. Raises as :meth:`read_quantized`."""
        fields, bound = self.read_quantized(video)
        return dequantize(fields[:], bound)

    def read_quantized(self, video: Video) -> tuple[FlowReader, float]:
        """(int8 [T, H, W, 2] by index, pixels that 127 stands for).

        Raises ValueError if the file is missing or damaged, or was made by another source or from another
        video file; where only fields are damaged, when these are asked for.
        """
        path = self.path(video)
        if not path.is_file():
            raise ValueError(f"{path}: no flow for video {video.name!r}; prepare it first")
        try:
            file = FlowFile.open(path)
        except ValueError as error:
            raise ValueError(f"{error}: {NOT_WHOLE}") from error
        if not self._is_of(file.facts, video):
            raise ValueError(f"{path}: not the flow of {video.path} by {self.source.key}; prepare it again")
        return FlowReader(file), file.facts.bound

    def facts(self, video: Video) -> FlowFacts | None:
        """What the file of a video says of itself; None if it must be computed (again)."""
        path = self.path(video)
        try:
            facts = FlowFile.open(path).facts if path.is_file() else None
        except ValueError:
            return None
        return facts if facts and self._is_of(facts, video) else None

    def _is_of(self, facts: FlowFacts, video: Video) -> bool:
        return facts.source == self.source.key and facts.origin.fits(video.path)

    def missing(self, videos: Sequence[Video]) -> list[Video]:
        """Those of the videos that must be computed, each once."""
        return [v for v in {v.name: v for v in videos}.values() if self.facts(v) is None]

    def compute(self, video: Video) -> None:
        """Reads a video, computes its flow and stores it, on one thread."""
        origin = Origin.of(video.path)
        self.folder.mkdir(parents=True, exist_ok=True)
        with one_thread():
            flow = quantize(self.pieces(video), self.folder)
        write_flow(self.path(video), video.name, flow, self.source.key, origin)

    def pieces(self, video: Video) -> Iterator[Flow]:
        """The flow of a video, some frames at a time, each field once."""
        frames: list[np.ndarray] = []
        for frame in video.frames(self.size):
            frames.append(frame)
            if frame.shape != frames[0].shape:
                sizes = sorted({f.shape for f in (frame, frames[0])})
                raise VideoError(f"{video.path}: frames differ in size {sizes}; name one size for its flow")
            if len(frames) == PIECE + 2:  # two are left, so that the last piece has a pair
                yield self.source.compute(np.stack(frames[:-1]))[:-1]
                frames = frames[PIECE:]
        yield self.source.compute(np.stack(frames))

    def estimate(self, videos: Sequence[Video]) -> Estimate:
        """What computing the flow of these videos will take, from the first frames of three of them."""
        frames = sum(video.estimated_frames() for video in videos)
        chosen = [videos[i] for i in sorted({0, len(videos) // 2, len(videos) - 1})] if videos else []
        trials = [self._trial(video) for video in chosen]
        size, seconds = np.mean(trials, axis=0) if trials else (0.0, 0.0)
        return Estimate(len(videos), frames, int(frames * size), float(frames * seconds))

    def _trial(self, video: Video, count: int = 5) -> tuple[float, float]:
        """Bytes and seconds a frame, from the first frames of a video."""
        frames = np.stack(list(islice(video.frames(self.size), count)))
        began = time.perf_counter()
        with one_thread(), tempfile.TemporaryDirectory() as folder:
            flow = self.source.compute(frames)[: max(1, len(frames) - 1)]  # the last only repeats
            path = Path(folder) / "trial"
            write_flow(path, video.name, quantize([flow]), self.source.key, Origin("", ""))
            seconds = time.perf_counter() - began
            return path.stat().st_size / len(flow), seconds / len(flow)

    def prepare(
        self,
        videos: Sequence[Video],
        workers: int = 2,
        progress: Progress | None = None,
        announce: Callable[[Estimate], None] | None = None,
    ) -> int:
        """Computes what is missing, in ``workers`` processes (0: in this one); returns how many it was.

        ``announce`` is told the estimate before, ``progress(done, total)`` is called after each video. One
        process at a time works in a folder; what a killed one left half is removed. Raises ValueError before
        any work if the disk has too little room, and as :meth:`Video.frames` for a broken video; what was
        finished by then stays.
        """
        if not self.missing(videos):
            return 0
        with locked(self.folder / ".lock"):
            for left in self.folder.rglob(f"{TEMPORARY}*"):
                left.unlink(missing_ok=True)
            todo = self.missing(videos)
            estimate = self.estimate(todo)
            if announce:
                announce(estimate)
            self._check_disk(estimate)
            each(self.compute, todo, workers, progress)
        return len(todo)

    def _check_disk(self, estimate: Estimate) -> None:
        free = shutil.disk_usage(self.folder).free
        if estimate.bytes > free:
            raise ValueError(
                f"flow of {estimate.videos} videos needs about {estimate.bytes / 1e9:.1f} GB, {self.folder} "
                f"has {free / 1e9:.1f} GB free; make room, use another disk, or compute it at a smaller size"
            )
