"""Leaderboards as data: which results and published rows stand together, in which order and rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.metrics.bootstrap import paired_difference
from bench.metrics.evaluation import Evaluation
from bench.results.result import ON_SCORED, Result, read_matches
from bench.speed import rows as speed
from reports.published import PublishedMethod, published_methods

SHOWN = ("frame_map/0.50", "video_map/0.20", "video_map/0.50", "video_map/0.75", "video_map/0.50-0.95")


@dataclass(frozen=True)
class Row:
    """A result on a leaderboard. ``rank`` None: shown, not ranked, for the reason in ``status``.

    timed: what `bench speed` has measured of it, one frame at a time, on the hardware that it ran on.
    """

    path: Path
    result: Result
    rank: int | None
    status: str = ""
    timed: speed.Row | None = None

    @property
    def label(self) -> str:
        """Short name in figures: title, variant and seed."""
        identity = self.result.identity
        name = f"{identity.title} · {identity.variant} · seed {identity.seed}"
        return f"{name} ({self.status})" if self.result.coverage.partial else name

    @property
    def configuration(self) -> tuple[str, ...]:
        """What was run, whatever the seed."""
        return self.result.identity.configuration

    @property
    def marks(self) -> tuple[str, ...]:
        """What must be known at a glance: on what it was tuned, where its status does not say so."""
        mark = f"tuned on {self.result.identity.tuned}"
        return (mark,) * bool(self.result.identity.tuned and mark != self.status)

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


@dataclass(frozen=True)
class Board:
    """All that was scored under one protocol on one annotation, best first, and what papers published."""

    protocol: str
    truth_digest: str
    ranking_metric: str
    synthetic: bool
    rows: tuple[Row, ...]
    published: tuple[PublishedMethod, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Columns: the usual ones, and the ranking metric if it is another."""
        return SHOWN if self.ranking_metric in SHOWN else (self.ranking_metric, *SHOWN)

    @property
    def fps_notes(self) -> tuple[str, ...]:
        """What the frame rates include, each once, in row order."""
        return tuple(dict.fromkeys(row.fps[1] for row in self.rows if row.fps))


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
    ranks = _ranks(ranked)
    rows = [Row(path, result, rank) for (path, result), rank in zip(ranked, ranks)]
    rows += [Row(path, result, None, _why_unranked(result)) for path, result in entries if not result.ranked]
    rows = [replace(row, timed=_timed(row.result, timed)) for row in rows]
    board = Board(first.protocol, first.truth_digest, first.ranking_metric, first.synthetic, (), ())
    published = published_methods(first.rules, board.metrics)
    published.sort(key=lambda method: (-_value(method, board.ranking_metric), method.method))
    return replace(board, rows=tuple(sorted(rows, key=_order)), published=tuple(published))


def _timed(result: Result, rows: Sequence[speed.Row]) -> speed.Row | None:
    """The measurement of what a result is of, on its dataset and the hardware that it ran on."""
    if result.speed is None:
        return None
    identity = result.identity
    found = speed.by_device(rows, identity.method, identity.variant, result.dataset)
    return found.get(result.speed.hardware)


def _value(method: PublishedMethod, metric: str) -> float:
    return float(method.values.get(metric, "-1"))


def _why_unranked(result: Result) -> str:
    coverage = result.coverage
    if result.identity.tuned == ON_SCORED:
        return f"tuned on {ON_SCORED}"
    if coverage.partial:
        return f"partial {coverage.videos}/{coverage.expected}"
    training = result.training
    if training and training.videos < training.listed:
        return f"trained on {training.videos}/{training.listed}"
    return "not applicable"


def _order(row: Row) -> tuple[bool, int, float, str, str, int, str]:
    estimate, identity = row.result.metrics.get(row.result.ranking_metric), row.result.identity
    value = -estimate.value if estimate else 0.0
    names = (identity.method, identity.variant, identity.seed, row.path.as_posix())
    return (row.rank is None, row.rank or 0, value, *names)


def _ranks(entries: Sequence[tuple[Path, Result]]) -> list[int]:
    """1 + the number of configurations that are significantly better: the paired 95% interval is above 0.

    Seeds of one method and variant count as one configuration and never outrank each other.
    """
    better: list[set[tuple[str, ...]]] = [set() for _ in entries]
    level = "tube" if entries and entries[0][1].ranking_metric.startswith("video_map") else "frame"
    compared = entries if len(entries) > 1 else []
    evidence = [Evaluation({}, {}, *read_matches(path.parent, level)) for path, _ in compared]
    for i, (_, one) in enumerate(entries):
        for j, (_, other) in enumerate(entries[:i]):
            if one.identity.configuration == other.identity.configuration:
                continue
            difference = paired_difference(evidence[i], evidence[j], one.ranking_metric, one.rules)
            if difference.better > 0:
                better[j].add(one.identity.configuration)
            elif difference.better < 0:
                better[i].add(other.identity.configuration)
    return [1 + len(names) for names in better]
