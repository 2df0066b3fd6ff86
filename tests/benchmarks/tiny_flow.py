"""Fit the narrow flow network to rendered motion, as the first training stage of a method does.

    python tests/benchmarks/tiny_flow.py FOLDER
    BENCH_TINY_WEIGHTS=FOLDER/checkpoint.pt python -m datasets.mini.flow_error tiny dis

Prints parameters and seconds of CPU, on one thread. FOLDER gets `checkpoint.pt` and the loss in `curve.csv`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import datasets
from bench.records import GroundTruth
from bench.testing import toy_truth
from bench.training import CHECKPOINT, Compute, train
from methods.base import TrainingData
from methods.nn.flow.config import FittingConfig
from methods.nn.flow.fitting import FlowStage
from methods.nn.flow.named import build


def main() -> None:
    """Fit and tell."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    truth: GroundTruth = toy_truth()
    data = TrainingData(truth, {}, motion=datasets.rendered_motion)  # type: ignore[arg-type]
    began = time.process_time()
    train(FlowStage(FittingConfig(), data, 0), folder, 0, Compute("cpu", threads=1))
    seconds = time.process_time() - began
    count = sum(value.numel() for value in build("tiny").parameters())
    print(f"{count:,} parameters, fitted in {seconds:.0f} s of CPU: {folder / CHECKPOINT}")


if __name__ == "__main__":
    main()
