"""What ``bench speed`` has measured: a row a job, kept in ``speed.json``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.files.decode import decode
from bench.files.store import locked, read_json, write_json

SCHEMA_VERSION = 1
FOLDER, FILE = "speed", "speed.json"
"""Below the folder of all runs."""
RANDOM = "seeded random"
"""Weights of a row that no run has trained."""


@dataclass(frozen=True)
class Key:
    """What makes two rows comparable, or the same measurement made again.

    device: the GPU's name, or the CPU's and its cores; driver: of the GPU, else empty; threads: of a network
    on a CPU, 0 on a GPU; input_size: width and height that the network takes; video: the one that was timed;
    weights: :data:`RANDOM` or the run that they are of.
    """

    method: str
    variant: str
    weights: str
    device: str
    driver: str
    torch: str
    precision: str
    compiled: bool
    batch: int
    threads: int
    input_size: tuple[int, ...]
    dataset: str
    video: str

    @property
    def machine(self) -> str:
        """Hardware and software, and the size of what the network takes, in words."""
        driver = f", driver {self.driver}" if self.driver else ""
        threads = f", {self.threads} thread{'s' * (self.threads > 1)}" if self.threads else ""
        width, height = self.input_size
        return f"{self.device}{driver}{threads}, torch {self.torch}, input {width}x{height}"


@dataclass(frozen=True)
class Rate:
    """Milliseconds a frame, median and 90th percentile, and frames a second of the median.

    includes: what is in it, in words; never shown without.
    """

    fps: float
    ms: float
    ms_p90: float
    includes: str

    @classmethod
    def of(cls, seconds: Sequence[float], frames: int, includes: str) -> Rate:
        """From the seconds of equal pieces of work of so many frames each."""
        ms = 1e3 * np.asarray(seconds) / frames
        median, slow = np.median(ms), np.percentile(ms, 90)
        return cls(round(float(1e3 / median), 3), round(float(median), 4), round(float(slow), 4), includes)


@dataclass(frozen=True)
class Part:
    """One part of the way: milliseconds a frame (median over walks) and its share of all parts in percent."""

    ms: float
    share: float


@dataclass(frozen=True)
class Row:
    """One measurement. network, end_to_end: frames a second; parts: by name, in the order of the way.

    latency: of a frame that has just arrived, None for what cannot be streamed; parameters, gflops (a frame),
    peak_mb: see :mod:`bench.speed.cost`; made: when, UTC.
    """

    key: Key
    network: Rate
    end_to_end: Rate
    parts: dict[str, Part]
    latency: Rate | None
    parameters: int
    gflops: float
    peak_mb: float
    peak_of: str
    frames: int
    repeats: int
    made: str

    @property
    def way(self) -> str:
        """What ``end_to_end`` is of, in words: what it includes, of which weights, on which machine."""
        frames = "one frame at a time" if self.key.batch == 1 else f"{self.key.batch} frames at a time"
        caution = ", so NMS and linking are not as after training" * (self.key.weights == RANDOM)
        weights = f"weights: {self.key.weights}{caution}"
        return f"{frames}: {self.end_to_end.includes}; {weights}; {self.key.machine}"


def read_rows(folder: Path) -> list[Row]:
    """The rows of earlier calls. Raises ValueError naming the file for what is no such table."""
    path = folder / FILE
    if not path.is_file():
        return []
    content = read_json(path)
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION:
        raise ValueError(f"{path} has schema version {version}, not {SCHEMA_VERSION}; move it away")
    return list(decode(tuple[Row, ...], content.get("rows"), f"{path}:"))


def by_device(rows: Sequence[Row], method: str, variant: str, dataset: str, batch: int = 1) -> dict[str, Row]:
    """Device -> the row of a method as its paper has it there: in fp32, not compiled.

    Of several of one device a run's weights come before random ones, then what was measured last.
    """
    wanted = (method, variant, dataset, batch, "fp32", False)
    fitting = [
        row for row in rows
        if (k := row.key) and (k.method, k.variant, k.dataset, k.batch, k.precision, k.compiled) == wanted
    ]  # fmt: skip
    ordered = sorted(fitting, key=lambda row: (row.key.weights != RANDOM, row.made))
    return {row.key.device: row for row in ordered}


def add_rows(folder: Path, rows: Sequence[Row]) -> Path:
    """Write rows into the file; an earlier row of the same key is replaced, the others stay."""
    with locked(folder / ".lock"):
        kept = {row.key: row for row in read_rows(folder)} | {row.key: row for row in rows}
        ordered = sorted(kept.values(), key=lambda row: repr(row.key))
        write_json(folder / FILE, {"schema_version": SCHEMA_VERSION, "rows": ordered})
    return folder / FILE
