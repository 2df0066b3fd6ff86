"""What a run will do, resolved before anything is computed: dataset, method, config, protocol, keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import datasets
import methods.base
from bench import __version__
from bench.files.store import Store, digest
from bench.files.tables import digest_ground_truth
from bench.flow import source
from bench.names import choose
from bench.protocol import Protocol
from bench.records import GroundTruth
from bench.runs import settings
from bench.video import Video
from datasets import DataError, Dataset
from methods.base import SIZES, Info, Method


@dataclass(frozen=True)
class Request:
    """What a user asks for, in words."""

    method: str
    dataset: str
    split: str = "1"
    variant: str = ""
    seed: int = 0
    device: str = "auto"
    precision: str = "32-true"
    data_root: Path | None = None
    runs_dir: Path = Path("runs")
    overrides: tuple[str, ...] = ()
    partial: bool = False


@dataclass(frozen=True)
class Plan:
    """A request with every name resolved. Making it reads annotation, never a video."""

    request: Request
    dataset: Dataset
    method: Method
    variant: str
    default: Any
    protocol: Protocol

    @classmethod
    def of(cls, request: Request) -> Self:
        """Resolve a request; renders a miniature that is not there. Raises ValueError for unknown names."""
        kind = methods.base.find(request.method)
        name, _ = _named(request.dataset)
        row_size, row = _variant(request.variant, name)
        config = kind.configs(name, row_size)
        row = choose(row, config, f"variant of {kind.name}")
        chosen = settings.apply(config[row], request.overrides)
        found = datasets.find(name)
        split = choose(request.split, found.splits, f"split of {found.title}")
        dataset = open_dataset(request.dataset, request.data_root, request.runs_dir)
        info = Info(dataset.classes, dataset.multi_label, dataset.trimmed, dataset.flipped_labels)
        return cls(
            request, dataset, kind(chosen, info), f"{row_size}+{row}", config[row], dataset.protocol(split)
        )

    @property
    def store(self) -> Store:
        """Where steps keep their results, shared by all runs of ``runs_dir``."""
        return Store(self.request.runs_dir / "store")

    @property
    def label(self) -> str:
        """The variant as tables name it: ``tiny+default``, and what differs from it."""
        return " ".join([self.variant, *settings.differences(self.default, self.method.config)])

    @property
    def title(self) -> str:
        """``pcsc tiny+default``, and what was overridden."""
        return f"{self.method.name} {self.label}"

    @property
    def folder(self) -> Path:
        """The run's own folder."""
        key = digest([self.link_key, self.protocol.id])[:8]
        split, seed = self.protocol.split, self.request.seed
        name = f"{self.method.name}_{self.variant}_{split}_{seed}_{key}"
        return self.request.runs_dir / self.dataset.id / name

    @cached_property
    def truth(self) -> GroundTruth:
        """Annotation of all videos, as the protocol wants it."""
        return self.dataset.truth(self.protocol)

    @cached_property
    def train_truth(self) -> GroundTruth:
        """Annotation of the training videos that are there."""
        return self.truth.select(self._present(self.dataset.split(self.protocol.split).train, "training"))

    @cached_property
    def expected_videos(self) -> tuple[str, ...]:
        """The test videos that the protocol demands."""
        return self.dataset.split(self.protocol.split).test

    @cached_property
    def test_videos(self) -> tuple[str, ...]:
        """The test videos that are predicted: all, or with ``partial`` those that are there."""
        return self._present(self.expected_videos, "test")

    @cached_property
    def test_truth(self) -> GroundTruth:
        """Annotation of the test videos."""
        return self.truth.select(self.test_videos)

    def _present(self, names: tuple[str, ...], part: str) -> tuple[str, ...]:
        missing = set(self.dataset.missing_videos(names))
        if missing and not self.request.partial:
            some = ", ".join(sorted(missing)[:5])
            raise DataError(
                f"{self.dataset.title} in {self.dataset.root} lacks {len(missing)} of {len(names)} {part} "
                f"videos of split {self.protocol.split}: {some}{' ...' if len(missing) > 5 else ''}. "
                "Complete it, or use --partial to go on with what is there (never ranked)"
            )
        if len(missing) == len(names):
            raise DataError(f"{self.dataset.title} in {self.dataset.root} has none of the {part} videos")
        return tuple(name for name in names if name not in missing)

    def videos(self, truth: GroundTruth) -> list[Video]:
        """Where the videos of an annotation lie, with the annotation's frame size."""
        return videos_of(self.dataset, truth, self.request.runs_dir / "cache" / "videos")

    @cached_property
    def train_keys(self) -> Mapping[str, str]:
        """Training stage -> key in the store; each depends on those before it."""
        key: Any = self._origin | {
            "truth": digest_ground_truth(self.train_truth),
            "seed": self.request.seed,
            "precision": self.request.precision,
        }
        keys = {}
        for stage, config in self.method.training_config().items():
            key = digest([key, stage, config])
            keys[stage] = key
        return keys

    @cached_property
    def predict_key(self) -> str:
        """Key of the predictions of the test videos."""
        config = self.method.prediction_config()
        return digest([self._origin, dict(self.train_keys), config, list(self.test_videos)])

    @property
    def _origin(self) -> dict[str, Any]:
        """What everything that a run computes depends on; the key of the flow says which weights made it."""
        need = self.method.flow
        flow = None
        if need is not None:
            try:
                flow = source(need.source).key
            except ValueError:
                flow = need.source  # it cannot be used here: the run stops before it computes anything
        return {"method": self.method.name, "dataset": self.dataset.id, "flow": flow, "code": __version__}

    @cached_property
    def link_key(self) -> str:
        """Key of detections and tubes."""
        return digest([self.predict_key, self.method.config.postprocess, __version__])


def open_dataset(name: str, data_root: Path | None, runs_dir: Path) -> Dataset:
    """The dataset that ``--dataset`` means; renders a miniature that is not there."""
    kind, size = _named(name)
    return datasets.prepare(kind, data_root, runs_dir / "cache", size)


def videos_of(dataset: Dataset, truth: GroundTruth, known: Path | None = None) -> list[Video]:
    """Where the videos of an annotation lie, with the annotation's frame size and number of frames.

    ``known``: folder where what is found of the files is kept (:mod:`bench.video.known`).
    """
    table = truth.videos
    return [
        Video(
            name, dataset.video_path(name), int(width), int(height),
            expected=dataset.real_frames.get(name, int(frames)), fps=float(fps), known=known,
        )
        for name, width, height, frames, fps in zip(
            table.names, table.width, table.height, table.frames, table.fps
        )
    ]  # fmt: skip


def _named(name: str) -> tuple[str, str]:
    """(dataset, size) of ``ucf24-mini``, ``ucf24-mini.micro`` or ``ucf24-mini@1.micro``."""
    from datasets.mini import Miniature

    plain, at, rest = name.partition("@")
    version, _, size = rest.partition(".") if at else ("", "", "")
    if not at:
        plain, _, size = name.partition(".")
    kind = datasets.find(plain)
    if not issubclass(kind, Miniature):
        if at or size:
            raise ValueError(f"--dataset {name}: {kind.title} has no versions or sizes; miniatures have")
        return kind.name, ""
    if at and version != str(kind.version):
        raise ValueError(f"--dataset {name}: this is version {kind.version} of {kind.name}, not {version}")
    return kind.name, size or "small"


def _variant(text: str, dataset: str) -> tuple[str, str]:
    """(size, row) of ``[size+]row``; a size alone means its default row, nothing the dataset's usual size."""
    usual = "tiny" if dataset.endswith("-mini") else "full"
    first, plus, row = text.partition("+")
    if plus:
        return choose(first, SIZES, "size"), row
    if text in SIZES:
        return text, "default"
    return usual, text or "default"
