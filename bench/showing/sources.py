"""What ``bench show`` is asked for: which tubes, which annotation, and where the videos lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.external.linkable import OWN, implied_truth
from bench.external.truths import Told
from bench.files.parquet import column, load, video_column
from bench.files.tables import read_tubes
from bench.interop.base import Truth
from bench.interop.formats import Manner, read_predictions, told
from bench.metrics import evaluate
from bench.protocol import Protocol, TubeRules
from bench.records import GroundTruth
from bench.showing.scenes import Shown
from bench.video import Video

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Request:
    """What a user asks for, in words: a finished run, or tubes in a file, or annotation alone."""

    run: str | None = None
    tubes: Path | None = None
    format: str | None = None
    video_file: Path | None = None
    names: Sequence[str] = ()
    best: int | None = None
    worst: int | None = None
    told: Told = Told()


@dataclass(frozen=True)
class Showable:
    """All that can be shown.

    protocol: by which videos are ranked, None without annotation; video: where one lies, by name; folder: of
    pictures unless another is named.
    """

    shown: Shown
    protocol: Protocol | None
    video: Callable[[str], Video]
    folder: Path

    @property
    def threshold(self) -> float:
        """The tube IoU that the protocol ranks by, 0.5 where it ranks by frames."""
        level, _, value = (self.protocol.ranking_metric if self.protocol else "").partition("/")
        return float(value) if level == "video_map" else 0.5

    def chosen(self, request: Request) -> list[str]:
        """The videos that were asked for: named, the one in the file, or the best and the worst.

        Raises ValueError for names that nobody knows, and where nothing says which video it is.
        """
        if request.video_file is not None and not request.names:
            return [self._in_file(request.video_file)]
        if request.names:
            if request.video_file is not None and len(request.names) > 1:
                raise ValueError("--video-file is one video; name one with --video")
            return [self.shown.find(name) for name in request.names]
        ranked = self.ranked()
        counts = (2, 2) if request.best is request.worst is None else (request.best or 0, request.worst or 0)
        best, worst = ranked[: counts[0]], ranked[len(ranked) - min(counts[1], len(ranked)) :]
        return list(dict.fromkeys((*best, *worst)))

    def _in_file(self, path: Path) -> str:
        """The only video that there is, or the one that is called as the file is."""
        known = self.shown.videos
        if len(known) == 1:
            return known[0]
        try:
            return self.shown.find(path.stem)
        except ValueError as error:
            raise ValueError(f"{error} Say which one {path.name} is with --video") from None

    def ranked(self) -> list[str]:
        """Videos by the AP of their tubes, the best first; of equal AP by name.

        Raises ValueError without tubes or annotation.
        """
        if self.shown.tubes is None or self.shown.truth is None:
            raise ValueError(
                "which videos? Name some with --video; the best and worst need tubes and annotation"
            )
        found = {name: ap for name in self.shown.videos if (ap := self.ap(name)) is not None}
        return sorted(found, key=lambda name: (-found[name], name))

    def ap(self, name: str) -> float | None:
        """AP of one video's own tubes in percent, None without tubes or annotation.

        By the protocol's evaluator at :attr:`threshold`, mean over the classes annotated in the video.
        """
        tubes, truth = self.shown.tubes_of(name), self.shown.truth_of(name)
        if tubes is None or truth is None or self.protocol is None or not len(truth.tubes):
            return None
        alone = replace(self.protocol, frame_thresholds=(), video_thresholds=(self.threshold,))
        per_class = evaluate(truth, None, tubes, alone).per_class[f"video_ap/{self.threshold:.2f}"]
        found = [per_class[truth.classes[label]] for label in np.unique(truth.tubes.label)]
        known = [ap for ap in found if ap is not None]
        return float(np.mean(known)) if known else None


def find(request: Request) -> Showable:
    """What there is to show. Raises ValueError for what is not there or cannot be read."""
    if request.run is not None:
        words = request.told
        if (request.tubes, request.video_file, words.truth, words.dataset) != (None,) * 4:
            raise ValueError(
                "a run has tubes, annotation and videos of its own; leave out --tubes, --truth, --dataset "
                "and --video-file"
            )
        return _of_run(request.run, request.told)
    known = request.told.read(all_videos=True)
    if request.tubes is None and known.truth is None:
        raise ValueError("what shall be shown? Name a run, or --tubes, or annotation: --truth or --dataset")
    annotation = None if known.truth is None else known.truth.annotation
    shown = Shown(annotation.classes if annotation else (), None, annotation)
    if request.tubes is not None:
        shown = _with_tubes(shown, request.tubes, known.truth, request.format)
    cache = request.told.runs_dir / "cache" / "videos"

    def video(name: str) -> Video:
        if request.video_file is not None:
            return _named(name, request.video_file, shown.truth, cache)
        if known.dataset is None or shown.truth is None:
            raise ValueError(f"where is the video {name}? Name its file or frame folder with --video-file")
        return _of_dataset(known.dataset, shown.truth, name, cache)

    return Showable(shown, known.protocol, video, Path("show"))


def _of_run(name: str, told: Told) -> Showable:
    from bench.runs.naming import find_run
    from bench.runs.reopen import Finished

    run = Finished.of(find_run(name, told.runs_dir, finished=True))
    dataset, rules = run.dataset(told.data_root), run.result.rules
    path = run.store.folder("link", run.result.inputs["link"]) / "tubes.parquet"
    if not path.is_file():
        raise ValueError(f"{run.folder} has no tubes: its method makes none, or {path} is gone")
    tubes = read_tubes(path)
    truth = dataset.truth(rules).select(tubes.videos)
    shown = Shown(truth.classes, tubes, truth, rules.evaluator.tubes or TubeRules())
    cache = run.runs_dir / "cache" / "videos"
    return Showable(shown, rules, lambda name: _of_dataset(dataset, truth, name, cache), run.folder / "show")


def _with_tubes(shown: Shown, path: Path, truth: Truth | None, format_name: str | None) -> Shown:
    """Tubes in any format; without a truth, of the videos and classes that Parquet itself names."""
    if truth is None:
        truth = _implied(path, format_name)
    elif not truth.has_tubes:
        raise ValueError("this truth has boxes of single frames alone; leave it out, or name one with tubes")
    read = read_predictions(path, None, truth, Manner(format_name))
    if read.tubes is None:
        raise ValueError(f"{path} holds no tubes; `bench link --predictions {path}` makes some")
    names = [name for name in truth.annotation.videos.names if name in read.covered]
    return replace(shown, classes=truth.annotation.classes, tubes=read.tubes.with_videos(names))


def _implied(path: Path, format_name: str | None) -> Truth:
    """What Parquet says of its own videos and classes. Raises ValueError for other formats."""
    found = told(path, "predictions", format_name)
    if found.name != OWN:
        raise ValueError(f"{path} is {found.title}, which names no classes; add --truth or --dataset")
    file = path / "tubes.parquet" if path.is_dir() else path
    if not file.is_file():
        raise ValueError(f"{path} has no tubes.parquet; `bench link` makes one")
    table, header = load(file)
    names, _ = video_column(file, table, header.videos)
    label_N = column(file, table, "label", np.dtype(np.int64))
    return implied_truth(names, int(label_N.max(initial=0)) + 1, header.facts)


def _of_dataset(dataset: Dataset, truth: GroundTruth, name: str, cache: Path) -> Video:
    from bench.runs.plan import videos_of

    return videos_of(dataset, truth.select((name,)), cache)[0]


def _named(name: str, path: Path, truth: GroundTruth | None, cache: Path) -> Video:
    """A video in a file of its own. Boxes are in pixels of its frames, unless the truth says a size."""
    video = Video(name, path, 0, 0, known=cache)
    width = height = 0
    if truth is not None and name in truth.videos.names:
        row = truth.videos.names.index(name)
        width, height = int(truth.videos.width[row]), int(truth.videos.height[row])
    if not width:
        index = video.index()
        width, height = index.width, index.height
    return replace(video, width=width, height=height)
