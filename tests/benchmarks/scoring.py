"""What scoring costs: the first call in a fresh process, the median of five, CPU time and memory.

    python tests/benchmarks/scoring.py [SHARED]

SHARED is the folder of reference inputs, beside the checkout unless another is named: the whole of split 1 of
UCF101-24 (1,590,723 detections) and AVA's validation set (606,807). Seconds are of wall and of CPU time, MB
what a call allocates at its peak, ``scripts`` what the scripts of the evaluators that a row equals took, in
CPU seconds of one process. A new row is an entry in one of the lists below.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "metrics"))
import frame_goldens
import goldens
import tube_goldens

from bench.interop import ava
from bench.metrics import evaluate, intervals, paired_difference
from bench.metrics.errors.dap import dap
from bench.metrics.errors.decompose import decompose
from bench.metrics.errors.frame import frame_errors
from bench.metrics.errors.oracle import oracle
from bench.metrics.errors.tube import tube_errors
from bench.metrics.errors.tube_pairs import TubePairs
from bench.metrics.evidence import Level
from bench.metrics.frame_map import frame_ranking
from bench.protocol import COCO_THRESHOLDS, EVALUATORS, FrameRules, Protocol, TubeRules
from bench.records import Array, Detections, GroundTruth, Tubes

BESIDE = Path(__file__).resolve().parents[3] / "shared"
REPEATS = 5
MOST_GROWTH = 14
"""How many times the time ten times the detections may take."""


class Row(NamedTuple):
    """One thing that is timed; scripts: what they took, in seconds, where some script does it."""

    name: str
    scripts: str
    call: Callable[[], object]


def frame_ap(
    truth: GroundTruth, detections: Detections, name: str, thresholds: tuple[float, ...] = (0.5,)
) -> list[Array]:
    """AP of every class at each threshold."""
    rules = EVALUATORS[name].frames
    assert rules is not None
    level = Level.of(frame_ranking(truth, detections, rules), rules, thresholds)
    return [level.precisions(threshold) for threshold in thresholds]


def of_frames(truth: GroundTruth, detections: Detections) -> list[Row]:
    """Frame AP at IoU 0.5, the ten thresholds of COCO, and all that a result holds of frames."""
    scripts = {
        "act": "7.7, MOC 6.4",
        "multisports": "8.5",
        "yowo": "493",
        "road": "14.2",
        "retinanet3d": "11.2",
    }
    protocol = Protocol("ucf24", "1", EVALUATORS["act"])
    return [
        *(
            Row(f"frame AP, {name}", took, lambda name=name: frame_ap(truth, detections, name))
            for name, took in scripts.items()
        ),
        Row("coco, 10 thresholds", "222, faster-coco-eval 49",
            lambda: frame_ap(truth, detections, "coco", COCO_THRESHOLDS)),
        Row("frames, 19 thresholds, matches", "", lambda: evaluate(truth, detections, None, protocol)),
    ]  # fmt: skip


def of_ava(shared: Path, folder: Path) -> list[Row]:
    """AVA at IoU 0.5, with the reading of the CSV files."""
    scripts = {
        "ava": "72",
        "ava-2019": "72",
        "ava-slowfast": "69",
        "ava-mmaction2": "15 (wall, 32 processes)",
    }
    paths = goldens.write_ava(shared / "golden/inputs/ava_full", folder)

    def read_and_score(name: str) -> object:
        truth = ava.read_truth(paths[0])
        return frame_ap(truth, ava.read_detections(paths[1], truth), name)

    return [
        Row(f"{name}, with CSV", took, lambda name=name: read_and_score(name))
        for name, took in scripts.items()
    ]


def of_tubes(truth: GroundTruth, tubes: Tubes) -> list[Row]:
    """Tube AP at IoU 0.2 and the ten thresholds of COCO; the scripts compute one threshold a run."""
    scripts = {
        "act": "11 x 0.41, MOC 11 x 0.28",
        "multisports": "11 x 0.16",
        "yowo": "780 with linking",
        "road": "11 x 17",
        "retinanet3d": "",
        "sparse-spatial": "",
        "extended-st": "",
    }
    protocol = Protocol("ucf24", "1", EVALUATORS["act"], video_thresholds=(0.2,))
    return [
        Row(
            f"tube AP, {name}, 11 thresholds",
            took,
            lambda name=name: evaluate(truth, None, tubes, replace(protocol, evaluator=EVALUATORS[name])),
        )
        for name, took in scripts.items()
    ]


def of_uncertainty(truth: GroundTruth, detections: Detections, tubes: Tubes) -> list[Row]:
    """A thousand resamples of all numbers, and of one metric of two results."""
    protocol = Protocol("ucf24", "1", EVALUATORS["act"])
    one, other = (evaluate(truth, rows, tubes, protocol) for rows in (detections, detections[::2]))
    return [
        Row("intervals of everything", "", lambda: intervals(one.matches, one.truth, protocol)),
        *(
            Row(
                f"paired, {metric}", "", lambda metric=metric: paired_difference(one, other, metric, protocol)
            )
            for metric in ("frame_map/0.50", "video_map/0.50-0.95")
        ),
    ]


def of_errors(truth: GroundTruth, detections: Detections, tubes: Tubes) -> list[Row]:
    """What kinds of error cost."""
    protocol = Protocol("ucf24", "1", EVALUATORS["act"])
    frames, linked = FrameRules(), TubeRules(nms=0.3)
    return [
        Row("frame error shares", "51.4", lambda: frame_errors(truth, detections, frames)),
        Row("tube error shares", "", lambda: tube_errors(truth, tubes, linked)),
        Row("oracle", "", lambda: oracle(TubePairs.build(truth, tubes, linked))),
        Row("dAP", "", lambda: dap(TubePairs.build(truth, tubes, linked), 0.5)),
        Row("all error decompositions", "", lambda: decompose(truth, detections, tubes, protocol)),
    ]


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Of wall and CPU time."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def megabytes(call: Callable[[], object]) -> float:
    """Allocated at the peak of a call, beyond what was there before it."""
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def show(row: Row) -> None:
    first, _ = seconds(row.call)
    walls, cpus = zip(*(seconds(row.call) for _ in range(REPEATS)))
    figures = f"{first:8.3f}{statistics.median(walls):8.3f}{statistics.median(cpus):8.3f}"
    print(f"{row.name:32}{figures}{megabytes(row.call):8.0f}   {row.scripts}", flush=True)


def growth(truth: GroundTruth, detections: Detections, name: str) -> float:
    """CPU time on all detections over that on every tenth."""
    times = []
    for rows in (detections[::10], detections):
        frame_ap(truth, rows, name)
        times.append(
            statistics.median(
                seconds(lambda rows=rows: frame_ap(truth, rows, name))[1] for _ in range(REPEATS)
            )
        )
    return times[1] / times[0]


def main(shared: Path) -> None:
    """Print the table; exit with an error if time grows faster than it may."""
    truth, detections = frame_goldens.ucf24(shared, "full")
    _, tubes = tube_goldens.ucf24(shared, "full")
    print(f"{'':32}{'first':>8}{'median':>8}{'CPU':>8}{'MB':>8}   scripts")
    with tempfile.TemporaryDirectory() as folder:
        rows = [
            *of_frames(truth, detections),
            *of_ava(shared, Path(folder)),
            *of_tubes(truth, tubes),
            *of_errors(truth, detections, tubes),
            *of_uncertainty(truth, detections, tubes),
        ]
        for row in rows:
            show(row)
    grown = {name: growth(truth, detections, name) for name in ("act", "coco", "ava-2019")}
    print(
        "ten times the detections take", ", ".join(f"{by:.1f} times ({name})" for name, by in grown.items())
    )
    if max(grown.values()) > MOST_GROWTH:
        sys.exit(f"that is more than {MOST_GROWTH} times")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else BESIDE)
