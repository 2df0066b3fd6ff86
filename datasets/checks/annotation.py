"""The annotation of a dataset: its counts against the published ones, and what no annotation should hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from bench.records import Array, GroundTruth
from datasets.base import Dataset
from datasets.checks.rows import Part, Row, fault


def check_annotation(dataset: Dataset) -> Part:
    """Reads the annotation alone, no video. Raises DataError where it cannot be read."""
    truth, published = dataset.ground_truth(), dataset.published_counts()
    rows = [Row(what, found, published.get(what)) for what, found in counts(dataset, truth).items()]
    rows += faults(dataset, truth, published)
    rows += [Row(what, agree, total) for what, agree, total in dataset.second_sources()]
    return Part("annotation", tuple(rows))


def counts(dataset: Dataset, truth: GroundTruth) -> dict[str, int]:
    """What is counted, under the names that :meth:`Dataset.published_counts` uses."""
    tubes_V = np.bincount(truth.tubes.video, minlength=len(truth.videos))
    length = truth.tubes.end - truth.tubes.start
    found = {
        "classes": len(truth.classes),
        "videos": len(truth.videos),
        "tubes": len(truth.tubes),
        "boxes": len(truth.boxes),
        "frames of all videos as annotated": int(truth.videos.frames.sum()),
        "source groups": len(set(truth.videos.group)),
        "most tubes in a video": int(tubes_V.max(initial=0)),
        "shortest tube, frames": int(length.min()) if len(length) else 0,
        "longest tube, frames": int(length.max(initial=0)),
        "untrimmed videos": len(_untrimmed(truth)),
        "videos of more than one class": int(np.count_nonzero(_classes_of_videos(truth) > 1)),
    }
    for name in dataset.splits:
        found |= _split_counts(dataset, truth, name)
    return found


def _split_counts(dataset: Dataset, truth: GroundTruth, name: str) -> dict[str, int]:
    split = dataset.split(name)
    test = truth.select(split.test)
    return {
        f"split {name}: training videos": len(split.train),
        f"split {name}: test videos": len(split.test),
        f"split {name}: test tubes": len(test.tubes),
        f"split {name}: test boxes": len(test.boxes),
        f"split {name}: test boxes past the end of their video": int(_past_the_end(dataset, test).sum()),
    }


def _past_the_end(dataset: Dataset, truth: GroundTruth) -> Array:
    """Which boxes lie on frames that their video lacks, bool [N]; a video of unknown length lacks none."""
    table = truth.videos
    frames_V = np.array([dataset.real_frames.get(name, n) for name, n in zip(table.names, table.frames)])
    frames_N = frames_V[truth.boxes.video] if len(truth.boxes) else truth.boxes.frame
    return (truth.boxes.frame >= frames_N) & (frames_N > 0)


def _untrimmed(truth: GroundTruth) -> list[str]:
    """Videos with a frame that no tube spans."""
    found = []
    order = np.lexsort((truth.tubes.start, truth.tubes.video))
    reached: dict[int, int] = dict.fromkeys(range(len(truth.videos)), 0)
    for v, start, end in zip(truth.tubes.video[order], truth.tubes.start[order], truth.tubes.end[order]):
        if start <= reached[v]:
            reached[v] = max(reached[v], int(end))
    for v, (name, frames) in enumerate(zip(truth.videos.names, truth.videos.frames)):
        if reached[v] < frames:
            found.append(name)
    return found


def _classes_of_videos(truth: GroundTruth) -> Array:
    pairs = np.unique(np.stack([truth.tubes.video, truth.tubes.label], axis=1), axis=0)
    return np.bincount(pairs[:, 0], minlength=len(truth.videos))


def faults(dataset: Dataset, truth: GroundTruth, published: Mapping[str, int]) -> Iterator[Row]:
    """What no annotation should hold, with how often the published one is known to hold it.

    A box is outside when a corner is below 0 or beyond the frame's width or height, and without area when
    its right or lower edge lies before the other: conventions differ in whether equal edges leave one pixel.
    """
    video, (x1, y1, x2, y2) = truth.boxes.video, truth.boxes.boxes_N4.T
    width, height = truth.videos.width[video], truth.videos.height[video]
    wrong = {
        "boxes past the end of their video": _past_the_end(dataset, truth),
        "boxes outside the frame": ((x1 < 0) | (y1 < 0) | (x2 > width) | (y2 > height)) & (width > 0),
        "boxes without area": (x2 < x1) | (y2 < y1),
        "boxes that are no numbers": ~np.isfinite(truth.boxes.boxes_N4).all(axis=1),
    }
    for what, where_N in wrong.items():
        names = [truth.videos.names[v] for v in np.unique(video[where_N])]
        yield fault(what, names, published.get(what, 0), int(np.count_nonzero(where_N)))
    repeated = _repeated(truth)
    what = "tubes that repeat another of their video exactly"
    yield fault(what, list(repeated), published.get(what, 0), sum(repeated.values()))
    yield fault("source groups in training and test of a split", _leaks(dataset, truth))


def _repeated(truth: GroundTruth) -> Counter[str]:
    """Video -> how many of its tubes equal an earlier one in class, span and boxes."""
    tubes, boxes = truth.tubes, truth.boxes[np.lexsort((truth.boxes.frame, truth.boxes.tube))]
    first, end = (np.searchsorted(boxes.tube, tubes.tube, side) for side in ("left", "right"))
    same: set[tuple[object, ...]] = set()
    again: Counter[str] = Counter()
    for row, (a, b) in enumerate(zip(first, end)):
        facts = [int(column[row]) for column in (tubes.video, tubes.label, tubes.start, tubes.end)]
        content = (*facts, boxes.frame[a:b].tobytes(), boxes.boxes_N4[a:b].tobytes())
        again[truth.videos.names[facts[0]]] += content in same
        same.add(content)
    return +again


def _leaks(dataset: Dataset, truth: GroundTruth) -> list[str]:
    group = dict(zip(truth.videos.names, truth.videos.group))
    found = []
    for name in dataset.splits:
        split = dataset.split(name)
        shared = {group[v] for v in split.train} & {group[v] for v in split.test}
        found += [f"split {name}: {g}" for g in sorted(shared)]
    return found
