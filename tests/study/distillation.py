"""What distillation is worth: the 3-D branch alone, its student taught by flow or by the labels alone.

    python tests/study/distillation.py [--runs-dir runs] [--seeds 3] [--dataset ucf24-mini]

Both sides take the same steps, teacher and student and detector: without distillation the student's loss has
no term of the teacher's features (MENet's variant `3d-kd` with alpha 0). Reported are frame-mAP and video-mAP
at 0.5 over all classes and over those that motion alone tells apart. Every run lies in RUNS and is not
repeated, so the command goes on where it was stopped.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

import click

from bench.results.result import Result
from bench.runs.plan import Plan, Request
from bench.runs.run import run
from datasets.mini.classes import JHMDB_MINI, UCF24_MINI

SIDES = {"labels alone": ("distillation.alpha=0.0",), "distilled": ()}
CLASSES = {"ucf24-mini": UCF24_MINI, "jhmdb-mini": JHMDB_MINI}
METRICS = ("frame_ap/0.50", "video_ap/0.50")


def scores(result: Result, told_by_motion: set[str]) -> list[float]:
    """Means over all classes and over the motion-only ones, of every metric, percent."""
    found = []
    for metric in METRICS:
        table = {name: one.value for name, one in result.per_class[metric].items() if one is not None}
        found.append(statistics.fmean(table.values()))
        found.append(statistics.fmean(value for name, value in table.items() if name in told_by_motion))
    return found


def result_of(request: Request) -> Result:
    """The run's result; no step is repeated that the store holds."""
    plan = Plan.of(request)
    print(f"seed {request.seed}, {plan.title}", flush=True)
    return run(plan)


@click.command()
@click.option("--runs-dir", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--dataset", type=click.Choice(list(CLASSES)), default="ucf24-mini", show_default=True)
def main(runs_dir: Path, seeds: int, dataset: str) -> None:
    """Print the figures of every seed, their means, and the mean difference with its spread."""
    told_by_motion = {one.name for one in CLASSES[dataset] if one.motion_only}
    found: dict[str, list[list[float]]] = {side: [] for side in SIDES}
    for seed in range(seeds):
        for side, overrides in SIDES.items():
            request = Request(
                "menet", dataset, variant="tiny+3d-kd", seed=seed, runs_dir=runs_dir, overrides=overrides
            )
            found[side].append(scores(result_of(request), told_by_motion))
    print("frame-mAP@.5: all, motion-only; video-mAP@.5: all, motion-only")
    for side, rows in found.items():
        for seed, row in enumerate(rows):
            line(f"{side}, seed {seed}", row)
        line(f"{side}, mean", [statistics.fmean(column) for column in zip(*rows)])
    pairs = zip(found["distilled"], found["labels alone"])
    differences = [[a - b for a, b in zip(*pair)] for pair in pairs]
    summary("distilled less labels alone, mean", differences, statistics.fmean)
    if seeds > 1:
        summary("its standard deviation", differences, statistics.stdev)


def summary(name: str, rows: list[list[float]], by: Callable[[list[float]], float]) -> None:
    line(name, [by(list(column)) for column in zip(*rows)])


def line(name: str, values: list[float]) -> None:
    print(f"{name:36s} " + "  ".join(f"{value:6.1f}" for value in values), flush=True)


if __name__ == "__main__":
    main()
