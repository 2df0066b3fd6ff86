"""Rendered miniatures: drawn people in the real datasets' layouts, most classes differing by motion alone.

The real readers read them. What is rendered stands in :mod:`datasets.mini.classes`; how well motion alone
tells the classes apart is measured by :mod:`datasets.mini.check`.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Self

from datasets.ava import Ava
from datasets.ava_layout import Movie
from datasets.base import Dataset
from datasets.daly import Daly
from datasets.jhmdb import Jhmdb
from datasets.keyframes import Tracker
from datasets.mini.ava_classes import AVA_MINI, EVALUATED
from datasets.mini.classes import DALY_MINI, JHMDB_MINI, UCF24_MINI, MiniClass, mirror_labels
from datasets.probe import probe
from datasets.trackers import csrt
from datasets.ucf24 import Ucf24


class Miniature(Dataset):
    """A rendered dataset. ``version`` rises with every change of what is rendered; ``size`` says how much."""

    version: ClassVar[int]
    mini_classes: ClassVar[tuple[MiniClass, ...]]
    size: str = "small"

    @property
    def id(self) -> str:
        return f"{self.name}@{self.version}.{self.size}"

    @classmethod
    @abstractmethod
    def render(cls, root: Path, size: str) -> None:
        """Render the dataset below ``root`` unless it is there."""

    @classmethod
    def rendered(cls, cache: Path, size: str) -> Self:
        """The dataset of that size, rendered below ``cache`` on first use with a line of progress."""
        root = cache / f"{cls.name}@{cls.version}.{size}"
        cls.render(root, size)
        dataset = cls(root / cls.folder)
        dataset.size = size
        return dataset

    def published_counts(self) -> dict[str, int]:
        """None: what is rendered is held by its tests."""
        return {}

    @property
    def flipped_labels(self) -> tuple[int, ...]:
        """A mirrored walk to the left is one to the right; labels are in the order of ``classes``."""
        names = [c.name for c in self.mini_classes]
        mirrored = mirror_labels(self.mini_classes)
        return tuple(self.classes.index(names[mirrored[names.index(c)]]) for c in self.classes)


class Ucf24Mini(Miniature, Ucf24):
    """24 classes in the layout of UCF101-24: untrimmed, up to three actors."""

    name = "ucf24-mini"
    title = "UCF101-24 miniature"
    mini_classes = UCF24_MINI
    splits = ("1",)
    version = 1

    @classmethod
    def render(cls, root: Path, size: str) -> None:
        from datasets.mini.ucf24 import render_ucf24_mini

        render_ucf24_mini(root, size, progress=_progress)


class JhmdbMini(Miniature, Jhmdb):
    """21 classes in the layout of J-HMDB: trimmed, one actor."""

    name = "jhmdb-mini"
    title = "J-HMDB miniature"
    mini_classes = JHMDB_MINI
    version = 1

    @classmethod
    def render(cls, root: Path, size: str) -> None:
        from datasets.mini.jhmdb import render_jhmdb_mini

        render_jhmdb_mini(root, size, progress=_progress)


class DalyMini(Miniature, Daly):
    """Ten classes in the layout of DALY: long, seconds and key-frames; its truth in every frame is drawn."""

    name = "daly-mini"
    title = "DALY miniature"
    mini_classes = DALY_MINI
    version = 1

    @classmethod
    def render(cls, root: Path, size: str) -> None:
        from datasets.mini.daly import render_daly_mini

        render_daly_mini(root, size, progress=_progress)

    def extend(
        self,
        tracker: Tracker = csrt,
        name: str = "csrt",
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Path:
        """Refused: no tracker knows better."""
        where = self.root / "extended"
        raise ValueError(
            f"the truth of {self.name} in every frame is drawn and lies in {where}; how near a tracker comes "
            f"to it: bench data extend {self.name}"
        )


class AvaMini(Miniature, Ava):
    """Sixteen evaluated classes of 22 in the layout of AVA: several labels a person, one frame a second."""

    name = "ava-mini"
    title = "AVA miniature"
    mini_classes = AVA_MINI
    splits: ClassVar[tuple[str, ...]] = ("val",)
    release = "2.2"
    evaluated = EVALUATED
    version = 1

    @classmethod
    def render(cls, root: Path, size: str) -> None:
        from datasets.mini.ava import render_ava_mini

        render_ava_mini(root, size, progress=_progress)

    def _movie(self, name: str) -> Movie | None:
        """Cuts that begin at second 900 as the usual ones do, but are shorter."""
        path = self.find_video(name)
        return None if path is None else Movie("900-1800 s cuts", probe(path, 0.0))


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty() or done == total:
        print(
            f"\rrendering {done}/{total} videos",
            end="\n" if done == total else "",
            file=sys.stderr,
            flush=True,
        )
