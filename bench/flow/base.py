"""What every flow source offers, and what those with learned weights have in common."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from bench.files.store import digest, digest_file

Flow = npt.NDArray[np.float32]
"""(u, v) in pixels [..., H, W, 2]: what is at (x, y) in frame t is at (x + u, y + v) in frame t + 1."""
Frames = npt.NDArray[np.uint8]
"""RGB pictures [T, H, W, 3]."""

SMALLEST = 16


class UnavailableError(ValueError):
    """A flow source that cannot be used here. The message is the reason and the mend."""


@dataclass(frozen=True)
class FlowSource(ABC):
    """Computes optical flow. Found by its name; a frozen dataclass whose fields are its settings; picklable.

    A subclass implements :meth:`between`. The flow of two frames depends on those two alone, so that a video
    may be computed piece by piece.
    """

    name: ClassVar[str]

    @classmethod
    def ready(cls) -> Self:
        """The source with its default settings. Raises UnavailableError if what it needs is missing."""
        return cls()

    @cached_property
    def key(self) -> str:
        """Name and a digest of the settings (of a file: of its bytes): equal keys give equal flow."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        told = {name: digest_file(v) if isinstance(v, Path) else v for name, v in values.items()}
        return f"{self.name}-{digest(told)[:8]}"

    def compute(self, frames_THW3: Frames) -> Flow:
        """Flow float32 [T, H, W, 2] of RGB frames uint8 [T, H, W, 3]: the last field repeats the one before.

        Zeros for a single frame. Deterministic. Raises ValueError for arrays of other shapes and for frames
        below 16 pixels a side.
        """
        shape = frames_THW3.shape
        if len(shape) != 4 or shape[3] != 3 or not shape[0] or min(shape[1:3]) < SMALLEST:
            raise ValueError(
                f"flow wants frames [T, H>={SMALLEST}, W>={SMALLEST}, 3], got {list(shape)}: "
                "is it a colour video, and large enough?"
            )
        if len(frames_THW3) == 1:
            return np.zeros((*shape[:3], 2), np.float32)
        flow = self.between(frames_THW3)
        return np.concatenate([flow, flow[-1:]])

    @abstractmethod
    def between(self, frames_THW3: Frames) -> Flow:
        """Flow float32 [T - 1, H, W, 2] from each of at least two frames to the next."""


@dataclass(frozen=True)
class LearnedSource(FlowSource):
    """A source with learned weights, read from a file and never downloaded.

    The file is the one that the variable ``BENCH_<NAME>_WEIGHTS`` names, else what :meth:`cached` finds.
    """

    weights: Path

    advice: ClassVar[str]
    """Where the file is to be had, for the message that says it is missing."""

    @classmethod
    def variable(cls) -> str:
        """The environment variable that names the file: ``BENCH_FLOWNET2_CSS_WEIGHTS``."""
        return f"BENCH_{cls.name.upper().replace('-', '_')}_WEIGHTS"

    @classmethod
    def cached(cls) -> Path | None:
        """The file where another program keeps it; None if it is not there."""
        return None

    @classmethod
    def ready(cls) -> Self:
        """The source with its weights. Raises UnavailableError if the file is missing or does not fit."""
        named = os.environ.get(cls.variable())
        if named and not Path(named).is_file():
            raise UnavailableError(f"{cls.variable()} names {named}, where there is no file")
        path = Path(named) if named else cls.cached()
        if path is None:
            raise UnavailableError(
                f"its weights are not there; set {cls.variable()} to their file. {cls.advice}"
            )
        found = cls(path)
        found.load()
        return found

    @abstractmethod
    def load(self) -> object:
        """The network with its weights. Raises UnavailableError if the file does not fit it."""
