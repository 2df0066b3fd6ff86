"""Leaderboards as data: which results and published rows stand together, in which order and rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

from bench.metrics.bootstrap import paired_difference
from bench.metrics.evaluation import Evaluation
from bench.results.result import Result, read_matches
from reports.published import PublishedMethod, published_methods
from reports.tables import EMPTY, Table, metric_title, number, with_interval

SHOWN = ("frame_map/0.50", "video_map/0.20", "video_map/0.50", "video_map/0.75", "video_map/0.50-0.95")
FPS = "fps/end_to_end/batch_1"


@dataclass(frozen=True)
class Row:
    """A result on a leaderboard. ``rank`` None: shown, not ranked, for the reason in ``status``."""

    path: Path
    result: Result
    rank: int | None
    status: str = ""

    @property
    def label(self) -> str:
        """Short name in figures: title, variant and seed."""
        identity = self.result.identity
        name = f"{identity.title} · {identity.variant} · seed {identity.seed}"
        return f"{name} ({self.status})" if self.result.coverage.partial else name

    @property
    def configuration(self) -> tuple[str, str]:
        """What was run, whatever the seed."""
        return _configuration(self.result)

    @property
    def fps(self) -> tuple[float, str] | None:
        """Frames a second, and what that includes on which hardware."""
        speed = self.result.speed
        if speed is None or not speed.values:
            return None
        name = FPS if FPS in speed.values else min(speed.values)
        return speed.values[name], f"{name.removeprefix('fps/')}: {speed.includes}; {speed.hardware}"


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


def boards(results: Sequence[tuple[Path, Result]]) -> list[Board]:
    """One leaderboard a protocol and annotation: real ones first, then rendered, by id."""
    groups: dict[tuple[bool, str, str], list[tuple[Path, Result]]] = {}
    for path, result in results:
        groups.setdefault((result.synthetic, result.protocol, result.truth_digest), []).append((path, result))
    return [_board(groups[key]) for key in sorted(groups)]


def _board(entries: Sequence[tuple[Path, Result]]) -> Board:
    first = entries[0][1]
    ranked = [(path, result) for path, result in entries if result.ranked]
    ranks = _ranks(ranked)
    rows = [Row(path, result, rank) for (path, result), rank in zip(ranked, ranks)]
    rows += [Row(path, result, None, _why_unranked(result)) for path, result in entries if not result.ranked]
    board = Board(first.protocol, first.truth_digest, first.ranking_metric, first.synthetic, (), ())
    published = published_methods(first.rules, board.metrics)
    published.sort(key=lambda method: (-_value(method, board.ranking_metric), method.method))
    return replace(board, rows=tuple(sorted(rows, key=_order)), published=tuple(published))


def _value(method: PublishedMethod, metric: str) -> float:
    return float(method.values.get(metric, "-1"))


def _why_unranked(result: Result) -> str:
    coverage = result.coverage
    return f"partial {coverage.videos}/{coverage.expected}" if coverage.partial else "not applicable"


def _order(row: Row) -> tuple[bool, int, float, str, str, int, str]:
    estimate, identity = row.result.metrics.get(row.result.ranking_metric), row.result.identity
    value = -estimate.value if estimate else 0.0
    names = (identity.method, identity.variant, identity.seed, row.path.as_posix())
    return (row.rank is None, row.rank or 0, value, *names)


def _ranks(entries: Sequence[tuple[Path, Result]]) -> list[int]:
    """1 + the number of configurations that are significantly better: the paired 95% interval is above 0.

    Seeds of one method and variant count as one configuration and never outrank each other.
    """
    better: list[set[tuple[str, str]]] = [set() for _ in entries]
    level = "tube" if entries and entries[0][1].ranking_metric.startswith("video_map") else "frame"
    compared = entries if len(entries) > 1 else []
    evidence = [Evaluation({}, {}, *read_matches(path.parent, level)) for path, _ in compared]
    for i, (_, one) in enumerate(entries):
        for j, (_, other) in enumerate(entries[:i]):
            if _configuration(one) == _configuration(other):
                continue
            difference = paired_difference(evidence[i], evidence[j], one.ranking_metric, one.rules)
            if difference.better > 0:
                better[j].add(_configuration(one))
            elif difference.better < 0:
                better[i].add(_configuration(other))
    return [1 + len(names) for names in better]


def _configuration(result: Result) -> tuple[str, str]:
    return result.identity.method, result.identity.variant


def leaderboard_table(board: Board) -> Table:
    """The leaderboard in text; published rows follow the results, marked so."""
    facts = ("training steps", "flow", "pre-training", "data", "source")
    columns = ("rank", "method", "variant", "seed", *map(metric_title, board.metrics), "FPS", *facts)
    rows = [_result_cells(row, board) for row in board.rows]
    rows += [_published_cells(method, board) for method in board.published]
    notes = [f"FPS {mark}: {note}" for mark, note in zip("abcdefghijklmnopqrstuvwxyz", board.fps_notes)]
    return Table(board.protocol, columns, tuple(rows), notes=(ranking_note(board), *notes))


def ranking_note(board: Board) -> str:
    """How ranks are made."""
    return (
        f"Ranked by {metric_title(board.ranking_metric)}: rank = 1 + number of configurations significantly "
        "better (paired bootstrap over source groups, 95%). Brackets: 95% interval."
    )


def _result_cells(row: Row, board: Board) -> tuple[str, ...]:
    result, identity, training = row.result, row.result.identity, row.result.training
    facts = (str(training.steps), training.flow, training.pretraining) if training else (EMPTY,) * 3
    values = [with_interval(result.metrics.get(name)) for name in board.metrics]
    fps = f"{row.fps[0]:.1f}" if row.fps else EMPTY
    rank = row.status if row.rank is None else str(row.rank)
    return (rank, identity.title, identity.variant, str(identity.seed), *values, fps, *facts,
            result.data_kind, "this suite")  # fmt: skip


def _published_cells(method: PublishedMethod, board: Board) -> tuple[str, ...]:
    values = [method.values.get(name, EMPTY) for name in board.metrics]
    blank = (EMPTY,) * 3
    return ("published", method.method, method.variant or EMPTY, EMPTY, *values, method.fps or EMPTY, *blank,
            "real", published_source(method))  # fmt: skip


def published_source(method: PublishedMethod) -> str:
    """``pcsc2019, Tables 1, 2``."""
    return f"{method.paper}, Table{'s' * (len(method.tables) > 1)} {', '.join(method.tables)}"


def per_class_table(board: Board, metric: str) -> Table | None:
    """AP of every class (rows) by every result (columns); None if no result has it."""
    rows = [row for row in board.rows if metric in row.result.per_class]
    if not rows:
        return None
    classes = list(dict.fromkeys(name for row in rows for name in row.result.per_class[metric]))
    cells = tuple((name, *(class_ap(row, metric, name) for row in rows)) for name in classes)
    columns = ("class", *(row.label for row in rows))
    return Table(f"{board.protocol}: {metric_title(metric)} by class", columns, cells, len(rows))


def class_ap(row: Row, metric: str, name: str) -> str:
    """One AP in text."""
    estimate = row.result.per_class[metric].get(name)
    return number(estimate.value if estimate else None)


def per_class_metrics(board: Board) -> tuple[str, ...]:
    """The ranking metric's AP, then the other level's at .5."""
    first = board.ranking_metric.replace("_map/", "_ap/")
    return tuple(dict.fromkeys((first, "frame_ap/0.50", "video_ap/0.50")))


def error_table(board: Board) -> Table | None:
    """Error decompositions; None if no result has one."""
    errors = [row.result.errors.items() for row in board.rows]
    kinds = list(dict.fromkeys((level, kind) for some in errors for level, shares in some for kind in shares))
    if not kinds:
        return None
    cells = tuple(
        (row.label, *(number(row.result.errors.get(level, {}).get(kind)) for level, kind in kinds))
        for row in board.rows
    )
    columns = ("method", *(f"{level}: {kind}" for level, kind in kinds))
    return Table(f"{board.protocol}: errors", columns, cells, len(kinds))


def seed_table(board: Board) -> Table | None:
    """Mean and standard deviation over seeds; None if nothing was run with several."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for row in board.rows:
        if row.rank is not None:
            groups.setdefault(row.configuration, []).append(row.result)
    several = [results for results in groups.values() if len(results) > 1]
    if not several:
        return None
    cells = tuple(
        (
            results[0].identity.title,
            results[0].identity.variant,
            str(len(results)),
            *(_spread(results, metric) for metric in board.metrics),
        )
        for results in several
    )
    columns = ("method", "variant", "seeds", *map(metric_title, board.metrics))
    return Table(f"{board.protocol}: seeds", columns, cells, len(board.metrics))


def _spread(results: Sequence[Result], metric: str) -> str:
    values = [estimate.value for result in results if (estimate := result.metrics.get(metric))]
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else EMPTY
