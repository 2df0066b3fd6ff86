"""What memory is worth: the same tracks and features scored by the detectors, by layers without memory, and
by recurrent ones; each cut by the threshold and by Viterbi.

    python tests/study/recurrent.py [--runs-dir runs] [--seeds 3] [--dataset ucf24-mini] [--method reclnet]

Detectors, tracks and features are those of the run's seed 0 and are made once; the networks on them learn
from three seeds. Every run lies in RUNS and is not repeated, so the command goes on where it was stopped.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import click

from bench.results.result import Result
from bench.runs.plan import Plan, Request
from bench.runs.run import run

ROWS = {
    "reclnet": ("cnn-average", "fc-average", "gru-average", "default"),
    "reclnet-pp": ("fc", "default"),
}
CUTS = {
    "threshold": (),
    "viterbi": ("postprocess.linking.trimming=binary-labelling",),
}
METRICS = ("frame_map/0.50", "video_map/0.20", "video_map/0.50")


def result_of(request: Request) -> Result:
    """The run's result; no step is repeated that the store holds."""
    plan = Plan.of(request)
    print(plan.title, flush=True)
    return run(plan)


@click.command()
@click.option("--runs-dir", type=click.Path(path_type=Path), default=Path("runs"), show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--dataset", default="ucf24-mini", show_default=True)
@click.option("--method", type=click.Choice(list(ROWS)), default="reclnet", show_default=True)
def main(runs_dir: Path, seeds: int, dataset: str, method: str) -> None:
    """Print mean and spread over the seeds of every row and cut."""
    lines = []
    for row in ROWS[method]:
        for cut, words in CUTS.items():
            learnt = range(1 if row.startswith("cnn") else seeds)
            results = [
                result_of(
                    Request(
                        method, dataset, variant=f"tiny+{row}", runs_dir=runs_dir,
                        overrides=(*words, f"recurrent_seed={seed}"),
                    )
                )
                for seed in learnt
            ]  # fmt: skip
            lines.append(f"{row:14s} {cut:10s} {'  '.join(_spread(results, metric) for metric in METRICS)}")
    print("row            cut        " + "  ".join(f"{metric:16s}" for metric in METRICS))
    print("\n".join(lines))


def _spread(results: list[Result], metric: str) -> str:
    """Mean and, of several, standard deviation of a metric, percent."""
    values = [found.value for one in results if (found := one.metrics[metric])]
    spread = f" +- {statistics.stdev(values):4.1f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):5.1f}{spread}".ljust(16)


if __name__ == "__main__":
    main()
