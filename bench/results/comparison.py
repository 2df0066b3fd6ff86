"""Two results of one protocol, paired: differences with their uncertainty, and where they come from.

Both are scored on the same resampled source groups (:func:`bench.metrics.paired_difference`). Results of
different truth or different rules are refused: their difference means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.metrics import Evaluation, paired_difference
from bench.names import choose
from bench.results.result import Estimate, Result, read_matches

HEADLINES = ("frame_map/0.50", "video_map/0.20", "video_map/0.50", "video_map/0.50-0.95")


@dataclass(frozen=True)
class MetricDifference:
    """One metric of A and B, percent; difference: A minus B, percentage points.

    low, high, p: 95% interval of the difference and two-sided p; None where resampling says nothing.
    """

    metric: str
    a: float
    b: float
    difference: float
    low: float | None
    high: float | None
    p: float | None

    @property
    def verdict(self) -> str:
        """``A is better``, ``B is better``: the interval does not hold 0; else ``no difference shown``."""
        if self.low is None or self.high is None:
            return "no difference shown: every class has one source group, resampling says nothing"
        if self.low > 0 or self.high < 0:
            return f"{'A' if self.low > 0 else 'B'} is better"
        return "no difference shown"


@dataclass(frozen=True)
class ClassDifference:
    """AP of one class in A and B, percent; difference: A minus B."""

    name: str
    a: float
    b: float
    difference: float


@dataclass(frozen=True)
class Comparison:
    """What ``bench compare --json`` writes.

    metrics: the first one decides, by default the protocol's ranking metric; classes: of that metric, largest
    differences first; not_applicable: headline metrics that one of the results lacks.
    """

    a: str
    b: str
    protocol: str
    partial: bool
    verdict: str
    metrics: tuple[MetricDifference, ...]
    classes: tuple[ClassDifference, ...]
    not_applicable: tuple[str, ...]


def compare(paths: tuple[Path, Path], metric: str | None = None) -> Comparison:
    """Compare two results, each a ``result.json`` or its folder, by one metric first.

    Raises ValueError if a result is not there or not whole, if protocol or truth differ, and for a metric
    that is unknown or not applicable to both.
    """
    a, b = (_read(path) for path in paths)
    _check_same(a, b)
    deciding = _deciding(a, b, metric)
    names = dict.fromkeys([deciding, *([] if metric else HEADLINES)])
    applicable = [name for name in names if a.metrics.get(name) and b.metrics.get(name)]
    sides = [Evaluation({}, {}, *read_matches(path if path.is_dir() else path.parent)) for path in paths]
    metrics = tuple(_difference(a, b, sides, name) for name in applicable)
    return Comparison(
        a=_title(a),
        b=_title(b),
        protocol=a.protocol,
        partial=a.coverage.partial,
        verdict=metrics[0].verdict,
        metrics=metrics,
        classes=_classes(a, b, deciding.replace("_map/", "_ap/")),
        not_applicable=tuple(name for name in names if name not in applicable),
    )


def _read(path: Path) -> Result:
    try:
        return Result.read(path)
    except OSError as error:
        raise ValueError(
            f"{path}: no result there ({error.strerror}); name a result.json or its folder"
        ) from error


def _check_same(a: Result, b: Result) -> None:
    if a.protocol != b.protocol:
        raise ValueError(
            f"A was scored under {a.protocol}, B under {b.protocol}: their numbers mean different things. "
            "Score both under one protocol with `bench score`"
        )
    if a.truth_digest != b.truth_digest:
        covered = [f"{r.coverage.videos} of {r.coverage.expected}" for r in (a, b)]
        raise ValueError(
            f"A and B were scored against different truth (digests {a.truth_digest} and {b.truth_digest}; "
            f"videos {covered[0]} and {covered[1]}); score both against the same annotation and videos"
        )
    if a.rules != b.rules:
        raise ValueError(
            f"A and B name {a.protocol}, but state different rules; score both again with one version"
        )


def _deciding(a: Result, b: Result, metric: str | None) -> str:
    """The metric that decides. Raises ValueError for one that is unknown or that a result lacks."""
    name = choose(metric, a.metrics, "metric") if metric else a.ranking_metric
    for side, result in (("A", a), ("B", b)):
        if result.metrics.get(name) is None:
            there = ", ".join(n for n in HEADLINES if a.metrics.get(n) and b.metrics.get(n))
            raise ValueError(
                f"{name} is not applicable to {side}; --metric NAME with one of: {there or 'none'}"
            )
    return name


def _difference(a: Result, b: Result, sides: Sequence[Evaluation], name: str) -> MetricDifference:
    found = paired_difference(sides[0], sides[1], name, a.rules)
    return MetricDifference(name, _value(a.metrics[name]), _value(b.metrics[name]), *found)


def _value(estimate: Estimate | None) -> float:
    assert estimate is not None
    return estimate.value


def _classes(a: Result, b: Result, name: str) -> tuple[ClassDifference, ...]:
    """Largest differences first; classes that one of the results leaves out are left out."""
    pairs = [(c, one, b.per_class[name].get(c)) for c, one in a.per_class.get(name, {}).items()]
    found = [
        ClassDifference(c, one.value, other.value, one.value - other.value)
        for c, one, other in pairs
        if one is not None and other is not None
    ]
    return tuple(sorted(found, key=lambda entry: -abs(entry.difference)))


def _title(result: Result) -> str:
    return f"{result.identity.title} {result.identity.variant}, seed {result.identity.seed}"
