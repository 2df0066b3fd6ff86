"""What memory is worth: the same tracks and features scored by the detectors, by layers without memory, and
by recurrent ones; each cut by the threshold and by Viterbi.

    python tests/study/recurrent.py [--runs-dir runs] [--seeds 3] [--dataset ucf24-mini] [--method reclnet]
                                    [--out FILE]

Detectors, tracks and features are those of the run's seed 0 and are made once; the networks on them learn
from SEEDS seeds. The shares of the errors of boxes and of tubes say where a gain lies.
"""

from __future__ import annotations

from pathlib import Path

import click
from common import Figures, error_columns, metric_columns, options, results_of, show

from bench.runs.asked import Request

ROWS = {
    "reclnet": ("cnn-average", "fc-average", "gru-average", "default"),
    "reclnet-pp": ("fc", "default"),
}
CUTS = {
    "threshold": (),
    "viterbi": ("postprocess.linking.trimming=binary-labelling",),
}
METRICS = ("frame_map/0.50", "video_map/0.20", "video_map/0.50")


@click.command()
@options
@click.option("--method", type=click.Choice(list(ROWS)), default="reclnet", show_default=True)
def main(runs_dir: Path, seeds: int, dataset: str, out: Path | None, method: str) -> None:
    """Detectors, layers without memory and recurrent ones on the same tracks, cut in two ways."""
    rows = {
        f"{row}, {cut}": [
            Request(
                method, dataset, variant=f"tiny+{row}", runs_dir=runs_dir,
                overrides=(*words, f"recurrent_seed={seed}"),
            )
            for seed in range(1 if row.startswith("cnn") else seeds)
        ]
        for row in ROWS[method]
        for cut, words in CUTS.items()
    }  # fmt: skip
    results = results_of(rows)
    metrics = Figures.of(results, metric_columns(METRICS, dataset))
    errors = [
        Figures.of(results, error_columns(level)).means(f"Shares of the errors, {level}")
        for level in ("frame", "tube")
    ]
    show([metrics.means(f"Memory in {method}"), *errors, metrics.seeds("Every seed")], out)


if __name__ == "__main__":
    main()
