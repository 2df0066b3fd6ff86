"""Finished runs, opened again from their folders: linked once more without network, shown, looked up."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import NamedTuple

from bench.files.store import Store, write_atomic
from bench.files.tables import digest_ground_truth, videos_done
from bench.records import Tubes
from bench.results.mean import MEAN
from bench.results.result import Result
from bench.runs import settings
from bench.runs.asked import row_of
from bench.runs.begun import check_config, read_today
from bench.runs.plan import Plan, Request, open_dataset
from bench.runs.reporter import Reporter
from bench.runs.run import Run
from datasets import DataError, Dataset


@dataclass(frozen=True)
class Predicted(Plan):
    """The plan of a run whose predictions are in the store under this key; nothing before them is needed."""

    key: str = ""

    @cached_property
    def predict_key(self) -> str:
        """The key that the predictions had when they were made."""
        return self.key

    @cached_property
    def test_videos(self) -> tuple[str, ...]:
        """Those that were predicted."""
        done = set(videos_done(self.store.folder("predict", self.key)))
        return tuple(name for name in self.expected_videos if name in done)


@dataclass(frozen=True)
class Finished:
    """A finished run: its result, and the folder of all runs that it lies in."""

    folder: Path
    result: Result
    runs_dir: Path

    @classmethod
    def of(cls, folder: Path) -> Finished:
        """Raises ValueError for a result of predictions in files, and where the store is not there."""
        result, runs_dir = Result.read(folder), folder.parents[1]
        if result.split == MEAN:
            raise ValueError(f"{folder} is a mean over splits; name the run of one split")
        if "link" not in result.inputs:
            raise ValueError(
                f"{folder} was scored from files, there is no run behind it; name them with --predictions or "
                "--tubes"
            )
        if not (runs_dir / "store").is_dir():
            raise ValueError(f"{folder} lies apart from its {runs_dir / 'store'}; name it where it was run")
        return cls(folder, result, runs_dir)

    @property
    def store(self) -> Store:
        """Where the results of its steps lie."""
        return Store(self.runs_dir / "store")

    def dataset(self, data_root: Path | None) -> Dataset:
        """The dataset. Raises DataError where it is not there, or has become another one."""
        found = open_dataset(self._dataset_name, data_root, self.runs_dir)
        if found.id != self.result.dataset:
            raise DataError(f"{self.folder} is of {self.result.dataset}, but {found.root} holds {found.id}")
        return found

    @property
    def _dataset_name(self) -> str:
        name = self.result.dataset
        return "custom" if name.startswith("custom-") else name

    def plan(self, data_root: Path | None) -> Predicted:
        """The plan that made it.

        Raises ValueError where its predictions are gone, the annotation is not what it was, or this version
        makes another configuration of what was asked for then.
        """
        result, key = self.result, self.result.inputs["predict"]
        if not self.store.is_done("predict", key):
            raise ValueError(f"{self.folder}: its predictions are gone from {self.store.root}; run it again")
        variant, said = settings.of_label(result.identity.variant)
        request = Request(
            result.identity.method, self._dataset_name, result.split, variant, result.identity.seed,
            data_root=data_root, runs_dir=self.runs_dir,
            fit=result.training.data if result.training else "train",
        )  # fmt: skip
        with read_today(self.folder):
            overrides = settings.restored(row_of(request)[2], said, result.identity.config)
            plan = replace(Predicted.of(replace(request, overrides=overrides)), key=key)
        check_config(self.folder, result, plan.method.config)
        truth = plan.dataset.truth(result.rules).select(plan.test_videos)
        if digest_ground_truth(truth) != result.truth_digest:
            raise ValueError(f"{self.folder}: the annotation has changed since; run it again")
        return plan


class Relinked(NamedTuple):
    """Tubes, the plan with the settings that made them, and where they lie: a folder, or their file."""

    plan: Plan
    place: Path
    tubes: Tubes


def relink(
    run: Path, data_root: Path | None, overrides: Sequence[str], reporter: Reporter, out: Path | None = None
) -> Relinked:
    """Link the stored predictions of a run with other settings of postprocess, by its own method.

    What comes of it lies in the store, where ``bench run`` with the same settings finds it, and in ``out`` if
    that is given: a folder, or the file of tubes. Raises ValueError for settings that change more than
    postprocess, and for a method that makes no tubes.
    """
    return relink_plan(Finished.of(run).plan(data_root), overrides, reporter, out)


def relink_plan(
    before: Predicted, overrides: Sequence[str], reporter: Reporter, out: Path | None = None
) -> Relinked:
    """As :func:`relink`, of a run whose predictions are in the store."""
    request = before.request
    after = Predicted.of(replace(request, overrides=(*request.overrides, *overrides)))
    plan = replace(after, key=before.key)
    if replace(plan.method.config, postprocess=before.method.config.postprocess) != before.method.config:
        raise ValueError(
            f"--set {' '.join(overrides)}: changes what is trained or predicted, but linking again changes "
            "postprocess. ... alone; `bench run` does the rest"
        )
    _, tubes = Run(plan, reporter).link()
    folder = plan.store.folder("link", plan.link_key)
    if tubes is None:
        raise ValueError(f"{plan.title} makes no tubes; its detections are in {folder}")
    return Relinked(plan, folder if out is None else _copied(folder, out), tubes)


def _copied(folder: Path, out: Path) -> Path:
    """Copies of detections and tubes in the folder ``out``, or of the tubes as the file ``out``."""
    if out.suffix == ".parquet":
        copies = {out: folder / "tubes.parquet"}
    else:
        copies = {out / file.name: file for file in folder.glob("*.parquet")}
    for copy, file in copies.items():
        write_atomic(copy, partial(shutil.copyfile, file))
    return out
