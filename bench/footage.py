"""Videos as a network sees them: frames and flow at the network's size, kept in memory while they fit.

Frames lie in the memory that all readers of videos share (:mod:`bench.video.reader`), stored flow in that of
all readers of flow (:mod:`bench.flow.reader`).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bench.video import Video, resize

if TYPE_CHECKING:
    from bench.flow import Fields, FlowStore

Arrays = Mapping[str, np.ndarray]
Extractions = Callable[["Footage", str], Arrays]
"""Footage and the name of an extraction -> its arrays (:class:`methods.base.Extraction`)."""


class Footage:
    """One video at one size (width, height): RGB frames and, where a store is given, optical flow."""

    extractions: Extractions | None = None
    """Where what was computed of the video before is found."""

    def __init__(self, video: Video, size: tuple[int, int], flow: FlowStore | None = None) -> None:
        self.name = video.name
        self.size = size
        self.annotation_size = (video.width, video.height)
        self._video, self._store = video, flow
        self._frames = video.reader(size)
        self._flow: tuple[Fields, float] | None = None
        self._medians_T2 = np.empty((0, 2), np.float32)
        self._lock = threading.Lock()

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of ``size`` per pixel of the annotation, along x and y."""
        return self.size[0] / self.annotation_size[0], self.size[1] / self.annotation_size[1]

    @property
    def rgb_THW3(self) -> np.ndarray:
        """All frames, uint8, read-only. Raises VideoError for a video too long for that; see :meth:`clip`."""
        return self._frames.whole()

    def clip(self, frames: npt.ArrayLike) -> np.ndarray:
        """The frames of these numbers, uint8 [*numbers.shape, H, W, 3]; of a video of any length."""
        return self._frames[np.asarray(frames)]

    @property
    def flow_THW2(self) -> tuple[Fields, float]:
        """All flow fields as int8, by index, and the bound that 127 stands for, in pixels of their own size.

        That is the store's, which need not be ``size`` (:class:`methods.base.FlowNeed`). Of a long video only
        what is asked for is read (:class:`bench.flow.reader.FlowReader`).
        """
        if self._store is None:
            raise ValueError(f"{self.name}: no flow store was given")
        with self._lock:
            if self._flow is None:
                self._flow = self._store.read_quantized(self._video)
                self._medians_T2 = np.full((len(self._flow[0]), 2), np.nan, np.float32)
            return self._flow

    def flow_median(self, frames: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Median (u, v) of the flow fields of these numbers: the camera's motion.

        Float32 [*numbers.shape, 2] in units of bound / 127. What was computed is kept.
        """
        flow, _ = self.flow_THW2
        numbers = np.asarray(frames)
        with self._lock:
            known = self._medians_T2[numbers]
        new = np.unique(numbers[np.isnan(known[..., 0])])
        if not len(new):
            return known
        medians = np.median(flow[new], axis=(1, 2))
        with self._lock:
            self._medians_T2[new] = medians
            return self._medians_T2[numbers]

    def __len__(self) -> int:
        return len(self._frames)

    def load(self) -> None:
        """Decode now all frames of a short video, which are kept; of a long one those of its beginning.

        For whoever goes through the video next.
        """
        if self._frames.is_short:
            _ = self.rgb_THW3
        else:
            self.clip([0])

    def extracted(self, name: str) -> Arrays:
        """What the method's extraction of that name found in the video (:class:`methods.base.Extraction`).

        Raises ValueError where there is none, and where it is not ready yet.
        """
        if self.extractions is None:
            raise ValueError(f"{self.name}: nothing was extracted; its method names no extraction {name}")
        return self.extractions(self, name)


class FootageLibrary(Mapping[str, Footage]):
    """Footage by video name, each made when it is first asked for."""

    def __init__(
        self,
        videos: Iterable[Video],
        size: tuple[int, int],
        flow: FlowStore | None = None,
        extractions: Extractions | None = None,
    ) -> None:
        self._videos = {video.name: video for video in videos}
        self._size, self._flow, self._extractions = size, flow, extractions
        self._made: dict[str, Footage] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Footage:
        with self._lock:
            if name not in self._made:
                self._made[name] = Footage(self._videos[name], self._size, self._flow)
                self._made[name].extractions = self._extractions
            return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._videos)

    def __len__(self) -> int:
        return len(self._videos)


class LiveFootage(Footage):
    """Footage of a stream: the last ``history`` frames that were pushed; None: all of them."""

    def __init__(
        self, name: str, size: tuple[int, int], annotation_size: tuple[int, int], history: int | None
    ):
        self.name, self.size, self.annotation_size = name, size, annotation_size
        self._recent: deque[np.ndarray] = deque(maxlen=history)
        self._count = 0

    def push(self, frame_HW3: np.ndarray) -> int:
        """Keep a frame, scaled to the footage's size as those of files are; returns its number."""
        self._recent.append(resize(frame_HW3, self.size))
        self._count += 1
        return self._count - 1

    @property
    def rgb_THW3(self) -> np.ndarray:
        """Raises ValueError: a stream keeps its last frames only."""
        raise ValueError(f"{self.name}: a stream has no end; ask for its last frames with `clip`")

    @property
    def flow_THW2(self) -> tuple[Fields, float]:
        """Raises ValueError: flow is computed of whole videos, ahead."""
        raise ValueError(
            f"{self.name}: a stream has no flow computed ahead, as its frames are not there yet; methods can "
            "be streamed that estimate it themselves, from the frames of `clip`"
        )

    def clip(self, frames: npt.ArrayLike) -> np.ndarray:
        """As of any footage. Raises ValueError for a frame that is gone or has not come."""
        numbers = np.asarray(frames)
        first = self._count - len(self._recent)
        if numbers.size and not first <= numbers.min() <= numbers.max() < self._count:
            raise ValueError(
                f"{self.name}: frames {first} to {self._count - 1} of the stream are kept, "
                f"{numbers.min()} to {numbers.max()} asked"
            )
        found = np.stack([self._recent[int(number) - first] for number in numbers.ravel()])
        return found.reshape(*numbers.shape, *found.shape[1:])

    def load(self) -> None:
        """Nothing: what is there was pushed."""

    def __len__(self) -> int:
        return self._count
