"""What distillation is worth: the 3-D branch alone, its student taught by flow or by the labels alone.

    python tests/study/distillation.py [--runs-dir runs] [--seeds 3] [--dataset ucf24-mini] [--out FILE]

Both sides take the same steps, teacher and student and detector: without distillation the student's loss has
no term of the teacher's features (MENet's variant `3d-kd` with alpha 0). The stages are shorter than those of
a run by itself, so that six runs take half an hour. Reported are frame-mAP and video-mAP
at 0.5 over all classes and over those that motion alone tells apart.
"""

from __future__ import annotations

from pathlib import Path

import click
from common import Figures, metric_columns, options, results_of, show

from bench.runs.asked import Request
from bench.runs.many import requests

ALONE, DISTILLED = "labels alone", "distilled"
STEPS = ("training.steps=800", "distillation.teacher_steps=300", "distillation.student_steps=500")
ROWS = {ALONE: (*STEPS, "distillation.alpha=0.0"), DISTILLED: STEPS}
METRICS = ("frame_map/0.50", "video_map/0.50")


@click.command()
@options
def main(runs_dir: Path, seeds: int, dataset: str, out: Path | None) -> None:
    """A student taught by flow beside one taught by the labels alone."""
    rows = {
        name: requests(
            Request("menet", dataset, variant="tiny+3d-kd", runs_dir=runs_dir, overrides=words), seeds
        )
        for name, words in ROWS.items()
    }
    figures = Figures.of(results_of(rows), metric_columns(METRICS, dataset))
    means = figures.means("Distillation of MENet's 3-D branch", [(DISTILLED, ALONE)])
    show([means, figures.seeds("Every seed")], out)


if __name__ == "__main__":
    main()
