"""What a study found, as data: ``study.json``. MLflow and the report are views of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.files.decode import decode
from bench.files.store import read_json, write_json
from bench.results.comparison import MetricDifference

FILE = "study.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Trial:
    """One set of settings. number 0: those that the study began with, the paper's own.

    state: ``complete`` or ``pruned``; values: one an objective, none where it was pruned; params: what was
    drawn, by name; refused: why these settings cannot be used (they are worth 0); seconds: of a processor.
    """

    number: int
    state: str
    values: tuple[float, ...]
    params: dict[str, Any]
    refused: str
    seconds: float


@dataclass(frozen=True)
class Searched:
    """What a parameter was searched over: ``choices``, or ``low`` to ``high``."""

    name: str
    default: Any
    choices: tuple[Any, ...]
    low: float
    high: float
    log: bool


@dataclass(frozen=True)
class StudyRecord:
    """A finished study.

    title: what was tuned, such as ``YOWO tiny+default``. protocol: its id, on whose rules trials were scored.
    tuned_on: ``validation of train`` or ``the scored videos``, of which there are ``videos``.
    objectives: names of what was maximised, the metric first. trials: by number. best: of the metric;
    pareto: numbers of the trials that no other beats in both objectives, with one objective the best alone.
    settings: ``key=value`` of all that the best one changes. importances: parameter -> share, largest first.
    results: folders of the results, ``before`` and ``tuned``; the latter is missing where no trial is better.
    comparison: tuned minus before on the scored videos. pictures: files beside ``study.json``.
    """

    name: str
    title: str
    protocol: str
    dataset: str
    seed: int
    tuned_on: str
    videos: int
    objectives: tuple[str, ...]
    space: tuple[Searched, ...]
    trials: tuple[Trial, ...]
    best: int
    pareto: tuple[int, ...]
    settings: tuple[str, ...]
    importances: dict[str, float]
    results: dict[str, str] = field(default_factory=dict)
    comparison: MetricDifference | None = None
    pictures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    schema_version: int = SCHEMA_VERSION

    @property
    def gain(self) -> float:
        """How much more of the metric the best trial has than trial 0, in percentage points."""
        return self.trials[self.best].values[0] - self.trials[0].values[0]

    def write(self, folder: Path) -> Path:
        """Write ``study.json``."""
        path = folder / FILE
        write_json(path, self)
        return path

    @classmethod
    def read(cls, path: Path) -> StudyRecord:
        """Of a folder or file. Raises ValueError naming the file and what is wrong."""
        path = path / FILE if path.is_dir() else path
        content = read_json(path)
        version = content.get("schema_version") if isinstance(content, Mapping) else None
        if version != SCHEMA_VERSION:
            raise ValueError(f"{path} has schema version {version}; this version reads {SCHEMA_VERSION}")
        record: StudyRecord = decode(cls, content, f"{path}:")
        return record
