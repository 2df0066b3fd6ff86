"""What making action tubes costs on all of UCF101-24's test videos, beside the papers' programs.

    python tests/benchmarks/tubes.py [SHARED]

SHARED is the folder of reference inputs, beside the checkout unless another is named. Frame detections are
those of the whole of split 1 (910 videos, 159,289 frames, 1,590,723 boxes); proposals, every box with all 24
classes, and tubelets are those of 43 videos, repeated until they have as many frames. Seconds are of one
process: the first call, then the lowest of three, wall and CPU time. ``limit`` is what the CPU time must not
exceed, ``program`` what the papers' programs took.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "metrics"))
import goldens

from bench.metrics import evaluate
from bench.protocol import EVALUATORS, Protocol
from bench.records import Array, Detections, GroundTruth, Tubelets
from bench.tubes import LINKERS, PUBLISHED, TRIMMINGS
from bench.tubes.scoring import score_tubes

REPEATS = 3
FRAMES = 159_289
Rows = TypeVar("Rows", Detections, Tubelets)


class Row(NamedTuple):
    """One thing that is timed; limit in CPU seconds."""

    name: str
    limit: float
    program: str
    call: Callable[[], object]


def repeated(rows: Rows, frames_V: Array) -> tuple[Rows, Array]:
    """The videos again and again, until there are FRAMES frames; and the frames of each."""
    copies = FRAMES // int(frames_V.sum()) + 1
    number = int(np.searchsorted(np.cumsum(np.tile(frames_V, copies)), FRAMES)) + 1
    names = tuple(f"{name}/{copy}" for copy in range(copies) for name in rows.videos)[:number]
    copy = np.repeat(np.arange(copies), len(rows))
    video = np.tile(rows.video, copies) + copy * len(rows.videos)
    kept = np.flatnonzero(video < number)
    columns = {name: getattr(rows, name) for name in rows.columns()}
    taken = {name: None if c is None else c[kept % len(rows)] for name, c in columns.items()}
    return type(rows)(names, **taken | {"video": video[kept]}), np.tile(frames_V, copies)[:number]


def small(shared: Path) -> tuple[tuple[str, ...], Array, Path]:
    """Names and frames of the 43 videos, and their folder."""
    folder = shared / "golden/inputs/ucf24_small"
    videos = pd.read_parquet(folder / "videos.parquet")
    return tuple(videos["name"]), videos["nframes"].to_numpy(), folder


def proposals(shared: Path) -> tuple[Detections, Array]:
    names, frames_V, folder = small(shared)
    with np.load(folder / "proposals.npz") as file:
        order = np.lexsort((file["frame"], file["video"]))
        video, frame, box, scores = (file[name][order] for name in ("video", "frame", "box", "scores"))
    count, classes = scores.shape
    number = np.arange(count) - np.searchsorted(video, video)
    columns = (np.repeat(column, classes, axis=0) for column in (video, frame - 1, number, box))
    found = Detections(names, *columns, np.tile(np.arange(classes), count), scores.ravel())
    return repeated(found, frames_V)


def tubelets(shared: Path) -> tuple[Tubelets, Array]:
    names, frames_V, folder = small(shared)
    with np.load(folder / "tubelets_K6.npz") as file:
        video, start, box, scores = (file[name] for name in ("video", "start", "box", "scores"))
    count, classes = scores.shape
    columns = (np.repeat(c, classes, axis=0) for c in (video, start - 1, box.reshape(-1, 6, 4)))
    found = Tubelets(names, *columns, np.tile(np.arange(classes), count), scores.ravel())
    return repeated(found, frames_V)


def full(shared: Path) -> tuple[GroundTruth, Detections]:
    folder = shared / "golden/inputs/ucf24_full"
    table = {
        name: pd.read_parquet(folder / f"{name}.parquet") for name in ("videos", "gt_tubes", "frame_dets")
    }
    labels = json.loads((folder / "meta.json").read_text())["labels"]
    truth = goldens.ground_truth(labels, table["videos"], table["gt_tubes"])
    found = goldens.detections(truth.videos.names, table["frame_dets"])
    boxes = table["frame_dets"].groupby(["video", "frame", *goldens.BOX], sort=False).ngroup().to_numpy()
    return truth, Detections(**vars(found) | {"box": boxes})


def of_proposals(shared: Path) -> Iterator[Row]:
    found, frames_V = proposals(shared)
    minutes = "Octave, 48 min for one alpha"
    paths = LINKERS["online"].link(found)
    yield Row(
        f"online linking, {len(found):,} rows", 20, "Octave, 100 min", lambda: LINKERS["online"].link(found)
    )
    yield Row(
        f"labelling, {len(paths):,} rows", 20, minutes, lambda: TRIMMINGS["labelling"].trim(paths, found)
    )
    yield Row("threshold, scores, 3D-NMS", 3, "", lambda: _rest("reclnet", paths, found))
    yield Row("labelling, scores, 3D-NMS", 3, "", lambda: _rest("singh", paths, found))
    yowo = PUBLISHED["yowo"]
    yield Row("viterbi (YOWO)", 20, "YOWO, 13 min", lambda: yowo.linker.link(found, frames_V))
    paths = yowo.linker.link(found, frames_V)
    yield Row(f"scores, 3D-NMS, {len(paths):,} rows", 3, "", lambda: _rest("yowo", paths, found))
    yield Row("viterbi, five tracks (Saha)", 20, "", lambda: PUBLISHED["saha"].linker.link(found, frames_V))
    yield Row("tracking by detection", 20, "", lambda: LINKERS["tracking"].link(found))


def _rest(name: str, paths: object, found: Detections) -> object:
    """What follows the linking in a published pipeline."""
    linking = PUBLISHED[name]
    trimmed = paths if linking.trimming is None else linking.trimming.trim(paths, found)
    return linking.suppressed(score_tubes(trimmed, linking.scoring))


def of_tubelets(shared: Path) -> Iterator[Row]:
    found, _ = tubelets(shared)
    for name, minutes in (("act", 41), ("moc", 58)):
        linker = PUBLISHED[name].linker
        yield Row(
            f"{name}, {len(found):,} tubelets", 40, f"{minutes} min", lambda linker=linker: linker.link(found)
        )


def of_detections(shared: Path) -> Iterator[Row]:
    truth, found = full(shared)
    frames_V = truth.videos.frames
    protocol = Protocol("ucf24", "1", EVALUATORS["act"])
    yield Row(f"online linking, {len(found):,} rows", 20, "", lambda: LINKERS["online"].link(found))
    for name in ("singh", "yowo"):

        def step(name: str = name) -> float | None:
            tubes = PUBLISHED[name].tubes(found, frames_V)
            return evaluate(truth, None, tubes, protocol).metrics["video_map/0.50"]

        yield Row(f"a step of tuning, {name}", 10, "", step)


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Of wall and CPU time."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def main(shared: Path) -> None:
    """Print the table; exit with an error where something takes longer than its limit."""
    slow = []
    print(f"{'':34}{'first':>9}{'wall':>9}{'CPU':>9}{'limit':>7}   program")
    for rows in (of_detections, of_proposals, of_tubelets):
        for row in rows(shared):
            first, _ = seconds(row.call)
            walls, cpus = zip(*(seconds(row.call) for _ in range(REPEATS)))
            figures = f"{first:9.2f}{min(walls):9.2f}{min(cpus):9.2f}{row.limit:7.0f}"
            print(f"{row.name:34}{figures}   {row.program}", flush=True)
            slow += [row.name] * (min(cpus) > row.limit)
    if slow:
        sys.exit(f"slower than their limit: {', '.join(slow)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[3] / "shared")
