"""Which way of fusing flow and RGB is best in RFB-Flow, and whether the order is that of the paper's Table 2.

    python tests/study/fusions.py [--runs-dir runs] [--seeds 3] [--dataset ucf24-mini] [--steps 1000]
                                  [--out FILE]

Rows of one seed start from the same fitted flow network. Scored as in the paper (``road``). The paper's
numbers are of another dataset and of its full size: places are compared, not figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click
from common import Figures, metric_columns, options, results_of, show

from bench.runs.asked import Request
from bench.runs.many import requests
from reports.published import numbers
from reports.tables import Table, metric_title

ROWS = {"m-concat": "default", "m-sum": "m-sum", "m-average": "m-average", "stfp": "stfp"}
METRICS = ("frame_map/0.50", "video_map/0.20")


def published(metric: str) -> dict[str, float]:
    """Row -> the paper's number, UCF101-24 split 1."""
    table = {
        number.our_variant: float(number.value)
        for number in numbers()
        if (number.paper, number.table, number.metric_key) == ("zhang2020", "2", metric)
    }
    return {name: table[variant] for name, variant in ROWS.items()}


def places(values: Mapping[str, float]) -> dict[str, int]:
    """Row -> its place; 1 is the highest, equal values share one."""
    return {name: 1 + sum(other > value for other in values.values()) for name, value in values.items()}


def order(figures: Figures) -> Table:
    """The places of the rows by their means, beside those of the paper."""
    columns, rows = [""], {name: [name] for name in ROWS}
    for metric in METRICS:
        title = metric_title(metric)
        means = figures.mean(title)
        columns += [title, "place", "paper", "place"]
        for values in (means, published(metric)):
            placed = places(values)
            for name, cells in rows.items():
                cells += [f"{values[name]:.1f}", str(placed[name])]
    lines = tuple(map(tuple, rows.values()))
    note = f"here {figures.protocol}, tiny; paper: Table 2, UCF101-24 split 1, full size"
    return Table("The order of the fusions", tuple(columns), lines, len(columns) - 1, (note,))


@click.command()
@options
@click.option("--steps", type=click.IntRange(1), default=1000, show_default=True, help="Of every detector.")
def main(runs_dir: Path, seeds: int, dataset: str, out: Path | None, steps: int) -> None:
    """Four fusions of flow and RGB, and their order beside the paper's."""
    rows = {
        name: requests(
            Request(
                "rfb-flow", dataset, variant=f"tiny+{variant}", runs_dir=runs_dir, protocol="road",
                overrides=(f"training.steps={steps}",),
            ),
            seeds,
        )
        for name, variant in ROWS.items()
    }  # fmt: skip
    figures = Figures.of(results_of(rows), metric_columns(METRICS, dataset))
    first, *others = ROWS
    differences = [(first, other) for other in others]
    title = f"Fusions of RFB-Flow, {steps} steps"
    show([order(figures), figures.means(title, differences), figures.seeds("Every seed")], out)


if __name__ == "__main__":
    main()
