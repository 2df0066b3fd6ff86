"""How near does a tracker come to the true boxes? From key-frames to all frames, where both are known.

    python -m datasets.mini.extension csrt --videos 6

Extends the key-frames of test videos of `daly-mini` as :meth:`datasets.daly.Daly.extend` does and compares
with what was drawn. Prints a row of a Markdown table a tracker. Instances that are difficult are left out.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.metrics.boxes import iou
from bench.records import Array, GroundTruth
from bench.video import Video
from datasets.keyframes import TRACKERS, extend_keyframes
from datasets.mini import DalyMini
from datasets.mini.render import Progress

SCORED = 0.5
"""The IoU below which a box would not count as found."""
COLUMNS = (
    "tracker",
    "IoU on key-frames",
    "IoU between",
    "IoU >= 0.5 between",
    "IoU of tubes",
    "ms a frame",
)


@dataclass(frozen=True)
class Agreement:
    """Of boxes with the drawn ones, a box that is not there counting as 0: mean IoU on key-frames and between
    them, share of the boxes between whose IoU is at least :data:`SCORED`, mean IoU of tubes, all in percent;
    CPU milliseconds a frame of a span."""

    keys: float
    between: float
    scored: float
    tubes: float
    milliseconds: float = 0.0


def _boxes(truth: GroundTruth, frames: GroundTruth) -> Array:
    """Boxes of ``truth`` at the (tube, frame) of each box of ``frames``, NaN where there is none. [N, 4]"""
    places = zip(truth.boxes.tube.tolist(), truth.boxes.frame.tolist())
    known = dict(zip(places, truth.boxes.boxes_N4))
    nowhere = np.full(4, np.nan, np.float32)
    asked = zip(frames.boxes.tube.tolist(), frames.boxes.frame.tolist())
    return np.array([known.get(place, nowhere) for place in asked]).reshape(-1, 4)


def agreement(sparse: GroundTruth, found: GroundTruth, drawn: GroundTruth) -> Agreement:
    """Of ``found``, the extension of the key-frames in ``sparse``, with what was drawn."""
    tube_N = drawn.boxes.tube
    counts_N = ~np.isin(tube_N, drawn.tubes.tube[drawn.tubes.difficult])
    key_N = np.isfinite(_boxes(sparse, drawn)[:, 0])
    overlap_N = np.nan_to_num(iou(_boxes(found, drawn), drawn.boxes.boxes_N4, 0))
    between = overlap_N[counts_N & ~key_N]
    tubes = [overlap_N[tube_N == tube].mean() for tube in np.unique(tube_N[counts_N])]
    shares = (overlap_N[counts_N & key_N], between, between >= SCORED, tubes)
    return Agreement(*(100.0 * float(np.mean(share)) for share in shares))


def measure(data: DalyMini, tracker: str, count: int, progress: Progress) -> Agreement:
    """Track in the first ``count`` test videos."""
    names = data.split("1").test[:count]
    sparse, drawn = (truth.select(names) for truth in (data.ground_truth(), data.extended()))
    table = sparse.videos
    videos = [
        Video(name, data.video_path(name), int(width), int(height))
        for name, width, height in zip(table.names, table.width, table.height)
    ]
    began = time.process_time()
    found = extend_keyframes(sparse, videos, TRACKERS[tracker], progress)
    took = 1000.0 * (time.process_time() - began) / len(drawn.boxes)
    return Agreement(**{**vars(agreement(sparse, found, drawn)), "milliseconds": took})


def _report(done: int, total: int) -> None:
    print(f"\r{done}/{total} videos", end="\n" if done == total else "", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="agreement of tracked with drawn boxes on daly-mini")
    parser.add_argument("trackers", nargs="*", default=[*TRACKERS], help="default: all")
    parser.add_argument("--videos", type=int, default=10, help="how many test videos")
    parser.add_argument("--size", default="small")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="where it is rendered")
    chosen = parser.parse_args(arguments)
    data = DalyMini.rendered(chosen.cache, chosen.size)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for name in chosen.trackers:
        found = measure(data, name, chosen.videos, _report)
        shares = (found.keys, found.between, found.scored, found.tubes)
        cells = [f"`{name}`", *(f"{share:.1f}%" for share in shares), f"{found.milliseconds:.0f}"]
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
