"""How busy the machine is while a run works: MLflow's own system metrics, kept in a file of the run."""

from __future__ import annotations

import csv
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

EVERY = 10.0
"""Seconds between two samples."""


class Load:
    """Samples in ``load.csv``: ``step`` (seconds since the run began) and one column a number of MLflow's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.began = time.monotonic()
        self.next = self.began + 1.0
        self.monitors = _monitors()
        self.file: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.file:
            self.file.close()

    def sample(self, last: bool = False) -> None:
        """Write one row if it is time for one, or if there is none yet and none will come (``last``)."""
        now = time.monotonic()
        if now < self.next and not (last and self.file is None):
            return
        self.next = now + EVERY
        row: dict[str, float] = {"step": int(now - self.began)}
        for monitor in self.monitors:
            monitor.collect_metrics()
            row |= monitor.aggregate_metrics()
            monitor.clear_metrics()
        if self.file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.path.open("w", encoding="utf-8", newline="")
            csv.writer(self.file).writerow(row)
        csv.writer(self.file).writerow(row.values())
        self.file.flush()


def _monitors() -> list[Any]:
    """MLflow's monitors of this machine: processor and memory, and the GPUs where they can be asked."""
    from bench.tracking.server import import_client

    import_client()
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor

    found: list[Any] = [CPUMonitor()]
    found[0].collect_metrics()  # the first answer of psutil is always 0
    found[0].clear_metrics()
    with suppress(ImportError, RuntimeError):
        found.append(GPUMonitor())
    return found
