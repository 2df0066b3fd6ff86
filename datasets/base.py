"""What every dataset offers: its classes, its splits, its annotation and where its videos lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.protocol import Protocol, evaluator
from bench.records import GroundTruth


class DataError(ValueError):
    """Data that is missing, incomplete or broken. The message says where, what, and the mend."""


@dataclass(frozen=True)
class Split:
    """Names of the training and the test videos of one split, in the dataset's own order."""

    train: tuple[str, ...]
    test: tuple[str, ...]


class Dataset(ABC):
    """A dataset on disk.

    A subclass is made from the folder that holds its official layout and reads annotation only when asked;
    it raises :class:`DataError` where files are missing or wrong. Videos are opened by whoever trains or
    predicts, never here.
    """

    name: ClassVar[str]
    """As in protocol ids: ``jhmdb``."""
    title: ClassVar[str]
    """As people write it: ``J-HMDB-21``."""
    folder: ClassVar[str]
    """Its folder below the data root."""
    layout: ClassVar[str]
    """The files it wants, for error messages and documentation."""
    splits: ClassVar[tuple[str, ...]]
    trimmed: ClassVar[bool]
    """Whether every video is cut to the action, so that no temporal refinement applies."""
    multi_label: ClassVar[bool] = False
    default_evaluator: ClassVar[str] = "act"

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def id(self) -> str:
        """The name in protocol ids; a miniature adds its version and size."""
        return self.name

    @property
    @abstractmethod
    def classes(self) -> tuple[str, ...]:
        """Class names in label order."""

    @abstractmethod
    def split(self, name: str) -> Split:
        """The videos of a split. Raises ValueError for a split that the dataset lacks."""

    @abstractmethod
    def ground_truth(self) -> GroundTruth:
        """The annotation of all videos of all splits (read once, then kept)."""

    @abstractmethod
    def video_path(self, video: str) -> Path:
        """The file or the frame folder of a video. Raises DataError naming what was looked for."""

    @property
    def flipped_labels(self) -> tuple[int, ...] | None:
        """The label of each class in a mirrored picture; None where mirroring must not be used."""
        return tuple(range(len(self.classes)))

    def missing_videos(self, names: tuple[str, ...]) -> list[str]:
        """Those of ``names`` that have neither a file nor a frame folder."""
        missing = []
        for name in names:
            try:
                self.video_path(name)
            except DataError:
                missing.append(name)
        return missing

    def protocol(self, split: str, evaluator_name: str | None = None) -> Protocol:
        """The protocol of that split, by the dataset's default evaluator unless another is named."""
        return Protocol(self.id, split, evaluator(evaluator_name or self.default_evaluator))
