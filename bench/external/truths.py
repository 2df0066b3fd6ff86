"""The truth that a command is told of: ``--truth`` names its files, ``--dataset`` a dataset's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.interop.base import Truth
from bench.interop.formats import read_truth
from bench.names import choose, slug
from bench.protocol import Evaluator, Protocol, Trimming, evaluator

if TYPE_CHECKING:
    from datasets import Dataset

Source = Callable[[Evaluator], tuple[Truth, Protocol]]
"""The annotation that an evaluator scores, and the protocol that this is."""


@dataclass(frozen=True)
class Told:
    """What a user says of the truth, in words: nothing, a file or a dataset."""

    truth: Path | None = None
    dataset: str | None = None
    split: str | None = None
    data_root: Path | None = None
    runs_dir: Path = Path("runs")

    def read(self, all_videos: bool = False) -> Known:
        """What there is of it: the test videos of a split; of a dataset all, if asked for and none is named.

        Raises ValueError where both are named, or what is named cannot be read.
        """
        self._check()
        if self.dataset is not None:
            dataset, split = self._dataset(self.dataset)
            protocol = dataset.protocol(split)
            every = all_videos and self.split is None
            return Known(_of_dataset(dataset, protocol, every), protocol, dataset)
        if self.truth is None:
            return Known()
        truth = read_truth(self.truth, self.split)
        return Known(truth, Protocol(self.truth.stem, truth.split, evaluator("act")))

    def source(self, trimming: Trimming = "") -> Source:
        """What is scored of it, and what scoring it is called, by evaluator.

        Raises ValueError where nothing or both are named, and for trimming where there is nothing to trim.
        """
        self._check()
        if self.dataset is not None:
            return self._source_of_dataset(self.dataset, trimming)
        if self.truth is None:
            raise ValueError("what is the truth? Name its file with --truth, or a dataset with --dataset")
        whole = read_truth(self.truth, self.split)
        truth = _trimmed(whole, self.truth, trimming) if trimming else whole
        name = f"file-{slug(self.truth.stem).lower()}"

        def source(found: Evaluator) -> tuple[Truth, Protocol]:
            ranking = "video_map/0.50" if found.tubes and truth.has_tubes else "frame_map/0.50"
            return truth, Protocol(name, truth.split, found, ranking_metric=ranking, trimming=trimming)

        return source

    def _source_of_dataset(self, name: str, trimming: Trimming) -> Source:
        dataset, split = self._dataset(name)

        def source(found: Evaluator) -> tuple[Truth, Protocol]:
            protocol = dataset.protocol(split, found.name, trimming)
            return _of_dataset(dataset, protocol), protocol

        return source

    def _check(self) -> None:
        if self.dataset is not None and self.truth is not None:
            raise ValueError("--truth and --dataset both name the truth; leave one out")

    def _dataset(self, name: str) -> tuple[Dataset, str]:
        """The dataset of that name, and its split: the one that is named, or the first."""
        from bench.runs.plan import open_dataset

        dataset = open_dataset(name, self.data_root, self.runs_dir)
        split = choose(self.split or dataset.splits[0], dataset.splits, f"split of {dataset.title}")
        return dataset, split


def _of_dataset(dataset: Dataset, protocol: Protocol, all_videos: bool = False) -> Truth:
    """What a protocol scores of a dataset: its split's test videos, or all."""
    annotation = dataset.truth(protocol)
    names = annotation.videos.names if all_videos else dataset.split(protocol.split).test
    others = frozenset(annotation.videos.names) - set(names)
    return Truth(annotation.select(names), protocol.split, others, read_timed=dataset.read_timed)


def _trimmed(truth: Truth, path: Path, trimming: Trimming) -> Truth:
    """The truth of a file, of which only frames with somebody acting count."""
    from datasets.trimming import trimmed

    if not truth.has_tubes:
        raise ValueError(
            f"--protocol ...+{trimming}: {path} has boxes of single frames, and no actions that videos could "
            "be trimmed to; leave the trimming out"
        )
    return replace(truth, annotation=trimmed(truth.annotation))


@dataclass(frozen=True)
class Known:
    """What there is of it. protocol: that of the dataset, or ``act`` for somebody's files."""

    truth: Truth | None = None
    protocol: Protocol | None = None
    dataset: Dataset | None = None
