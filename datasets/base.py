"""What every dataset offers: its classes, its splits, its annotation and where its videos lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from bench.protocol import Protocol, evaluator
from bench.records import Detections, GroundTruth
from datasets.errors import DataError
from datasets.files import find_video
from datasets.trimming import Trimming, trimmed

__all__ = ["DataError", "Dataset", "Quirk", "Split"]


@dataclass(frozen=True)
class Split:
    """Names of the training and the test videos of one split, in the dataset's own order."""

    train: tuple[str, ...]
    test: tuple[str, ...]

    @classmethod
    def of(cls, train: Iterable[str], test: Iterable[str], where: object) -> Self:
        """Raises DataError, beginning with ``where``, for videos that are listed twice."""
        found = cls(tuple(train), tuple(test))
        both = sorted(set(found.train) & set(found.test))
        if both:
            raise DataError(f"{where}: {len(both)} videos are in training and in test: {', '.join(both[:5])}")
        for names in (found.train, found.test):
            if len(set(names)) < len(names):
                raise DataError(f"{where}: the video {Counter(names).most_common(1)[0][0]} is listed twice")
        return found


@dataclass(frozen=True)
class Quirk:
    """What would surprise a reader of a dataset's files: how often it is there, and what is done about it."""

    name: str
    count: int
    treatment: str


class Dataset(ABC):
    """A dataset on disk.

    A subclass is made from the folder that holds its official layout and reads annotation only when asked;
    it raises :class:`DataError` where files are missing or wrong. Of videos it reads no more than headers,
    and these only where the annotation leaves sizes or times open: pictures are for whoever trains or
    predicts.
    """

    name: ClassVar[str]
    """As in protocol ids: ``jhmdb``."""
    title: ClassVar[str]
    """As people write it: ``J-HMDB-21``."""
    folder: ClassVar[str]
    """Its folder below the data root."""
    layout: ClassVar[str]
    """The files it wants, for error messages and documentation."""
    video_folders: ClassVar[tuple[str, ...]] = ("videos",)
    """Where videos lie below its folder, as files or as folders of frames."""
    miniature: ClassVar[str] = ""
    """The name of its rendered miniature, where it has one."""
    splits: ClassVar[tuple[str, ...]]
    trimmed: ClassVar[bool]
    """Whether every video is cut to the action, so that no temporal refinement applies."""
    multi_label: ClassVar[bool] = False
    default_evaluator: ClassVar[str] = "act"
    ranking_metric: ClassVar[str] = "video_map/0.50"
    """What its leaderboards are sorted by, where the evaluator scores tubes; else it is frame_map/0.50."""
    real_frames: ClassVar[Mapping[str, int]] = {}
    """Videos whose annotated number of frames is known to be wrong, and how many frames they have."""

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

    def truth(self, protocol: Protocol) -> GroundTruth:
        """The annotation that a protocol scores, of all videos: trimmed where the protocol trims."""
        return trimmed(self.ground_truth()) if protocol.trimming else self.ground_truth()

    def quirks(self) -> tuple[Quirk, ...]:
        """What is odd in the files that are there, each counted and with its treatment."""
        return ()

    def published_counts(self) -> Mapping[str, int]:
        """What the whole dataset counts, by the names under which :mod:`datasets.checks` counts."""
        return {}

    def second_sources(self) -> Iterator[tuple[str, int, int]]:
        """(what, how many agree, of how many) for all that the files there say more than once."""
        return iter(())

    def find_video(self, video: str) -> Path | None:
        """The file or the folder of frames of a video, if there is one. DataError for a hostile name."""
        return find_video(self.root, self.video_folders, video)

    def video_path(self, video: str) -> Path:
        """As :meth:`find_video`; raises DataError naming what was looked for where there is none."""
        path = self.find_video(video)
        if path is None:
            raise self.missing(f"video {video} in {' or '.join(self.video_folders)}")
        return path

    def read_timed(self, path: Path) -> Detections:
        """Predictions of a file that names timestamps, in the frames of :meth:`ground_truth`.

        Raises ValueError where the annotation has no timestamps.
        """
        raise ValueError(f"{path} has timestamps; {self.title} is annotated by frames, which no time tells")

    def missing(self, what: str) -> DataError:
        """The error for a file that is not there."""
        instead = f". The rendered {self.miniature} needs no data" if self.miniature else ""
        return DataError(f"{self.title}: found no {what}. Wanted below {self.root}: {self.layout}{instead}")

    @property
    def flipped_labels(self) -> tuple[int, ...] | None:
        """The label of each class in a mirrored picture; None where mirroring must not be used."""
        return tuple(range(len(self.classes)))

    def missing_videos(self, names: tuple[str, ...]) -> list[str]:
        """Those of ``names`` that have neither a file nor a frame folder."""
        return [name for name in names if self.find_video(name) is None]

    def protocol(self, split: str, evaluator_name: str | None = None, trimming: Trimming = "") -> Protocol:
        """The protocol of that split, by the dataset's default evaluator unless another is named.

        ``trimming``: what :func:`datasets.trimming.trimmed` says of it. Raises ValueError where there is
        nothing to trim.
        """
        if trimming and self.trimmed:
            raise ValueError(f"{self.title} is trimmed as it is; its protocols have no +{trimming}")
        found = evaluator(evaluator_name or self.default_evaluator)
        ranking = self.ranking_metric if found.tubes else "frame_map/0.50"
        return Protocol(self.id, split, found, ranking_metric=ranking, trimming=trimming)
