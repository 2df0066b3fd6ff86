"""What all rules of one kind have in common: how they are called, and what they refuse."""

from __future__ import annotations

from abc import ABC, abstractmethod

from bench.records import Array, Detections, Tubelets
from bench.tubes.paths import Paths

Found = Detections | Tubelets
"""What is linked."""


class Fusion(ABC):
    """How the detections of two streams become one set. Subclasses are frozen dataclasses."""

    name: str

    @abstractmethod
    def fuse(self, detections: Detections) -> Detections:
        """One set of detections of the same videos, ``stream`` fused. Raises ValueError without streams."""


class Linker(ABC):
    """How boxes become paths: one subclass a rule, a frozen dataclass with its numbers."""

    name: str

    @abstractmethod
    def link(self, found: Found, frames_V: Array | None = None) -> Paths:
        """Paths of all videos at once, by video, then label, then best first.

        Row order does not matter but for equal scores, where the earlier row goes first. ``frames_V``:
        number of frames of each of ``found.videos``, for rules whose paths span the whole video; without
        it a video lasts from its first to its last box.
        """


class Trimming(ABC):
    """Where in time an action begins and ends. Subclasses are frozen dataclasses."""

    name: str

    @abstractmethod
    def trim(self, paths: Paths, found: Found) -> Paths:
        """The parts of the paths that show their action, each a path. ``found``: what was linked."""


def detections_of(found: Found, name: str) -> Detections:
    """``found``, which must be boxes and not tubelets: ValueError."""
    if isinstance(found, Tubelets):
        raise ValueError(
            f"{name} works on the boxes of frames, not on tubelets: link them by the rule 'tubelet', "
            "or take their boxes with bench.tubes.tubelets.frame_detections"
        )
    return found


def looked_up(paths: Paths, found: Found, name: str) -> Detections:
    """The detections that ``paths.row`` points into. Raises ValueError where boxes were made of several."""
    detections = detections_of(found, name)
    if len(paths) and paths.row.min() < 0:
        raise ValueError(
            f"{name} looks up every box, but these were made of several boxes each; trim otherwise"
        )
    return detections
