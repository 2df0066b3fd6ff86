"""The mean of one method's results over the splits of a dataset, with the evidence of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path

import pandas as pd

from bench.files.store import digest
from bench.metrics import intervals
from bench.metrics.groups import SPLIT
from bench.results.notes import LEFT_OUT, ONE_GROUP, without_intervals
from bench.results.result import (
    Coverage,
    Estimate,
    Result,
    Speed,
    Times,
    Training,
    read_matches,
    write_matches,
)
from bench.results.scoring import RESAMPLES

MEAN = "mean"
"""The split of a mean's protocol id."""
Bounds = Mapping[str, tuple[float, float]]


def write_mean(folder: Path, members: Sequence[Path], resamples: int = RESAMPLES) -> Result:
    """The mean of the results in the folders ``members``, one a split, written to ``folder``.

    Every metric, AP and error share is the mean over the splits; a metric that one of them lacks is not
    applicable, a class's AP is that of the splits that have it. Counts of videos are summed: a video that two
    splits test counts twice. The evidence is that of all splits (:mod:`bench.metrics.bootstrap` says what its
    intervals mean). Raises ValueError for results that differ in more than the split.
    """
    results = {result.split: result for result in map(Result.read, members)}
    if len(results) != len(members) or len(members) < 2:
        raise ValueError(f"a mean wants results of two or more splits, got splits {', '.join(results)}")
    first = next(iter(results.values()))
    rules = replace(first.rules, split=MEAN)
    for result in results.values():
        if replace(result.rules, split=MEAN) != rules or _configured(result) != _configured(first):
            raise ValueError(f"{result.protocol} and {first.protocol} differ in more than the split")
    matches, truth = _evidence(dict(zip(results, members)))
    bounds = intervals(matches, truth, rules, resamples) if resamples else {}
    found = replace(
        first,
        identity=replace(
            first.identity, checkpoint_digests=_by_split(results, "identity.checkpoint_digests")
        ),
        protocol=rules.id, rules=rules, split=MEAN,
        coverage=_coverage([result.coverage for result in results.values()]),
        metrics=_means([result.metrics for result in results.values()], bounds),
        per_class=_classes([result.per_class for result in results.values()], bounds),
        errors=_errors([result.errors for result in results.values()]),
        errors_per_class={
            level: _errors([result.errors_per_class[level] for result in results.values()])
            for level in first.errors_per_class
        },
        speed=_speed([result.speed for result in results.values()]),
        training=_training([result.training for result in results.values()]),
        truth_digest=digest([result.truth_digest for result in results.values()]),
        matches_digest=write_matches(folder, matches, truth),
        curves=_curves([result.curves for result in results.values()]),
        times=_times([result.times for result in results.values()]),
        inputs=_by_split(results, "inputs"),
        notes=(
            *(note for note in first.notes if note not in (LEFT_OUT, ONE_GROUP)),
            *without_intervals(resamples, bounds),
            f"mean of the splits {', '.join(results)}",
        ),
    )  # fmt: skip
    found.write(folder)
    return found


def _configured(result: Result) -> tuple[tuple[str, ...], str, int, str]:
    identity = result.identity
    return identity.configuration, identity.config_digest, identity.seed, result.dataset


def _evidence(folders: Mapping[str, Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Matches and truth counts of all splits, with the column that tells them apart."""
    tables = {split: read_matches(folder) for split, folder in folders.items()}
    matches, truth = (
        pd.concat([both[i].assign(**{SPLIT: split}) for split, both in tables.items()], ignore_index=True)
        for i in (0, 1)
    )
    return matches, truth


def _by_split(results: Mapping[str, Result], path: str) -> dict[str, str]:
    """``split/key`` -> value, of a dict that each result holds."""
    found: dict[str, str] = {}
    for split, result in results.items():
        table: dict[str, str] = attrgetter(path)(result)
        found |= {f"{split}/{key}": entry for key, entry in table.items()}
    return found


def _coverage(parts: Sequence[Coverage]) -> Coverage:
    videos, expected = sum(p.videos for p in parts), sum(p.expected for p in parts)
    return Coverage(videos, expected, videos < expected)


def _means(tables: Sequence[Mapping[str, Estimate | None]], bounds: Bounds) -> dict[str, Estimate | None]:
    found: dict[str, Estimate | None] = {}
    for name in tables[0]:
        values = [one.value for table in tables if (one := table.get(name)) is not None]
        whole = len(values) == len(tables)
        found[name] = Estimate(_mean(values), *bounds.get(name, (None, None))) if whole else None
    return found


def _classes(
    tables: Sequence[Mapping[str, Mapping[str, Estimate | None]]], bounds: Bounds
) -> dict[str, dict[str, Estimate | None]]:
    found: dict[str, dict[str, Estimate | None]] = {}
    for name, classes in tables[0].items():
        found[name] = {}
        for c in classes:
            values = [one.value for table in tables if (one := table[name].get(c)) is not None]
            around = bounds.get(f"{name}/{c}", (None, None))
            found[name][c] = Estimate(_mean(values), *around) if values else None
    return found


def _errors(tables: Sequence[Mapping[str, Mapping[str, float | None]]]) -> dict[str, dict[str, float | None]]:
    """Means of two-level tables; a cell that no split has is None."""
    found: dict[str, dict[str, float | None]] = {}
    for outer, inner in tables[0].items():
        cells = {name: [v for t in tables if (v := t[outer].get(name)) is not None] for name in inner}
        found[outer] = {name: _mean(values) if values else None for name, values in cells.items()}
    return found


def _curves(tables: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Mean curves, where every split has the whole of one."""
    names = [name for name in tables[0] if all(name in table for table in tables)]
    return {name: {t: _mean([table[name][t] for table in tables]) for t in tables[0][name]} for name in names}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _speed(speeds: Sequence[Speed | None]) -> Speed | None:
    """The mean, where all were measured alike."""
    there = [speed for speed in speeds if speed is not None]
    if len(there) < len(speeds) or len({(s.hardware, s.includes, *s.values) for s in there}) > 1:
        return None
    return replace(
        there[0], values={n: round(_mean([s.values[n] for s in there]), 2) for n in there[0].values}
    )


def _training(parts: Sequence[Training | None]) -> Training | None:
    """Videos are summed over the splits; the rest is that of the first."""
    there = [part for part in parts if part is not None]
    if len(there) < len(parts):
        return None
    return replace(there[0], videos=sum(p.videos for p in there), listed=sum(p.listed for p in there))


def _times(parts: Sequence[Times]) -> Times:
    """Seconds of all splits together."""
    steps = {name: round(sum(part.steps.get(name, 0) for part in parts), 3) for name in parts[0].steps}
    return Times(datetime.now(UTC).isoformat(timespec="seconds"), steps)
