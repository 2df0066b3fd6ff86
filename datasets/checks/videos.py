"""The videos of a dataset: which are there, what decodes, and how it compares with the annotation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.records import GroundTruth
from bench.video import Video, VideoError, VideoIndex, survey
from datasets.base import DataError, Dataset
from datasets.checks.rows import Part, Row, fault

Progress = Callable[[int, int], None]


@dataclass
class _Found:
    """What the survey of the videos brings."""

    good: dict[str, VideoIndex] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def check_videos(dataset: Dataset, known: Path, workers: int, progress: Progress) -> Part:
    """Decode every video that is there, compare random access with reading in order, and the annotation.

    What is found of a file is kept below ``known`` at once: a check that was killed goes on where it was.
    """
    truth = dataset.ground_truth()
    found = _Found()
    videos = list(_there(dataset, truth, known, found))
    for done, (video, index) in enumerate(survey(videos, workers, compare=True), 1):
        if isinstance(index, VideoError):
            found.broken[video.name] = str(index)
        else:
            found.good[video.name] = index
        progress(done, len(videos))
    return Part("videos", tuple(_rows(dataset, truth, found)))


def _there(dataset: Dataset, truth: GroundTruth, known: Path, found: _Found) -> Iterator[Video]:
    for name, width, height in zip(truth.videos.names, truth.videos.width, truth.videos.height):
        try:
            path = dataset.find_video(name)
        except DataError as error:
            found.refused[name] = str(error)
            continue
        if path is None:
            found.missing.append(name)
        else:
            yield Video(name, path, int(width), int(height), known=known)


def _rows(dataset: Dataset, truth: GroundTruth, found: _Found) -> Iterator[Row]:
    published = dataset.published_counts()
    total = len(truth.videos) - len(found.missing) - len(found.refused)
    yield Row("videos that are there", total, None)
    yield fault("videos that are missing", found.missing)
    yield fault("videos refused for their name or place", list(found.refused.values()))
    yield fault("videos that cannot be read whole", list(found.broken.values()))
    frames, what = sum(index.frames for index in found.good.values()), "frames that decode"
    yield Row(what, frames, published.get(what))
    damaged = {name: index.damaged for name, index in found.good.items() if index.damaged}
    said = [f"{name}: {', '.join(map(str, d[:5]))}" for name, d in damaged.items()]
    yield fault("frames that decode damaged", said, found=sum(map(len, damaged.values())))
    yield from _length_rows(dataset, truth, found)
    yield from _reading_rows(truth, found)


def _length_rows(dataset: Dataset, truth: GroundTruth, found: _Found) -> Iterator[Row]:
    """Real against annotated numbers of frames; what :attr:`Dataset.real_frames` says is known."""
    differ, known, surprising = [], 0, {}
    for name, annotated in zip(truth.videos.names, truth.videos.frames):
        real = found.good[name].frames if name in found.good else annotated
        if annotated and real != annotated:
            differ.append(f"{name}: {real} of {annotated}")
            known += real == dataset.real_frames.get(name)
        if annotated and real != dataset.real_frames.get(name, annotated):
            surprising[name] = real
    yield fault("videos with another number of frames than annotated", differ, known)
    here = truth.select(tuple(surprising))
    length_V = np.array(list(surprising.values()), np.int64)
    lost = here.boxes.frame >= length_V[here.boxes.video] if len(here.boxes) else np.zeros(0, bool)
    losing = [here.videos.names[v] for v in np.unique(here.boxes.video[lost])]
    yield fault("boxes that this leaves without a frame", losing, found=int(lost.sum()))


def _reading_rows(truth: GroundTruth, found: _Found) -> Iterator[Row]:
    """How the files are read: nothing of this is wrong."""
    annotated = dict(zip(truth.videos.names, zip(truth.videos.width, truth.videos.height)))
    sizes = Counter(
        f"{index.width}x{index.height}"
        for name, index in found.good.items()
        if (index.width, index.height) != annotated[name]
    )
    kinds = Counter(f"{index.codec} in {index.container}" for index in found.good.values())
    reasons = Counter(index.why for index in found.good.values() if not index.exact)
    said = {
        "videos of another size than annotated (boxes are scaled)": sizes,
        "videos by kind": kinds,
        "videos with B-frames": Counter({"": sum(index.b_frames for index in found.good.values())}),
        "videos whose random access is exact": Counter({"": sum(bool(i.exact) for i in found.good.values())}),
        "videos that are read in order alone": reasons,
    }
    for what, counted in said.items():
        names = tuple(f"{n} {name}" for name, n in counted.most_common() if name)
        yield Row(what, sum(counted.values()), None, names=names)
