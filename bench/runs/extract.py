"""What methods compute of every video once and keep (:class:`methods.base.Extraction`), beside the store.

A video's arrays lie in one folder of ``.npy`` files, which are mapped, not read; the folder is whole or
absent. Where all of it would be larger than the budget nothing is kept, and it is computed when asked.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from bench.files.store import write_folder
from bench.footage import Arrays, Footage, FootageLibrary
from bench.runs.plan import Plan
from bench.runs.recent import Recent
from bench.runs.reporter import Reporter
from methods.base import Extraction, Method

if TYPE_CHECKING:
    from bench.training import Compute

ENDING = ".arrays"


@dataclass
class Kept:
    """One extraction of a method that is loaded; ``folder``: where it is kept, None: it is not.

    recent: what was asked for last, of any extraction.
    """

    method: Method
    name: str
    folder: Path | None
    recent: Recent = field(default_factory=Recent)
    lock: Lock = field(default_factory=Lock)

    def of(self, footage: Footage) -> Arrays:
        """The arrays of a video, computed where they are not kept. Deterministic, so either is the same."""
        key = self.name, footage.name
        found = self.recent.get(key)
        if found is not None:
            return found
        if self.folder is not None:
            path = arrays_path(self.folder, footage.name)
            if not path.is_dir():
                self._keep(path, self.method.extract(self.name, footage))
            opened = {file.stem: np.load(file, mmap_mode="r") for file in sorted(path.glob("*.npy"))}
            return self.recent.put(key, opened, 0)
        with self.lock:
            found = self.recent.get(key)
            if found is None:
                found = self.method.extract(self.name, footage)
                self.recent.put(key, found, sum(array.nbytes for array in found.values()))
            return found

    def missing(self, library: FootageLibrary) -> list[str]:
        """The library's videos that are to be kept and are not yet."""
        if self.folder is None:
            return []
        return [name for name in library if not arrays_path(self.folder, name).is_dir()]

    def prepare(self, library: FootageLibrary, workers: int, progress: Callable[[int, int], None]) -> None:
        """Compute and keep what is missing of the library's videos, so many at once."""
        todo = self.missing(library)
        with ThreadPoolExecutor(workers) as pool:
            for done, _ in enumerate(pool.map(lambda name: self.of(library[name]), todo), 1):
                progress(done, len(todo))

    @staticmethod
    def _keep(path: Path, arrays: Arrays) -> None:
        def write(temporary: Path) -> None:
            for name, values in arrays.items():
                np.save(temporary / f"{name}.npy", values, allow_pickle=False)

        write_folder(path, write)


def arrays_path(folder: Path, video: str) -> Path:
    """The folder of a video's arrays. Raises ValueError for names that would lead out of the store."""
    parts = PurePosixPath(video).parts
    if not parts or ".." in parts or parts[0] == "/" or "\0" in video:
        raise ValueError(f"video name {video!r} cannot name a file")
    return folder.joinpath(*parts[:-1], parts[-1] + ENDING)


def too_large(whole: int, missing: int, budget_gb: float, folder: Path) -> str:
    """Why so many bytes, of which some are missing yet, are not kept; nothing: they are.

    What lies there whole is used, whatever the budget. Raises ValueError where the budget allows what the
    disk cannot hold.
    """
    if missing and whole > budget_gb * 1e9:
        return f"{whole / 1e9:.1f} GB would be kept, --feature-budget is {budget_gb:g}: computed when asked"
    free = shutil.disk_usage(folder).free
    if missing > free:
        raise ValueError(
            f"{missing / 1e9:.1f} GB of features would be kept, {folder} has {free / 1e9:.1f} GB free; make "
            f"room, use another disk, or say --feature-budget {free / 2e9:.1f}: they are computed when asked"
        )
    return ""


@dataclass
class Extractor:
    """The extractions of a run, made ready in their order as their stages are trained."""

    plan: Plan
    reporter: Reporter
    ready: dict[str, Kept] = field(default_factory=dict)
    folders: dict[str, Path | None] = field(default_factory=dict)
    recent: Recent = field(default_factory=Recent)

    @property
    def kept(self) -> list[str]:
        """Those that lie on disk; others are computed when they are asked for."""
        return [name for name, one in self.ready.items() if one.folder is not None]

    @property
    def remade(self) -> frozenset[str]:
        """Those that are ready and do not lie on disk."""
        return frozenset(self.ready) - frozenset(self.kept)

    def __call__(self, footage: Footage, name: str) -> Arrays:
        """The arrays of one video. Raises ValueError for an extraction that is not ready."""
        if name not in self.ready:
            raise ValueError(
                f"{footage.name}: {name} is not extracted yet, only {sorted(self.ready)}; a stage may read "
                "extractions whose own stages all come before it"
            )
        return self.ready[name].of(footage)

    def check(self) -> None:
        """Warn of what will not be kept, as the budget does not allow it.

        Raises ValueError where the budget allows what the disk cannot hold.
        """
        for name, one in self.plan.method.extractions().items():
            self._folder(name, one)

    def prepare(
        self, library: FootageLibrary, checkpoints: Mapping[str, Path], videos: str, keep: bool = True
    ) -> None:
        """Make ready what the stages of these checkpoints allow, and keep it of all videos of the library.

        keep: False: of those videos that are asked about, when they are.
        """
        from bench.training import Compute

        method = self.plan.method
        compute = Compute(self.plan.request.device, threads=method.cpu_threads)
        for name, one in method.extractions().items():
            if not set(one.stages) <= set(checkpoints):
                continue
            if name not in self.ready:
                needed = {stage: checkpoints[stage] for stage in one.stages}
                method.load_extraction(name, needed, compute.torch_device)
                self.ready[name] = Kept(method, name, self._folder(name, one), self.recent)
            if keep and self.ready[name].missing(library):
                self._keep(name, library, compute, f"{name} of {videos}")

    def _keep(self, name: str, library: FootageLibrary, compute: Compute, title: str) -> None:
        """One process at a time; what a killed one left half is removed."""
        with self.plan.store.lock("extract", self.plan.extraction_keys[name]):
            self.reporter.step(title, compute.torch_device)
            compute.set_threads()
            progress = partial(self.reporter.progress, title)
            self.ready[name].prepare(library, compute.workers, progress)

    def _folder(self, name: str, one: Extraction) -> Path | None:
        """Where it is kept, None where that would be too large; decided, and said, once."""
        if name not in self.folders:
            folder = self.plan.store.folder("extract", self.plan.extraction_keys[name])
            why_not = self._too_large(one, folder)
            if why_not:
                self.reporter.warn(f"{name}: {why_not}")
            self.folders[name] = None if why_not else folder
        return self.folders[name]

    def _too_large(self, one: Extraction, folder: Path) -> str:
        table = self.plan.truth.select((*self.plan.train_truth.videos.names, *self.plan.test_videos)).videos
        there = np.array([arrays_path(folder, name).is_dir() for name in table.names], bool)
        whole, missing = (
            int(frames.sum()) * one.bytes_per_frame for frames in (table.frames, table.frames[~there])
        )
        return too_large(whole, missing, self.plan.request.feature_budget, folder)
