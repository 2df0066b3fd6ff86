"""The interface of every method, and how methods are found by name.

A method named ``two-stream-yolo`` *is* the package ``methods/two_stream_yolo``, whose ``__init__`` exposes
one :class:`Method` subclass as ``METHOD``. Outsiders add theirs through the entry-point group
``bench.methods``. A method's package imports without torch; whatever needs torch lies in modules that are
imported when the network is needed.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench.footage import LiveFootage
from bench.names import choose
from bench.records import Detections, GroundTruth, Tubes

if TYPE_CHECKING:
    import torch

    from bench.footage import Arrays, Footage, FootageLibrary
    from bench.published import Weights

SIZES = ("full", "tiny")
MotionClip = tuple[np.ndarray, np.ndarray]
"""A clip, uint8 [T, H, W, 3] RGB, and its true flow, float32 [T, H, W, 2] as :mod:`bench.flow` has it."""


@dataclass(frozen=True)
class Info:
    """What a method needs to know of a dataset.

    flipped_labels: the label of each class when the picture is mirrored (a wave to the left becomes one to
    the right), or None where mirroring has no meaning and must not be used in training.
    linked: whether tubes are scored; if not, key-frames far apart may be all that is predicted, and
    ``postprocess`` links nothing.
    """

    classes: tuple[str, ...]
    multi_label: bool = False
    trimmed: bool = False
    flipped_labels: tuple[int, ...] | None = None
    linked: bool = True


@dataclass(frozen=True)
class TrainingData:
    """The training videos alone: their annotation, and footage that opens no other video.

    truth: what is learnt from, boxes that a tracker added included (DALY); key_truth: the boxes that people
    drew, on key-frames alone, of the same tubes; None: all of ``truth`` are drawn.
    device, workers: where and how many videos side by side an earlier stage's network may be applied;
    report: told (what, done, total) by a ``prepare`` that takes long.
    motion: renders training clips whose motion is known, the same whatever the dataset; None: there are none.
    remade: extractions that are not kept (:class:`Extraction`), and so computed of a video whenever they are
    asked for. Those asked for last are held, of all together ``held`` bytes.
    """

    truth: GroundTruth
    footage: FootageLibrary
    device: str = "cpu"
    workers: int = 1
    report: Callable[[str, int, int], None] = lambda what, done, total: None
    motion: Callable[[], Iterator[MotionClip]] | None = None
    key_truth: GroundTruth | None = None
    remade: frozenset[str] = frozenset()
    held: int = 0

    @property
    def drawn(self) -> GroundTruth:
        """The annotation with the boxes that people drew, and no other."""
        return self.truth if self.key_truth is None else self.key_truth


@dataclass(frozen=True)
class Reads:
    """What a training stage is made from, beside its config and the training videos.

    Variants share a stage that is made from the same; what it does not read must not change it.

    stages: stages before it whose checkpoints it is given, or whose extractions it reads; None: all.
    flow: whether it reads the flow that is computed ahead (:attr:`Method.flow`).
    tracked: whether it reads the boxes that a tracker added, or ``TrainingData.drawn`` alone.
    """

    stages: tuple[str, ...] | None = None
    flow: bool = True
    tracked: bool = True


class TrainingStage(ABC):
    """One named part of training with a checkpoint of its own, run by :func:`bench.training.train`.

    The loop calls ``prepare`` once, then for every step ``batch(step)`` (in a background thread, a pure
    function of seed and step) and ``losses``; it owns optimiser stepping, saving and continuing.
    """

    name: str
    steps: int
    """Optimiser steps; may be set by ``prepare``; 0: what it builds is the result."""

    @abstractmethod
    def prepare(self, folder: Path) -> torch.nn.Module:
        """Build what is trained. ``folder`` keeps intermediate files, so that killed work is not repeated."""

    @abstractmethod
    def optimiser(self, module: torch.nn.Module) -> torch.optim.Optimizer:
        """The optimiser over the trained parameters; a group's ``lr_scale`` multiplies its learning rate."""

    @abstractmethod
    def learning_rate(self, step: int) -> float:
        """The learning rate of a step, a function of the step alone."""

    @abstractmethod
    def batch(self, step: int) -> Any:
        """The batch of a step: tensors or (nested) lists, dicts of them, on the CPU."""

    @abstractmethod
    def losses(self, module: torch.nn.Module, batch: Any) -> dict[str, torch.Tensor]:
        """Named loss terms whose sum is minimised."""


class Method(ABC):
    """A published method.

    Life cycle: ``configs`` lists the variants; the harness makes an instance from one of them, trains the
    stages in order (each is given the checkpoints of those before), calls ``load`` with all checkpoints,
    then ``predict`` for every video, and ``postprocess`` on each video's stored predictions. Only
    ``training_stage``, ``load``, ``begin`` and ``predict`` may need torch. Code may mark its parts by
    :mod:`bench.speed.marks`, so that they are timed apart.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    """As the paper writes it: ``PCSC``."""
    paper: ClassVar[str]
    """Key into the published numbers: ``pcsc2019``."""
    lookahead: ClassVar[int | None]
    """Future frames that a frame's detections need; None: the whole video."""
    paper_protocols: ClassVar[Mapping[str, str]] = {}
    """Dataset (and its miniature) -> ``evaluator[+trimming]`` by which the paper scored there.

    A run is scored by it beside the dataset's default. Absent: the paper does not say, or it is the default.
    """
    builds_on: ClassVar[tuple[str, ...]] = ()
    """Methods that the paper takes over and extends; their packages may be imported by this one's."""
    weights: ClassVar[tuple[Weights, ...]] = ()
    """Published weights that training can start from, as `bench weights` lists them."""

    def __init__(self, config: Any, info: Info) -> None:
        self.config = config
        self.info = info

    @classmethod
    @abstractmethod
    def configs(cls, dataset: str, size: str) -> Mapping[str, Any]:
        """Row -> config: ``default`` (the paper's best on that dataset) and one for every ablation row."""

    def check(self) -> None:
        """Raise ValueError for what training would miss, such as weights to start from; called before it."""
        return None

    def training_config(self) -> Mapping[str, Any]:
        """Stage name -> the part of the config that it reads, in order; the store's keys come from it.

        None by default: a method that has nothing to learn.
        """
        return {}

    def reads(self, stage: str) -> Reads:
        """What a stage of ``training_config`` reads; by default all that was made before it."""
        return Reads()

    def prediction_config(self) -> Any:
        """The part of the config that ``predict`` reads beyond the checkpoints; by default all of it."""
        return self.config

    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        """The stage of that name; ``checkpoints`` are those of the stages before it."""
        raise NotImplementedError(f"{self.name}.training_config names {name}; give its training_stage too")

    def load(self, checkpoints: Mapping[str, Path], device: str) -> None:
        """Load the checkpoints of all training stages. Raises ValueError for one of another config."""
        return None

    def begin(self, device: str) -> None:
        """Be ready to predict with the weights that training begins with, random from torch's generator.

        In place of ``load``, for ``bench speed``; a method that learns nothing need not give it.
        """
        if self.training_config():
            raise ValueError(f"{self.name} has no `begin`, so it is only timed as trained: name a --run")
        self.load({}, device)

    @abstractmethod
    def predict(self, footage: Footage, frames: Sequence[int]) -> Detections:
        """Everything that the network says of the given frames of one video, before any fusion or NMS.

        Boxes are in pixels of the annotation's frame size. Deterministic given weights.
        """

    def in_order(self, footage: Footage) -> Callable[[Sequence[int]], Detections]:
        """:meth:`predict` of one video some frames at a time, in order, as a stream has them.

        A call may keep for the next what it found of neighbouring frames; by default none does.
        """
        return partial(self.predict, footage)

    def stream(self, video: str, size: tuple[int, int]) -> Stream:
        """A stream of one video whose boxes are in pixels of ``size``, its width and height.

        Raises ValueError where the method needs the whole video (``lookahead`` is None).
        """
        if self.lookahead is None:
            raise ValueError(f"{self.name} cannot be streamed: it needs the whole video")
        return Stream(self, self.lookahead, video, size)

    @property
    def history(self) -> int | None:
        """Frames that the detections of one need, itself and those to come included; None: all before it."""
        return None

    @classmethod
    @abstractmethod
    def postprocess(
        cls, predictions: Detections, num_frames: int, config: Any, info: Info
    ) -> tuple[Detections, Tubes | None]:
        """Frame detections and action tubes of one video. Pure.

        None: the method makes no tubes, or none are wanted (``info.linked``).
        """

    def extractions(self) -> Mapping[str, Extraction]:
        """Name -> what is computed of every video once, in order: one may read those before it."""
        return {}

    def load_extraction(self, name: str, checkpoints: Mapping[str, Path], device: str) -> None:
        """Be ready to extract: load the checkpoints of the stages that the extraction names."""
        raise NotImplementedError(f"{self.name}.extractions names {name}; give its load_extraction too")

    def extract(self, name: str, footage: Footage) -> Arrays:
        """The arrays of one video. Deterministic given weights; called in several threads at once."""
        raise NotImplementedError(f"{self.name}.extractions names {name}; give its extract too")

    def tracks(self, footage: Footage) -> Tubes:
        """The tracks of one video that detections lie on; a track's label is -1 where it is of any class.

        Raises ValueError for a method that classifies boxes before it links them, and so has none.
        """
        raise ValueError(no_tracks(self.name))

    @property
    @abstractmethod
    def frame_size(self) -> tuple[int, int]:
        """Width and height of the frames that the network takes."""

    @property
    def cpu_threads(self) -> int:
        """Threads of the network on a CPU, fixed so that runs can be repeated; 0: all cores."""
        return 0

    @property
    def flow(self) -> FlowNeed | None:
        """The precomputed flow that the config asks for, None where none is needed."""
        return None

    def facts(self) -> dict[str, Any]:
        """What a leaderboard says of the model: ``pretraining``, ``flow_source``, ``boxes_from``.

        ``notes``, where there are any: readings of its own that a result must state, in sentences.
        """
        return {"pretraining": "none", "flow_source": None, "boxes_from": "own"}


class Stream:
    """The frames of one video as they come."""

    def __init__(self, method: Method, lookahead: int, video: str, size: tuple[int, int]) -> None:
        self._lookahead = lookahead
        self._footage = LiveFootage(video, method.frame_size, size, method.history)
        self._predict = method.in_order(self._footage)

    def push(self, frame_HW3: np.ndarray) -> Detections:
        """What :meth:`Method.predict` says of the frame ``lookahead`` before this one; RGB, uint8.

        A frame of another size than the network's is scaled to it; no rows while there is no such frame yet.
        """
        number = self._footage.push(frame_HW3) - self._lookahead
        if number < 0:
            return Detections.empty([self._footage.name])
        return self._predict([number])


@dataclass(frozen=True)
class Extraction:
    """What a method computes of every video once, for later stages and predictions: tracks, features.

    It is kept as arrays a video, shared by all runs whose stages and config it reads are the same, and found
    by :meth:`bench.footage.Footage.extracted`.

    stages: training stages whose checkpoints it needs; those after all of them may read it.
    config: the part of the configuration that it reads.
    flow: whether it reads the flow that is computed ahead.
    after: extractions before it that it reads; None: all.
    bytes_per_frame: about what is kept of a frame, 0: little. Above a run's budget for all videos nothing is
    kept, and it is computed whenever it is asked: a stage should then ask for all it needs of a video at once
    (``TrainingData.remade``).
    """

    stages: tuple[str, ...]
    config: Any
    bytes_per_frame: int = 0
    flow: bool = True
    after: tuple[str, ...] | None = None


@dataclass(frozen=True)
class FlowNeed:
    """Precomputed flow: the source's name, the frame size (width, height) for it, and its config key.

    only_training: prediction reads none, so that of the test videos is not computed.
    """

    source: str
    size: tuple[int, int] | None
    setting: str
    only_training: bool = False


def no_tracks(name: str) -> str:
    """Why a method of that name has none."""
    return (
        f"{name} follows nobody before it classifies: it has no tracks, only tubes; "
        "--tubes FILE takes those, `bench link RUN --out FILE` writes them"
    )


def clip_indices(frame: int, length: int, stride: int, num_frames: int) -> np.ndarray:
    """Frames of a clip with its key-frame at position ``length // 2``; ends repeat. int64 [length]."""
    offsets = stride * (np.arange(length) - length // 2)
    return np.clip(frame + offsets, 0, num_frames - 1)


def available() -> dict[str, str]:
    """Method name -> module that holds it: packages below ``methods`` and entry points ``bench.methods``."""
    import methods

    skip = {"nn", "common"}
    ours = {
        m.name.replace("_", "-"): f"methods.{m.name}"
        for m in pkgutil.iter_modules(methods.__path__)
        if m.ispkg and m.name not in skip
    }
    return ours | {e.name: e.value for e in entry_points(group="bench.methods")}


def find(name: str) -> type[Method]:
    """The method of that name. Raises ValueError that names near ones."""
    known = available()
    chosen = choose(name, known, "method")
    module, _, attribute = known[chosen].partition(":")
    return getattr(importlib.import_module(module), attribute or "METHOD")
