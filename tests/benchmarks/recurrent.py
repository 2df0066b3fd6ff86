"""How long an epoch of RecLNet's recurrent part takes, from features on disk.

    python tests/benchmarks/recurrent.py [--cell gru] [--width 4096] [--part 0.05] [--threads 0]

One stream, 24 classes, 5,000 tracks of 175 steps, batches of 100 tracks by 20 steps: the whole way of
``bench.training.train``, reading, float16 to float32, network, Adam. Only ``--part`` of the epoch's batches
is run and extrapolated, tracks drawn from all videos at once; the first ten do not count. ``--tracks`` of the
tracks have features, each its own, in mapped files (573 MB at width 4,096), just written and so in the page
cache where they fit. The whole epoch reads 7.2 GB, 24 MB a second over five minutes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np

from bench.machine import cores, cpu_name
from bench.records import Array
from bench.training import CURVE_STEPS, Compute, train
from methods.base import TrainingData
from methods.reclnet.recurrent import Learning, StreamStage
from methods.reclnet.recurrent_config import FC_UNITS, RecurrentConfig, RecurrentTraining
from methods.reclnet.schedule import Groups, Schedule
from methods.reclnet.steps import ROWS, frame_steps

TRACKS, STEPS, CLASSES = 5000, 175, 24
IN_VIDEO = 20
"""Tracks of a video."""


@dataclass(frozen=True)
class Stored:
    """A video whose features lie in a file."""

    folder: Path
    number: int

    def write(self, width: int) -> None:
        """Random rows, half of them zero as after a ReLU."""
        rng = np.random.default_rng(self.number)
        rows = rng.integers(0, 0x3C00, (IN_VIDEO * STEPS, width), np.uint16).view(np.float16)
        rows[:, ::2] = 0
        np.save(self._path, rows)

    def extracted(self, name: str) -> Mapping[str, Array]:
        """Tracks, each with rows of its own, or features, mapped."""
        if name == "tracks":
            row = np.arange(IN_VIDEO * STEPS, dtype=np.int32)
            return {"track_N": np.repeat(np.arange(IN_VIDEO, dtype=np.int32), STEPS), "row_N": row}
        return {ROWS: np.load(self._path, mmap_mode="r")}

    @property
    def _path(self) -> Path:
        return self.folder / f"{self.number}.npy"


def labels(video: str, tracks: Mapping[str, Array]) -> Array:
    """Any."""
    return np.random.default_rng(int(video)).integers(0, CLASSES + 1, len(tracks["track_N"]))


@click.command()
@click.option("--cell", type=click.Choice(["gru", "torch-gru", "lstm", "torch-lstm", "fc"]), default="gru")
@click.option("--width", default=4096, show_default=True, help="Numbers of a row of features.")
@click.option("--tracks", default=400, show_default=True, help="Tracks whose features are written.")
@click.option("--part", default=0.05, show_default=True, help="Share of the epoch that is run.")
@click.option("--threads", default=0, show_default=True, help="0: all cores.")
def main(cell: Any, width: int, tracks: int, part: float, threads: int) -> None:
    """Print seconds of a batch and of an epoch."""
    together = Groups(np.zeros(TRACKS, np.int64), np.zeros(1, np.int64), room=0)
    epoch = Schedule(np.full(TRACKS, STEPS), 100, 20, 0, together).batches(1)
    steps = CURVE_STEPS * (1 + max(1, round(part * epoch / CURVE_STEPS)))
    network = RecurrentConfig(cell, units=FC_UNITS if cell == "fc" else (256, 256))
    learning = Learning(network, RecurrentTraining(steps=steps), CLASSES, labels, frame_steps, width)
    clock: list[tuple[int, float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        videos = {str(i): Stored(Path(name), i) for i in range(-(-tracks // IN_VIDEO))}
        for video in videos.values():
            video.write(width)
        truth: Any = SimpleNamespace(videos=SimpleNamespace(names=tuple(videos)))
        stage = StreamStage("rgb", learning, TrainingData(truth, videos), 0)  # type: ignore[arg-type]
        began = time.perf_counter()
        train(
            stage, Path(name) / "run", 0, Compute("cpu", threads=threads),
            lambda step, *_: clock.append((step, time.perf_counter(), time.process_time())),
        )  # fmt: skip
        total = time.perf_counter() - began
    (first, wall, cpu), (last, wall_end, cpu_end) = clock[0], clock[-1]
    of_batch = [(end - begin) / (last - first) for begin, end in ((wall, wall_end), (cpu, cpu_end))]
    print(f"{cell}, width {width}; {cpu_name()}, {threads or cores()} threads; {total:.0f} s in all")
    print(
        f"a batch: {1000 * of_batch[0]:.0f} ms, {1000 * of_batch[1]:.0f} ms of CPU ({last - first} batches)"
    )
    print(f"an epoch: {epoch} batches, {epoch * of_batch[0]:.0f} s, {epoch * of_batch[1]:.0f} s of CPU")


if __name__ == "__main__":
    main()
