"""Clips of 16 frames at random from many short videos, as training reads them: ours beside naive decord.

    python tests/benchmarks/clips.py FOLDER [--clips 2000] [--rounds 3] [--workers 2]

FOLDER holds videos at any depth, for instance J-HMDB's. Every figure is of a process of its own that starts
with nothing in memory and reads clips from videos drawn with repetition; the sides take turns, round by
round, and read the same clips. ``cold``: nobody has looked at the files before. ``known``: what is found of
files is stored, as `bench data check` and earlier runs leave it. ``decord``: the file is opened and decord
asked for 16 frames by number, which on many files gives wrong pictures. The files are read once beforehand,
so that no side pays for the disk.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from bench.video import VIDEO_SUFFIXES, Video

LENGTH = 16
SIDES = ("cold", "known", "decord")


class Clip(NamedTuple):
    """A video, and where in it the clip starts as a share of the possible places."""

    path: Path
    place: float

    def indices(self, count: int) -> np.ndarray:
        start = int(self.place * max(1, count - LENGTH + 1))
        return np.minimum(np.arange(start, start + LENGTH), count - 1)


def by_decord(clip: Clip) -> None:
    import decord

    reader = decord.VideoReader(str(clip.path), ctx=decord.cpu(0), num_threads=1)
    assert len(reader.get_batch(clip.indices(len(reader))).asnumpy()) == LENGTH


def ours(store: Path) -> Callable[[Clip], None]:
    def read(clip: Clip) -> None:
        reader = Video(clip.path.stem, clip.path, 320, 240, known=store).reader()
        assert len(reader[clip.indices(len(reader))]) == LENGTH

    return read


def run_side(side: str, store: Path, clips: list[Clip], workers: int) -> dict[str, float]:
    """Clips a second, and CPU milliseconds a clip, of this process and its helpers."""
    read = by_decord if side == "decord" else ours(store)
    for module in ("decord",) if side == "decord" else ("av", "cv2"):
        __import__(module)
    began = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(read, clips))
    wall = time.perf_counter() - began
    if side != "decord":
        from bench.video import helper

        helper._close_idle()  # their time counts when they have ended
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return {"rate": len(clips) / wall, "cpu": 1000 * cpu / len(clips)}


def measure(side: str, store: Path, words: list[str]) -> dict[str, float]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, *words, "--side", side, "--store", str(store)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.option("--clips", default=2000, show_default=True, help="Clips a figure.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--workers", default=2, show_default=True, help="Threads that read.")
@click.option("--seed", default=0, hidden=True)
@click.option("--side", type=click.Choice(SIDES), hidden=True)
@click.option("--store", type=click.Path(path_type=Path), hidden=True)
def main(
    folder: Path, clips: int, rounds: int, workers: int, seed: int, side: str | None, store: Path | None
) -> None:
    """Print clips a second and CPU time a clip: cold, known and naive decord."""
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in VIDEO_SUFFIXES)
    rng = random.Random(seed)
    chosen = [Clip(rng.choice(files), rng.random()) for _ in range(clips)]
    if side is not None and store is not None:
        print(json.dumps(run_side(side, store, chosen, workers)))
        return
    for file in files:
        file.read_bytes()
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as fresh:
            words = [str(folder), "--clips", str(clips), "--workers", str(workers), "--seed", str(number)]
            for side in SIDES:
                found[side].append(measure(side, Path(fresh), words))
    report(found)


def report(found: dict[str, list[dict[str, float]]]) -> None:
    naive = statistics.median(one["rate"] for one in found["decord"])
    for side, figures in found.items():
        rates = [one["rate"] for one in figures]
        cpu = statistics.median(one["cpu"] for one in figures)
        middle = statistics.median(rates)
        print(
            f"{side:7s} {middle:6.1f} clips/s ({min(rates):.1f} to {max(rates):.1f}), {cpu:5.1f} ms of CPU a "
            f"clip, {middle / naive:.2f} x decord"
        )


if __name__ == "__main__":
    main()
