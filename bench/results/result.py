"""The result of a run: ``result.json`` and, beside it, the matches that its numbers are made from.

``docs/result-schema.md`` describes both files. Metrics are percentages; None (null) is *not applicable*.
A result without its matches is refused: intervals, paired comparisons and curves come from them.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, Self

from bench.files.decode import decode
from bench.files.store import plain, read_json, write_json
from bench.machine import cores, cpu_name
from bench.protocol import Protocol
from bench.results.matches import MATCHES, TRUTH_COUNTS, digest_matches, read_matches, write_matches
from bench.sources import Source

__all__ = [
    "Coverage", "Environment", "Estimate", "Found", "Identity", "Result", "Speed", "Times", "Training",
    "read_all", "read_matches", "write_matches",
]  # fmt: skip

SCHEMA_VERSION = 1
FILE = "result.json"
NO_RESULTS = ("store", "mlartifacts")
ON_VALIDATION, ON_SCORED = "validation of train", "the scored videos"
"""What :attr:`Identity.tuned` may say."""
PACKAGES = ("torch", "torchvision", "numpy", "numba", "pandas", "pyarrow", "decord", "av")


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval; None where no interval was made."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Identity:
    """What was run.

    title: what tables show; config_digest: of the config without where files lie; checkpoint_digests: by
    training stage; paper: its citation; tuned: on what its settings were chosen, nothing where they were not
    tuned; sources: config field -> the file that it named (:mod:`bench.sources`).
    """

    method: str
    variant: str
    title: str
    config: dict[str, Any]
    config_digest: str
    seed: int
    checkpoint_digests: dict[str, str]
    code_version: str
    paper: str = ""
    tuned: str = ""
    sources: dict[str, Source] = field(default_factory=dict)

    @property
    def configuration(self) -> tuple[str, ...]:
        """What was run, whatever the seed, and wherever the files lay that it was given."""
        given = (f"{name}={source.digest}" for name, source in sorted(self.sources.items()))
        return (self.method, self.variant, *given)

    @property
    def given(self) -> tuple[str, ...]:
        """``model.pretrained: vgg16.pth (0123456789abcdef)`` of every file that it was given."""
        return tuple(f"{name}: {one.name} ({one.digest})" for name, one in sorted(self.sources.items()))


@dataclass(frozen=True)
class Coverage:
    """Videos scored of those that the protocol expects."""

    videos: int
    expected: int
    partial: bool

    def __post_init__(self) -> None:
        if self.videos > self.expected or self.partial != (self.videos < self.expected):
            raise ValueError(f"coverage contradicts itself: {self}")


@dataclass(frozen=True)
class Speed:
    """``values``: ``fps/evaluation``, ``share/network`` ...; ``includes``: what was timed, in words."""

    values: dict[str, float]
    hardware: str
    includes: str


@dataclass(frozen=True)
class Training:
    """Where the weights came from.

    videos, listed: training videos used, of those that ``data`` lists; a result of fewer is not ranked;
    data: ``train`` or ``train-minus-val``; boxes_from: whose boxes it was trained on (``truth``, ``own``);
    checkpoint: ``last``, or ``best`` on held-out groups; precision: of the arithmetic that was asked for.
    """

    data: str
    videos: int
    listed: int
    steps: int
    pretraining: str
    flow: str
    boxes_from: str
    checkpoint: str
    precision: str = "32-true"


@dataclass(frozen=True)
class Environment:
    """Machine and software. ``packages``: name -> version, those that are installed."""

    python: str
    platform: str
    packages: dict[str, str]
    cpu: str
    cores: int
    gpu: str | None

    @classmethod
    def here(cls, gpu: str | None = None) -> Self:
        """This process's environment; ``gpu`` is the device's name if one was used."""
        packages = {}
        for name in PACKAGES:
            try:
                packages[name] = metadata.version(name)
            except metadata.PackageNotFoundError:
                continue
        return cls(platform.python_version(), platform.platform(), packages, cpu_name(), cores(), gpu)


@dataclass(frozen=True)
class Times:
    """All times in one place, so that two results can be compared without them. ``steps`` in seconds."""

    created: str
    steps: dict[str, float]


@dataclass(frozen=True)
class Result:
    """Everything known about one run under one protocol.

    rules: the protocol itself, whose id, dataset and split are repeated beside it for the eye;
    metrics: ``frame_map/0.50`` -> estimate; per_class: ``frame_ap/0.50`` -> class -> estimate, classes in
    label order; errors: ``frame`` -> kind -> number (:mod:`bench.metrics.errors`); errors_per_class: each
    kind -> class -> number; truth_digest: of the annotation; matches_digest: of the two tables beside;
    inputs: step -> key in the store; notes: stated readings and caveats; curves: ``frame_map`` -> threshold
    (``0.05``) -> number, the whole curve under ``frame_map/auc``; older results have none.
    """

    identity: Identity
    protocol: str
    dataset: str
    split: str
    data_kind: Literal["real", "rendered"]
    rules: Protocol
    coverage: Coverage
    metrics: dict[str, Estimate | None]
    per_class: dict[str, dict[str, Estimate | None]]
    errors: dict[str, dict[str, float | None]]
    errors_per_class: dict[str, dict[str, dict[str, float | None]]]
    speed: Speed | None
    training: Training | None
    environment: Environment
    truth_digest: str
    matches_digest: str
    times: Times
    inputs: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    curves: dict[str, dict[str, float]] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        kind = "rendered" if self.rules.synthetic else "real"
        said = (self.protocol, self.dataset, self.split, self.data_kind)
        meant = (self.rules.id, self.rules.dataset, self.rules.split, kind)
        if said != meant:
            raise ValueError(f"protocol, dataset, split and data kind are {said}, but the rules say {meant}")

    @property
    def ranking_metric(self) -> str:
        """The one metric by which this protocol ranks."""
        return self.rules.ranking_metric

    @property
    def synthetic(self) -> bool:
        """Whether the videos were rendered; never in one table with real ones."""
        return self.data_kind == "rendered"

    @property
    def ranked(self) -> bool:
        """Whether a leaderboard may rank it.

        It has whole coverage and training set, the metric applies, and it was not tuned on what is scored.
        """
        whole = self.training is None or self.training.videos == self.training.listed
        applies = self.metrics.get(self.ranking_metric) is not None
        honest = self.identity.tuned != ON_SCORED
        return whole and applies and honest and not self.coverage.partial

    def comparable(self) -> dict[str, Any]:
        """The content as JSON types, without times and speed: equal runs are equal here."""
        return {key: value for key, value in self._json().items() if key not in ("times", "speed")}

    def _json(self) -> dict[str, Any]:
        content = plain(self)
        first = {"schema_version": content.pop("schema_version"), "synthetic": self.synthetic}
        return first | content

    def write(self, folder: Path) -> Path:
        """Write ``result.json`` beside its matches. Raises ValueError if they are not there."""
        self._check_matches(folder)
        path = folder / FILE
        write_json(path, self._json())
        return path

    @classmethod
    def read(cls, path: Path) -> Result:
        """The result in a folder or file, checked. Raises ValueError naming the file and what is wrong."""
        path = path / FILE if path.is_dir() else path
        content = read_json(path)
        version = content.get("schema_version") if isinstance(content, dict) else None
        if version != SCHEMA_VERSION:
            raise ValueError(f"{path} has schema version {version}; this version reads {SCHEMA_VERSION}")
        synthetic = content.pop("synthetic", None)
        result: Result = decode(cls, content, f"{path}:")
        if synthetic is not result.synthetic:
            raise ValueError(f"{path}: synthetic is {synthetic}, but data_kind is {result.data_kind!r}")
        result._check_matches(path.parent)
        return result

    def _check_matches(self, folder: Path) -> None:
        found = digest_matches(folder)
        if found != self.matches_digest:
            raise ValueError(
                f"{folder / MATCHES} and {TRUTH_COUNTS} have digest {found}, not {self.matches_digest}: "
                "they are not the ones that the result was made from; score again"
            )


@dataclass(frozen=True)
class Found:
    """Results below a folder, by path, and those refused with the reason."""

    results: tuple[tuple[Path, Result], ...]
    refused: tuple[tuple[Path, str], ...]


def read_all(runs_dir: Path) -> Found:
    """Every result below ``runs_dir``, sorted by path; the store and tracking copies are not searched."""
    results, refused = [], []
    for path in _result_files(runs_dir):
        try:
            results.append((path, Result.read(path)))
        except ValueError as error:
            refused.append((path, str(error)))
    return Found(tuple(results), tuple(refused))


def _result_files(folder: Path) -> list[Path]:
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in NO_RESULTS]
        found += [Path(root) / FILE] * (FILE in files)
    return sorted(found)
