"""The truth that a command is told of: ``--truth`` names its files, ``--dataset`` a dataset's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.interop.base import Truth
from bench.interop.formats import read_truth
from bench.names import choose
from bench.protocol import Protocol, evaluator

if TYPE_CHECKING:
    from datasets import Dataset


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
        if self.dataset is not None and self.truth is not None:
            raise ValueError("--truth and --dataset both name the truth; leave one out")
        if self.dataset is not None:
            return self._of_dataset(self.dataset, all_videos and self.split is None)
        if self.truth is None:
            return Known()
        truth = read_truth(self.truth, self.split)
        return Known(truth, Protocol(self.truth.stem, truth.split, evaluator("act")))

    def _of_dataset(self, name: str, all_videos: bool) -> Known:
        from bench.runs.plan import open_dataset

        dataset = open_dataset(name, self.data_root, self.runs_dir)
        split = choose(self.split or dataset.splits[0], dataset.splits, f"split of {dataset.title}")
        protocol = dataset.protocol(split)
        annotation = dataset.truth(protocol)
        names = annotation.videos.names if all_videos else dataset.split(split).test
        others = frozenset(annotation.videos.names) - set(names)
        truth = Truth(annotation.select(names), split, others, read_timed=dataset.read_timed)
        return Known(truth, protocol, dataset)


@dataclass(frozen=True)
class Known:
    """What there is of it. protocol: that of the dataset, or ``act`` for somebody's files."""

    truth: Truth | None = None
    protocol: Protocol | None = None
    dataset: Dataset | None = None
