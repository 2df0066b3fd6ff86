"""How far one box a frame can go: what a detector would score that always gives one true box, and no other.

    python tests/study/one_box.py [--dataset ucf24-mini] [--data-root DIR] [--runs-dir runs]

Two-stream YOLO keeps the best box of every frame (El-Nouby and Taylor 2018, section III.B), and of several
people who act at once it misses all but one. Nothing is trained and no video is read. Which of the boxes of
a frame it is makes no difference where all who act in a video do the same, as in UCF101-24.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

import datasets
from bench.commands.options import data_root, runs_dir
from bench.keys import pair_keys
from bench.metrics import evaluate
from bench.records import Detections, GroundTruth
from bench.runs.asked import dataset_named, protocol_named
from bench.runs.plan import open_dataset
from reports.tables import Table, metric_title

METRICS = ("frame_map/0.20", "frame_map/0.50")


def one_true_box(truth: GroundTruth) -> Detections:
    """Of every annotated frame its first box, with its class and score 1."""
    boxes = truth.boxes
    kept = np.sort(np.unique(pair_keys(boxes.video, boxes.frame), return_index=True)[1])
    return Detections(
        videos=boxes.videos, video=boxes.video[kept], frame=boxes.frame[kept], box=np.arange(len(kept)),
        boxes_N4=boxes.boxes_N4[kept], label=truth.box_labels()[kept],
        score=np.ones(len(kept), np.float32),
    )  # fmt: skip


@click.command()
@click.option("--dataset", default="ucf24-mini", show_default=True)
@data_root
@runs_dir
def main(dataset: str, data_root: Path | None, runs_dir: Path) -> None:
    """Score one true box a frame under the dataset's protocol and the paper's."""
    found = open_dataset(dataset, data_root, runs_dir)
    split = found.splits[0]
    paper = "voc" if datasets.find(dataset_named(dataset)[0]).trimmed else "voc+trimmed"
    protocols = [protocol_named(found, split, paper), found.protocol(split)]
    rows = []
    for protocol in protocols:
        truth = found.truth(protocol).select(found.split(split).test)
        metrics = evaluate(truth, one_true_box(truth), None, protocol).metrics
        rows.append((protocol.id, *(f"{metrics[name]:.1f}" for name in METRICS)))
    columns = ("protocol", *map(metric_title, METRICS))
    click.echo(Table("One true box a frame", columns, tuple(rows), len(METRICS)).markdown(), nl=False)


if __name__ == "__main__":
    main()
