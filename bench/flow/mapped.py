"""Flow of a video that is used once: computed when it is asked for, kept in a file without a name."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.flow.base import Flow, FlowSource
from bench.flow.quantization import Quantized, quantize
from bench.flow.store import FlowStore
from bench.flow.workers import one_thread
from bench.video import Video


@dataclass(frozen=True)
class MappedFlow:
    """Takes the place of a :class:`FlowStore`; however long the video is, little of it lies in memory.

    ``size``: as there. ``folder``: where the file is made; it needs H * W * 6 bytes a frame meanwhile.
    ``report``: told how many frames are done.
    """

    source: FlowSource
    size: tuple[int, int] | None
    folder: Path | None = None
    report: Callable[[int], None] = lambda frames: None

    def read_quantized(self, video: Video) -> tuple[Quantized, float]:
        """As :meth:`FlowStore.read_quantized`; computed anew at every call."""
        with one_thread():
            flow = quantize(self._pieces(video), self.folder)
        with tempfile.TemporaryFile(dir=self.folder) as file:
            for values in flow.pieces():
                file.write(values.tobytes())
            file.flush()
            mapped: Quantized = np.memmap(file, np.int8, "r", shape=(*flow.shape, 2))
        return mapped, flow.bound

    def _pieces(self, video: Video) -> Iterator[Flow]:
        done = 0
        for piece in FlowStore(Path(), self.source, self.size).pieces(video):
            yield piece
            done += len(piece)
            self.report(done)
