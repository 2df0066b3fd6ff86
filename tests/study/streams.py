"""What the second stream of the two-stream YOLO is worth, and what tuning the flow network inside it adds.

    python tests/study/streams.py [--runs-dir runs] [--seeds 3] [--dataset ucf24-mini] [--steps 600]
                                  [--out FILE]

RGB alone is the same network whose flow is divided by a billion: its second stream sees a constant picture,
in recognition as in detection. Tuned, the flow network learns from the first step on, at a tenth of the
detector's rate: ours, since at the paper's 1/500 so short a training leaves it as it is. Rows of one seed
start from the same fitted flow network. Scored as in the paper, on the frames on which somebody acts and
strictly above the IoU (``voc``; on untrimmed data ``voc+trimmed``).
"""

from __future__ import annotations

from pathlib import Path

import click
from common import Figures, metric_columns, options, results_of, show

import datasets
from bench.runs.asked import Request, dataset_named
from bench.runs.many import requests

ALONE, FROZEN, TUNED = "RGB alone", "two streams, flow frozen", "two streams, flow tuned"
ROWS = {
    ALONE: ("flownet2-kinetics", ("model.flow_scale=1e9",)),
    FROZEN: ("flownet2-kinetics", ()),
    TUNED: ("tuned-flownet2-kinetics", ("training.flow_released=0.0",)),
}
METRICS = ("frame_map/0.20", "frame_map/0.50")


@click.command()
@options
@click.option("--steps", type=click.IntRange(1), default=600, show_default=True, help="Of every detector.")
def main(runs_dir: Path, seeds: int, dataset: str, out: Path | None, steps: int) -> None:
    """Two streams beside RGB alone, and the flow network tuned beside frozen."""
    trimmed = datasets.find(dataset_named(dataset)[0]).trimmed
    evaluator = "voc" if trimmed else "voc+trimmed"
    rows = {
        name: requests(
            Request(
                "two-stream-yolo", dataset, variant=f"tiny+{row}", runs_dir=runs_dir, protocol=evaluator,
                overrides=(*words, f"training.steps={steps}"),
            ),
            seeds,
        )
        for name, (row, words) in ROWS.items()
    }  # fmt: skip
    figures = Figures.of(results_of(rows), metric_columns(METRICS, dataset))
    title = f"Streams of two-stream YOLO, {steps} steps"
    show([figures.means(title, [(FROZEN, ALONE), (TUNED, FROZEN)]), figures.seeds("Every seed")], out)


if __name__ == "__main__":
    main()
