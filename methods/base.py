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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bench.names import choose
from bench.records import Detections, GroundTruth, Tubes

if TYPE_CHECKING:
    import torch

    from bench.footage import Footage, FootageLibrary

SIZES = ("full", "tiny")


@dataclass(frozen=True)
class Info:
    """What a method needs to know of a dataset.

    flipped_labels: the label of each class when the picture is mirrored (a wave to the left becomes one to
    the right), or None where mirroring has no meaning and must not be used in training.
    """

    classes: tuple[str, ...]
    multi_label: bool = False
    trimmed: bool = False
    flipped_labels: tuple[int, ...] | None = None


@dataclass(frozen=True)
class TrainingData:
    """The training videos alone: their annotation, and footage that opens no other video.

    device, workers: where and how many videos side by side an earlier stage's network may be applied;
    report: told (what, done, total) by a ``prepare`` that takes long.
    """

    truth: GroundTruth
    footage: FootageLibrary
    device: str = "cpu"
    workers: int = 1
    report: Callable[[str, int, int], None] = lambda what, done, total: None


class TrainingStage(ABC):
    """One named part of training with a checkpoint of its own, run by :func:`bench.training.train`.

    The loop calls ``prepare`` once, then for every step ``batch(step)`` (in a background thread, a pure
    function of seed and step) and ``losses``; it owns optimiser stepping, saving and continuing.
    """

    name: str
    steps: int
    """Optimiser steps; may be set by ``prepare``."""

    @abstractmethod
    def prepare(self, folder: Path) -> torch.nn.Module:
        """Build what is trained. ``folder`` keeps intermediate files, so that killed work is not repeated."""

    @abstractmethod
    def optimiser(self, module: torch.nn.Module) -> torch.optim.Optimizer:
        """The optimiser over the trained parameters."""

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
    ``training_stages``, ``load`` and ``predict`` need torch.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    """As the paper writes it: ``PCSC``."""
    paper: ClassVar[str]
    """Key into the published numbers: ``pcsc2019``."""
    lookahead: ClassVar[int | None]
    """Future frames that a frame's detections need; None: the whole video."""

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

    @abstractmethod
    def training_config(self) -> Mapping[str, Any]:
        """Stage name -> the part of the config that it reads, in order; the store's keys come from it."""

    @abstractmethod
    def prediction_config(self) -> Any:
        """The part of the config that ``predict`` reads beyond the checkpoints."""

    @abstractmethod
    def training_stage(
        self, name: str, data: TrainingData, seed: int, checkpoints: Mapping[str, Path]
    ) -> TrainingStage:
        """The stage of that name; ``checkpoints`` are those of the stages before it."""

    @abstractmethod
    def load(self, checkpoints: Mapping[str, Path], device: str) -> None:
        """Load the checkpoints of all training stages. Raises ValueError for one of another config."""

    @abstractmethod
    def predict(self, footage: Footage, frames: Sequence[int]) -> Detections:
        """Everything that the network says of the given frames of one video, before any fusion or NMS.

        Boxes are in pixels of the annotation's frame size. Deterministic given weights.
        """

    @classmethod
    @abstractmethod
    def postprocess(
        cls, predictions: Detections, num_frames: int, config: Any, info: Info
    ) -> tuple[Detections, Tubes | None]:
        """Frame detections and action tubes of one video. Pure; None: the method makes no tubes."""

    @property
    @abstractmethod
    def frame_size(self) -> tuple[int, int]:
        """Width and height of the frames that the network takes."""

    @property
    def cpu_threads(self) -> int:
        """Threads of the network on a CPU, fixed so that runs can be repeated; 0: all cores."""
        return 0

    @property
    @abstractmethod
    def flow(self) -> FlowNeed | None:
        """The precomputed flow that the config asks for, None where none is needed."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What a leaderboard says of the model's training: ``pretraining``, ``boxes_from``, ``input`` ..."""


@dataclass(frozen=True)
class FlowNeed:
    """Precomputed flow: the source's name, the frame size (width, height) for it, and its config key."""

    source: str
    size: tuple[int, int] | None
    setting: str


def clip_indices(frame: int, length: int, stride: int, num_frames: int) -> np.ndarray:
    """Frames of a clip with its key-frame at position ``length // 2``; ends repeat. int64 [length]."""
    offsets = stride * (np.arange(length) - length // 2)
    return np.clip(frame + offsets, 0, num_frames - 1)


def available() -> dict[str, str]:
    """Method name -> module that holds it: packages below ``methods`` and entry points ``bench.methods``."""
    import methods

    skip = {"nn"}
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
