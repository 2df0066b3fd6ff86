"""What a run will do, resolved before anything is computed: dataset, method, config, protocol, keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

import datasets
from bench import __version__
from bench.files.store import Store, digest
from bench.files.tables import digest_ground_truth
from bench.flow import source
from bench.names import choose
from bench.protocol import Protocol
from bench.records import GroundTruth
from bench.runs import settings
from bench.runs.asked import FITS, Request, dataset_named, protocol_named, row_of
from bench.runs.validation import held_out
from bench.video import Video
from datasets import DataError, Dataset
from methods.base import Info, Method

__all__ = ["FITS", "Plan", "Request", "open_dataset", "videos_of"]


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
        request = replace(request, fit=choose(request.fit, FITS, "--fit"))
        kind, variant, default = row_of(request)
        name, _ = dataset_named(request.dataset)
        chosen = settings.apply(default, request.overrides)
        found = datasets.find(name)
        split = choose(request.split or found.splits[0], found.splits, f"split of {found.title}")
        dataset = open_dataset(request.dataset, request.data_root, request.runs_dir)
        protocol = dataset.protocol(split)
        info = Info(
            dataset.classes, dataset.multi_label, dataset.trimmed, dataset.flipped_labels,
            linked=protocol.evaluator.tubes is not None,
        )  # fmt: skip
        return cls(request, dataset, kind(chosen, info), variant, default, protocol)

    @property
    def store(self) -> Store:
        """Where steps keep their results, shared by all runs of ``runs_dir``."""
        return Store(self.request.runs_dir / "store")

    @property
    def label(self) -> str:
        """The variant as tables name it: ``tiny+default``, and what differs but for where files lie."""
        fit = [] if self.request.fit == FITS[0] else [f"fit={self.request.fit}"]
        tuned = [f"tuned={self.tuned.replace(' ', '-')}"] if self.tuned else []
        return " ".join([self.variant, *fit, *tuned, *settings.differences(self.default, self.method.config)])

    @property
    def tuned(self) -> str:
        """On what its settings were chosen; nothing: they were not tuned."""
        return ""

    @property
    def title(self) -> str:
        """``pcsc tiny+default``, and what was overridden."""
        return f"{self.method.name} {self.label}"

    @property
    def folder(self) -> Path:
        """The run's own folder."""
        return self.folder_of(self.protocol)

    def folder_of(self, protocol: Protocol) -> Path:
        """Where the result under a protocol lies; the name says which, where it is not the plan's own."""
        key = digest([self.link_key, protocol.id, *([self.tuned] if self.tuned else [])])[:8]
        other = "" if protocol == self.protocol else f"-{protocol.name}"
        name = f"{self.method.name}_{self.variant}_{protocol.split}{other}_{self.request.seed}_{key}"
        return self.request.runs_dir / self.dataset.id / name

    @cached_property
    def protocols(self) -> tuple[Protocol, ...]:
        """All that it is scored by: its own, the paper's where that differs, and what was asked for.

        Raises ValueError for an evaluator that there is not, and for trimming where nothing is to be trimmed.
        """
        papers = self.method.paper_protocols.get(self.dataset.name.removesuffix("-mini"))
        names = [name for name in (papers, self.request.protocol) if name and name != "all"]
        found = [protocol_named(self.dataset, self.protocol.split, name) for name in names]
        return tuple({protocol.id: protocol for protocol in (self.protocol, *found)}.values())

    @cached_property
    def truth(self) -> GroundTruth:
        """Annotation of all videos, as the protocol wants it."""
        return self.dataset.truth(self.protocol)

    @cached_property
    def train_truth(self) -> GroundTruth:
        """Annotation of the videos that are trained on, of those that are there and in frames that they have.

        Some annotation goes on after its video has ended: it counts when it is scored, but shows nothing.
        """
        return self._learnable(self.truth)

    @cached_property
    def train_key_truth(self) -> GroundTruth | None:
        """The same with the boxes that were annotated alone, where a tracker added to them; else None."""
        evaluator = self.protocol.evaluator
        if evaluator.truth == "annotated":
            return None
        protocol = replace(self.protocol, evaluator=replace(evaluator, truth="annotated"))
        return self._learnable(self.dataset.truth(protocol))

    def _learnable(self, truth: GroundTruth) -> GroundTruth:
        truth = truth.select(self._present(self.fit_videos, "training"))
        table, boxes, tubes = truth.videos, truth.boxes, truth.tubes
        real = self.dataset.real_frames
        ends = np.array([real.get(name, n) for name, n in zip(table.names, table.frames)], np.int32)
        return replace(
            truth,
            videos=replace(table, frames=ends),
            tubes=replace(tubes, end=np.minimum(tubes.end, ends[tubes.video])),
            boxes=boxes[boxes.frame < ends[boxes.video]],
        )

    @cached_property
    def fit_videos(self) -> tuple[str, ...]:
        """The videos that are to be trained on: of the split, or those of it that validation leaves."""
        train = self.dataset.split(self.protocol.split).train
        if self.request.fit == FITS[0]:
            return train
        held = set(self.validation_videos)
        return tuple(name for name in train if name not in held)

    @cached_property
    def validation_videos(self) -> tuple[str, ...]:
        """The training videos that ``train-minus-val`` leaves out: whole source groups of every class.

        Raises DataError where no class has two groups.
        """
        videos = held_out(self.truth.select(self.dataset.split(self.protocol.split).train))
        if not videos:
            raise DataError(
                f"{self.dataset.title}: no class has two source groups of training videos, so that none can "
                "be held out; train on all of them (--fit train)"
            )
        return videos

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
        """Training stage -> key in the store: of what it reads, those of the stages before it included."""
        shared: dict[str, Any] = {"seed": self.request.seed, "precision": self.request.precision}
        drawn = truth = {"truth": digest_ground_truth(self.train_truth)}
        if self.train_key_truth is not None:
            drawn = {"truth": digest_ground_truth(self.train_key_truth)}
            truth = truth | {"key_truth": drawn["truth"]}
        keys: dict[str, str] = {}
        for stage, config in self.method.training_config().items():
            reads = self.method.reads(stage)
            before = keys if reads.stages is None else {name: keys[name] for name in reads.stages}
            read = self._origin(reads.flow) | shared | (truth if reads.tracked else drawn)
            keys[stage] = digest([read, dict(before), stage, config])
        return keys

    @cached_property
    def extraction_keys(self) -> Mapping[str, str]:
        """Extraction -> key in the store: of what it reads, stages and extractions included."""
        keys: dict[str, str] = {}
        for name, one in self.method.extractions().items():
            stages = {stage: self.train_keys[stage] for stage in one.stages}
            before = keys if one.after is None else {other: keys[other] for other in one.after}
            keys[name] = digest([self._origin(one.flow), stages, name, one.config, dict(before)])
        return keys

    @cached_property
    def predict_key(self) -> str:
        """Key of the predictions of the test videos."""
        config, asked = self.method.prediction_config(), self.asked_frames
        parts = [self._origin(), dict(self.train_keys), config, list(self.test_videos)]
        return digest(parts if asked is None else [*parts, dict(asked)])

    @cached_property
    def asked_frames(self) -> Mapping[str, Sequence[int]] | None:
        """Test video -> the frames that are predicted of it, rising; None: all of every video.

        Those that the annotation lists as scored, where no tubes are: linking needs every frame.
        """
        scored = self.test_truth.scored_frames
        if scored is None or self.protocol.evaluator.tubes is not None:
            return None
        return {
            name: np.unique(scored[scored[:, 0] == video, 1]).tolist()
            for video, name in enumerate(self.test_truth.videos.names)
        }

    def _origin(self, reads_flow: bool = True) -> dict[str, Any]:
        """What everything that a run computes depends on; the key of the flow says which weights made it."""
        need = self.method.flow if reads_flow else None
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
    kind, size = dataset_named(name)
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
