"""Leaderboards as data: which results and published rows stand together, in which order and rank."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bench.metrics.groups import by_split, joined
from bench.results.matches import TRUTH_COUNTS
from bench.results.result import Result
from bench.speed import rows as speed
from reports.gaps import gap
from reports.published import PublishedMethod, mean_alone, published_methods
from reports.ranks import configuration, ranks, why_unranked
from reports.tables import EMPTY

SHOWN = ("frame_map/0.50", "video_map/0.20", "video_map/0.50", "video_map/0.75", "video_map/0.50-0.95")


@dataclass(frozen=True)
class Row:
    """A result on a leaderboard. ``rank`` None: shown, not ranked, for the reason in ``status``.

    timed: what `bench speed` has measured of it, one frame at a time, on the hardware that it ran on;
    twin: another row of the board has its names, and other settings.
    """

    path: Path
    result: Result
    rank: int | None
    status: str = ""
    timed: speed.Row | None = None
    twin: bool = False

    @property
    def seed(self) -> str:
        """A dash for imported predictions, of which nothing is known."""
        return str(self.result.identity.seed) if self.result.identity.config else EMPTY

    @property
    def label(self) -> str:
        """Short name in figures: title, variant and seed, and what tells it from a twin."""
        identity = self.result.identity
        parts = [identity.title, identity.variant, *[f"seed {self.seed}"] * (self.seed != EMPTY)]
        name = " · ".join([*parts, *[self.config] * self.twin])
        return f"{name} ({self.status})" if self.result.coverage.partial else name

    @property
    def config(self) -> str:
        """``config 6587691c``."""
        return f"config {self.result.identity.config_digest[:8]}"

    @property
    def configuration(self) -> tuple[str, ...]:
        """What was run, whatever the seed."""
        return configuration(self.result)

    @property
    def marks(self) -> tuple[str, ...]:
        """What must be known at a glance: on what it was tuned, unless its status says so; its config."""
        mark = f"tuned on {self.result.identity.tuned}"
        tuned = [mark] * bool(self.result.identity.tuned and mark != self.status)
        return (*tuned, *[self.config] * self.twin)

    @property
    def fps(self) -> tuple[float, str] | None:
        """Frames a second, and what that includes on which hardware: timed alone, or as it was evaluated."""
        if self.timed:
            return self.timed.end_to_end.fps, self.timed.way
        found = self.result.speed
        rates = [name for name in found.values if name.startswith("fps/")] if found else []
        if found is None or not rates:
            return None
        name = min(rates)
        return found.values[name], f"{name.removeprefix('fps/')}: {found.includes}; {found.hardware}"


class Sample(NamedTuple):
    """What numbers and intervals rest on: test videos and the source groups that they come from.

    varied: whether resamples of the groups differ from the data; where every class has one group none does.
    """

    videos: int
    groups: int
    varied: bool


@dataclass(frozen=True)
class Board:
    """All that was scored under one protocol on one annotation, best first, and what papers published.

    means_elsewhere: papers print means over all splits, which stand on the board of the mean alone.
    """

    protocol: str
    truth_digest: str
    ranking_metric: str
    synthetic: bool
    rows: tuple[Row, ...]
    published: tuple[PublishedMethod, ...]
    sample: Sample
    means_elsewhere: bool = False

    @property
    def metrics(self) -> tuple[str, ...]:
        """Columns: the usual ones, and the ranking metric if it is another."""
        return SHOWN if self.ranking_metric in SHOWN else (self.ranking_metric, *SHOWN)

    @property
    def fps_marks(self) -> dict[str, str]:
        """What the frame rates include, each once, in row order, and the letter that leads to it."""
        notes = dict.fromkeys(row.fps[1] for row in self.rows if row.fps)
        return {note: _letters(place) for place, note in enumerate(notes)}

    @property
    def compared(self) -> bool:
        """Whether anything of a paper stands beside ours: rows of its tables, or a gap."""
        return bool(self.published) or any(gap(row.result) for row in self.rows)


def _letters(place: int) -> str:
    """``a`` ... ``z``, ``aa`` ..."""
    return (_letters(place // 26 - 1) if place >= 26 else "") + chr(ord("a") + place % 26)


def best_rows(board: Board) -> list[Row]:
    """The best row of each configuration, in the board's order: what figures show, a colour each."""
    best: dict[tuple[str, ...], Row] = {}
    for row in board.rows:
        best.setdefault(row.configuration, row)
    return list(best.values())


def boards(results: Sequence[tuple[Path, Result]], timed: Sequence[speed.Row] = ()) -> list[Board]:
    """One leaderboard a protocol and annotation: real ones first, then rendered, by id.

    ``timed``: what `bench speed` has measured.
    """
    groups: dict[tuple[bool, str, str], list[tuple[Path, Result]]] = {}
    for path, result in results:
        groups.setdefault((result.synthetic, result.protocol, result.truth_digest), []).append((path, result))
    return [_board(groups[key], timed) for key in sorted(groups)]


def _board(entries: Sequence[tuple[Path, Result]], timed: Sequence[speed.Row]) -> Board:
    first = entries[0][1]
    ranked = [(path, result) for path, result in entries if result.ranked]
    rows = [Row(path, result, rank) for (path, result), rank in zip(ranked, ranks(ranked))]
    rows += [Row(path, result, None, why_unranked(result)) for path, result in entries if not result.ranked]
    settings = Counter(names for names, _ in {_named(row.result) for row in rows})
    rows = [
        replace(row, timed=_timed(row.result, timed), twin=settings[_named(row.result)[0]] > 1)
        for row in rows
    ]
    board = Board(
        first.protocol, first.truth_digest, first.ranking_metric, first.synthetic,
        tuple(sorted(rows, key=_order)), (), _sample(entries), mean_alone(first.rules),
    )  # fmt: skip
    published = published_methods(first.rules, board.metrics)
    published.sort(key=lambda method: (-_value(method, board.ranking_metric), method.method))
    return replace(board, published=tuple(published))


def _named(result: Result) -> tuple[tuple[str, ...], str]:
    """By what a result is called, and its settings."""
    return result.identity.configuration, result.identity.config_digest


def _sample(entries: Sequence[tuple[Path, Result]]) -> Sample:
    """Of the result that covers most."""
    path, result = max(entries, key=lambda entry: entry[1].coverage.videos)
    truth = pd.read_parquet(path.parent / TRUTH_COUNTS)
    counts = joined(by_split(truth.head(0), truth))
    varied = bool((counts.resamples(100, 0) != 1).any())
    return Sample(result.coverage.expected, len(counts.groups), varied)


def _timed(result: Result, rows: Sequence[speed.Row]) -> speed.Row | None:
    """The measurement of what a result is of, on its dataset and the hardware that it ran on."""
    if result.speed is None:
        return None
    identity = result.identity
    found = speed.by_device(rows, identity.method, identity.variant, result.dataset)
    return found.get(result.speed.hardware)


def _value(method: PublishedMethod, metric: str) -> float:
    return float(method.values.get(metric, "-1"))


def _order(row: Row) -> tuple[bool, int, float, str, str, int, str]:
    estimate, identity = row.result.metrics.get(row.result.ranking_metric), row.result.identity
    value = -estimate.value if estimate else 0.0
    names = (identity.method, identity.variant, identity.seed, row.path.as_posix())
    return (row.rank is None, row.rank or 0, value, *names)
