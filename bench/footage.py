"""Videos as a network sees them: frames and flow at the network's size, kept in memory while they fit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from bench.video import Video

if TYPE_CHECKING:
    from bench.flow import FlowStore

DEFAULT_BUDGET = 6 << 30
"""Bytes of decoded frames and flow that a library keeps."""


class Footage:
    """One video at one size (width, height): RGB frames and, where a store is given, optical flow."""

    def __init__(self, video: Video, size: tuple[int, int], flow: FlowStore | None = None) -> None:
        self.name = video.name
        self.size = size
        self.annotation_size = (video.width, video.height)
        self._video, self._store = video, flow
        self._rgb: np.ndarray | None = None
        self._flow: tuple[np.ndarray, float] | None = None
        self._flow_median: np.ndarray | None = None
        self._lock = threading.Lock()

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of ``size`` per pixel of the annotation, along x and y."""
        return self.size[0] / self.annotation_size[0], self.size[1] / self.annotation_size[1]

    @property
    def rgb_THW3(self) -> np.ndarray:
        """All frames, uint8."""
        with self._lock:
            if self._rgb is None:
                self._rgb = self._video.read(self.size)
            return self._rgb

    @property
    def flow_THW2(self) -> tuple[np.ndarray, float]:
        """All flow fields as int8 and the bound that 127 stands for, in pixels of ``size``."""
        if self._store is None:
            raise ValueError(f"{self.name}: no flow store was given")
        with self._lock:
            if self._flow is None:
                self._flow = self._store.read_quantized(self._video)
            return self._flow

    @property
    def flow_median_T2(self) -> np.ndarray:
        """Median (u, v) of every flow field, float32 in units of bound / 127: the camera's motion."""
        if self._flow_median is None:
            flow, _ = self.flow_THW2
            self._flow_median = np.median(flow, axis=(1, 2)).astype(np.float32)
        return self._flow_median

    def __len__(self) -> int:
        return len(self.rgb_THW3)

    def load(self) -> None:
        """Decode now, and read the flow if there is a store."""
        _ = self.rgb_THW3
        if self._store is not None:
            _ = self.flow_THW2

    @property
    def nbytes(self) -> int:
        """Bytes held in memory."""
        return sum(a.nbytes for a in (self._rgb, self._flow and self._flow[0]) if a is not None)


class FootageLibrary(Mapping[str, Footage]):
    """Footage by video name, read when first used; above ``budget`` bytes the oldest is let go."""

    def __init__(
        self,
        videos: Iterable[Video],
        size: tuple[int, int],
        flow: FlowStore | None = None,
        budget: int = DEFAULT_BUDGET,
    ) -> None:
        self._videos = {video.name: video for video in videos}
        self._size, self._flow, self._budget = size, flow, budget
        self._kept: OrderedDict[str, Footage] = OrderedDict()
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Footage:
        with self._lock:
            if name not in self._kept:
                self._kept[name] = Footage(self._videos[name], self._size, self._flow)
            self._kept.move_to_end(name)
            self._let_go()
            return self._kept[name]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._videos)

    def __len__(self) -> int:
        return len(self._videos)

    def _let_go(self) -> None:
        held = sum(footage.nbytes for footage in self._kept.values())
        while held > self._budget and len(self._kept) > 1:
            held -= self._kept.popitem(last=False)[1].nbytes
