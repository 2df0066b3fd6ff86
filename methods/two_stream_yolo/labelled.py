"""Labelled clips to learn recognition from: a folder of them, or the training videos by their classes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from bench.footage import Footage, FootageLibrary
from bench.records import Array
from bench.video import VIDEO_SUFFIXES, Video
from methods.base import Info, TrainingData
from methods.common.config import CropsConfig
from methods.common.crops import one_person
from methods.common.keyframes import Examples, with_shuffled_labels
from methods.common.labels import label_vectors
from methods.common.windows import Window, to_network

UCF101 = re.compile(r"v_(\w+)_(g\d\d)_c\d\d")
"""Names of its clips, with class and source group: what was cut from one recording is trained on as a whole,
or not at all."""


class Labelled(NamedTuple):
    """A frame of a clip. target_C: the share of every class; mirror: it is to be seen in a mirror; window:
    the part to be seen, which keeps its size."""

    footage: Footage
    frame: int
    target_C: Array
    mirror: bool
    window: Window | None = None


class Clips(Protocol):
    """Frames with labels, a function of a position of an endless sequence and a generator that is one."""

    classes: int

    def pick(self, position: int, flip: bool, rng: np.random.Generator) -> Labelled:
        """The frame at a position; ``flip``: every second one mirrored, where that has a meaning."""
        ...


class OwnClips:
    """Annotated frames of the training videos, by the classes of those who act in them.

    crop: side of a square around one of the people, in network pixels, whose classes alone count; 0: the
    whole frame. shuffled: labels permuted over the tubes, as the detector's in the control experiment.
    """

    def __init__(
        self, data: TrainingData, info: Info, seed: int, crop: int = 0, shuffled: bool = False
    ) -> None:
        self.data, self.classes, self.crops = data, len(info.classes), CropsConfig(side=crop)
        truth = with_shuffled_labels(data.truth, seed) if shuffled else data.truth
        self.examples = Examples(truth, info, seed)

    def pick(self, position: int, flip: bool, rng: np.random.Generator) -> Labelled:
        video, frame, boxes, labels = self.examples.pick(position, rng)
        footage, mirror = self.data.footage[video], False
        if flip:
            labels, mirror = self.examples.mirrored(labels, rng)
        people = label_vectors(to_network(boxes, footage), labels, self.classes)
        window, target = None, people[1].max(axis=0)
        if self.crops.side:
            window, target = one_person(*people, self.crops, rng)
        return Labelled(footage, frame, target / target.sum(), mirror, window)


class FolderClips:
    """Videos, or folders of frames, in one folder a class; every clip once an epoch, a random frame of it.

    listed: a file with a clip ``CLASS/CLIP`` a line, what follows a space ignored; empty: all that is there.
    Raises ValueError where a clip is not there, where there are fewer than two classes, and for clips of
    UCF101 without a list.
    """

    def __init__(self, folder: Path, listed: str, size: tuple[int, int], seed: int) -> None:
        self.seed = seed
        self.names = read_list(folder, Path(listed)) if listed else everything(folder)
        known = sorted({name.partition("/")[0] for name in self.names})
        if len(known) < 2:
            raise ValueError(
                f"recognition.clips: {folder} has clips of {len(known)} classes; wanted: CLASS/CLIP"
            )
        if not listed and any(UCF101.match(Path(name).stem) for name in self.names):
            raise ValueError(
                f"recognition.clips: {folder} holds clips of UCF101, some of which are of a test split: "
                "name those for training, --set recognition.listed=trainlist01.txt"
            )
        self.classes = len(known)
        self.label_N = np.array([known.index(name.partition("/")[0]) for name in self.names])
        self.library = FootageLibrary((Video(name, folder / name, *size) for name in self.names), size)
        self._shuffled: tuple[int, Array] | None = None

    def pick(self, position: int, flip: bool, rng: np.random.Generator) -> Labelled:
        epoch, place = divmod(position, len(self.names))
        if self._shuffled is None or self._shuffled[0] != epoch:
            order = np.random.default_rng([self.seed, 4, epoch]).permutation(len(self.names))
            self._shuffled = (epoch, order)
        index = self._shuffled[1][place]
        footage = self.library[self.names[index]]
        frame = int(rng.integers(max(1, len(footage) - 1)))
        target = np.zeros(self.classes, np.float32)
        target[self.label_N[index]] = 1
        return Labelled(footage, frame, target, bool(flip and rng.random() < 0.5))


def check_groups(listed: str, names: Iterable[str], trained: Iterable[str], classes: Iterable[str]) -> None:
    """Refuse clips of UCF101 that are tested or held out.

    listed: the file that names the clips; trained: names of the training videos; classes: those to detect.
    Raises ValueError naming the first clip of one of these classes whose source group no training video has.
    """
    seen = {found for name in trained if (found := _source_group(name))}
    detected = {name.lower() for name in classes} | {name for name, _ in seen}
    groups = ((name, _source_group(name)) for name in names)
    wrong = [name for name, group in groups if group and group[0] in detected and group not in seen]
    if wrong:
        raise ValueError(
            f"recognition.listed: {listed} names {wrong[0]}, of a source group without a training video: it "
            f"is tested, or held out by --fit train-minus-val. Take all such out of the list, {len(wrong)}"
        )


def _source_group(name: str) -> tuple[str, str] | None:
    """Class in small letters and group of a clip named as in UCF101; None for any other."""
    found = UCF101.match(Path(name).stem)
    return (found[1].lower(), found[2]) if found else None


def everything(folder: Path) -> list[str]:
    """``CLASS/CLIP`` of every video and every folder in the class folders, sorted."""
    if not folder.is_dir():
        raise ValueError(f"recognition.clips: no folder {folder}; wanted: a folder of CLASS/CLIP")
    found = (path for path in folder.glob("*/*") if not path.name.startswith("."))
    fit = (path for path in found if path.is_dir() or path.suffix.lower() in VIDEO_SUFFIXES)
    return sorted(path.relative_to(folder).as_posix() for path in fit)


def read_list(folder: Path, path: Path) -> list[str]:
    """The clips that a file lists; all must be there."""
    if not path.is_file():
        raise ValueError(f"recognition.listed: no file {path}")
    names = [line.split()[0] for line in path.read_text().splitlines() if line.strip()]
    for name in names:
        inside = re.fullmatch(r"[^/\\]+/[^/\\]+", name) and ".." not in name.split("/")
        if not inside or not (folder / name).exists():
            raise ValueError(f"recognition.listed: {path} names {name!r:.60}, no CLASS/CLIP in {folder}")
    return names
