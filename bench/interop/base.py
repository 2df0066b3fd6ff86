"""What the formats have in common: how one is recognised, what it reads, and which shifts it states.

A format turns files into :class:`Table` rows as the files have them. Shifts, checks and the suite's own
conventions are applied afterwards, the same for all (:mod:`bench.interop.rows`).
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, TypeVar

import numpy as np

from bench.records import Array, Detections, GroundTruth

ALL = "all"
Role = Literal["truth", "predictions"]


@dataclass(frozen=True)
class Places:
    """Where each row stands, for messages: row ``i`` is number ``number_N[i]`` of ``files[file_N[i]]``."""

    files: Sequence[Path]
    file_N: Array | None = None
    number_N: Array | None = None
    word: str = "row"

    @property
    def plural(self) -> str:
        """``rows``, ``lines``, ``entries``."""
        return f"{self.word[:-1]}ies" if self.word.endswith("y") else f"{self.word}s"

    def take(self, rows: Array) -> Places:
        """Where each of these rows stands."""
        file_N = None if self.file_N is None else self.file_N[rows]
        return replace(self, file_N=file_N, number_N=rows if self.number_N is None else self.number_N[rows])

    def __call__(self, row: int) -> str:
        file = self.files[0 if self.file_N is None else int(self.file_N[row])]
        number = row if self.number_N is None else int(self.number_N[row])
        return f"{file}, {self.word} {number}"


@dataclass(frozen=True)
class Table:
    """Boxes as a file has them, N rows over ``videos``: before shifts and checks.

    tube_N: which rows of a video are one tube; None for frame detections. ``score_N`` is then the tube's.
    Ground truth has no scores. of_tubelets: the boxes were found as parts of longer ones, not each alone.
    """

    videos: tuple[str, ...]
    video_N: Array
    frame_N: Array
    label_N: Array
    boxes_N4: Array
    places: Places
    score_N: Array | None = None
    tube_N: Array | None = None
    frame_score_N: Array | None = None
    of_tubelets: bool = False

    def __len__(self) -> int:
        return len(self.video_N)

    @property
    def scores(self) -> Array:
        """``score_N`` of predictions. Raises ValueError where there are none."""
        if self.score_N is None:
            raise ValueError(f"{self.places.files[0]}: there are no scores; predictions need them")
        return self.score_N

    def take(self, rows: Array) -> Table:
        """Those rows, in that order, each still knowing its place."""

        def of(values: Array | None) -> Array | None:
            return None if values is None else values[rows]

        return replace(
            self, video_N=self.video_N[rows], frame_N=self.frame_N[rows], label_N=self.label_N[rows],
            boxes_N4=self.boxes_N4[rows], places=self.places.take(rows), score_N=of(self.score_N),
            tube_N=of(self.tube_N), frame_score_N=of(self.frame_score_N),
        )  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """The annotation that is scored, and what its source leaves open.

    split: as in protocol ids, ``all`` where the source has no splits; others: videos that the source knows
    and the split does not score; has_tubes: False where only boxes of single frames are annotated;
    lengths_known: False where a video's number of frames is only that of its last box; numbered: whether
    videos are in the order of the test list of a ``*-GT.pkl``, by which some predictions number them;
    read_timed: reads a file of predictions by timestamps, for a dataset that knows the frames of them.
    """

    annotation: GroundTruth
    split: str = ALL
    others: frozenset[str] = frozenset()
    has_tubes: bool = True
    lengths_known: bool = True
    numbered: bool = False
    notes: tuple[str, ...] = ()
    read_timed: Callable[[Path], Detections] | None = None


@dataclass(frozen=True)
class Content:
    """Predictions as the files have them. None: the files hold none of that kind.

    detections: rows to be shifted and checked, or records of a format that has its own checks.
    videos: those that were looked at, those without a box too; None where the files do not say, and a video
    without a box counts as missing.
    """

    detections: Table | Detections | None
    tubes: Table | None = None
    videos: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """A first look at a path: the names in a folder, or the first bytes of a file."""

    path: Path
    head: bytes

    @classmethod
    def at(cls, path: Path) -> Look:
        """Raises ValueError if there is nothing, or it is empty."""
        if path.is_dir():
            if next(path.iterdir(), None) is None:
                raise ValueError(f"{path} is an empty folder; name the folder that holds the files")
            return cls(path, b"")
        if not path.is_file():
            raise ValueError(f"{path}: no such file or folder")
        with path.open("rb") as file:
            head = file.read(4096)
        if not head:
            raise ValueError(f"{path} is empty; write it again")
        return cls(path, head)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    def holds(self, pattern: str) -> bool:
        """Whether a folder has a file of that pattern, at any depth for ``**/`` patterns."""
        return self.is_folder and next(self.path.glob(pattern), None) is not None

    @property
    def text(self) -> str | None:
        """The beginning as text, without white space before it; None if it is no text."""
        try:
            return self.head[: self.head.rfind(b"\n") + 1 or None].decode("utf-8").lstrip()
        except UnicodeDecodeError:
            return None


class Shift(NamedTuple):
    """What is added to a file's numbers to have the suite's: 0-based frames and labels, pixels from 0, 0."""

    frames: int = 0
    boxes: float = 0.0
    labels: int = 0

    def __str__(self) -> str:
        frames = f"frames {self.frames:+d}" if self.frames else "frames as they are"
        boxes = f"coordinates {self.boxes:+g} px" if self.boxes else "coordinates as they are"
        return f"{frames}, {boxes}"


class Format(ABC):
    """One way in which others write truth or predictions. Subclasses have no state."""

    name: ClassVar[str]
    title: ClassVar[str]
    files: ClassVar[str]
    """What it looks like on disk, for messages."""
    shift: ClassVar[Shift] = Shift()

    @abstractmethod
    def recognises(self, look: Look, role: Role) -> bool:
        """Whether a file or folder looks like truth or predictions in this format."""

    def truth(self, path: Path, split: str | None) -> Truth:
        """The annotation in a file or folder; of the first split unless another is named.

        Raises ValueError naming the place of what is wrong.
        """
        raise ValueError(f"{path} is {self.title}, which holds no ground truth; see docs/formats.md")

    def content(self, path: Path, truth: Truth) -> Content:
        """The predictions in a file or folder. Raises ValueError naming the place of what is wrong."""
        raise ValueError(f"{path} is {self.title}, which holds no predictions; see docs/formats.md")


Key = TypeVar("Key", str, Path)


def codes(values: Sequence[Key]) -> tuple[tuple[Key, ...], Array]:
    """Distinct values in order of first appearance, and the position of each entry among them, int64 [N]."""
    position: dict[Key, int] = {}
    numbered = (position.setdefault(value, len(position)) for value in values)
    code_N = np.fromiter(numbered, np.int64, len(values))
    return tuple(position), code_N


def source_group(video: str) -> str:
    """The recording that a video was cut from, where its name says so as UCF101's do; else the video itself.

    ``Class/v_Class_g01_c02`` and ``Class_v_Class_g01_c02`` without the clip, ``_c02``.
    """
    return re.sub(r"(v_.+_g\d+)_c\d+$", r"\1", video)
