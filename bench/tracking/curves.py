"""Training curves and the machine's load as points of MLflow, read from the files that hold them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bench.files.curves import read_curve
from bench.results.result import Result

CURVE, LOAD = "curve.csv", "load.csv"
STEPS = ("predict", "link", "predictions")
"""Inputs of a result that are no training stages."""


class Point(NamedTuple):
    """One point of a curve, such as ``("train/rgb/loss", 200, 1.75)``."""

    name: str
    step: int
    value: float


def curve_files(stages: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Prefix of names -> file: stage ``rgb`` is ``train/rgb``, the load of the machine ``system``."""
    return {f"train/{stage}": path for stage, path in stages.items()} | {"system": folder / LOAD}


def files_of(result: Result, folder: Path, runs_dir: Path) -> dict[str, Path]:
    """The curve files of a finished run; those that are gone are read as empty."""
    keys = {stage: key for stage, key in result.inputs.items() if stage not in STEPS}
    stages = {stage: runs_dir / "store" / "train" / key / CURVE for stage, key in keys.items()}
    return curve_files(stages, folder)


def points(files: Mapping[str, Path], after: Mapping[str, int] | None = None) -> Iterator[Point]:
    """Every point of the files, of each prefix those after a step; what is no number is left out."""
    for prefix, path in files.items():
        if not path.is_file():
            continue
        begin = (after or {}).get(prefix, -1)
        for step, values in read_curve(path):
            if step > begin:
                yield from (
                    Point(f"{prefix}/{name}", step, v) for name, v in values.items() if math.isfinite(v)
                )
