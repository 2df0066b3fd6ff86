"""The tables of a leaderboard, as text."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, stdev

from bench.results.result import Result
from reports.boards import Board, Row
from reports.gaps import Gap, gap
from reports.notes import notes, sample
from reports.published import PublishedMethod
from reports.tables import EMPTY, Table, metric_title, number, with_interval

ERROR_TITLES = {
    "frame": "errors of boxes, points of 100",
    "tube": "errors of tubes, points of 100",
    "oracle": "oracle, video-mAP @.75 with components assumed correct",
    "dap": "points gained by fixing one kind of error of tubes (dAP)",
}


def leaderboard_table(board: Board) -> Table:
    """The leaderboard in text; published rows follow the results, marked so."""
    facts = ("training steps", "boxes from", "flow from", "pre-training", "data", "source")
    beside = ("paper", "gap", "known reasons") if board.compared else ()
    metrics = map(metric_title, board.metrics)
    columns = ("rank", "method", "variant", "seed", *metrics, *beside, "FPS", "FPS note", *facts, "remarks")
    rows = [_result_cells(row, board) for row in board.rows]
    rows += [_published_cells(method, board) for method in board.published]
    rates = [f"FPS {mark}: {note}" for note, mark in board.fps_marks.items()]
    said = (f"{sample(board).capitalize()}.", *notes(board), *rates)
    return Table(board.protocol, columns, tuple(rows), notes=said)


def _result_cells(row: Row, board: Board) -> tuple[str, ...]:
    result, identity, training = row.result, row.result.identity, row.result.training
    facts = (EMPTY,) * 4
    if training:
        facts = (str(training.steps), training.boxes_from, training.flow, training.pretraining)
    values = [with_interval(result.metrics.get(name)) for name in board.metrics]
    beside = gap_cells(gap(result), result) if board.compared else ()
    fps = (f"{row.fps[0]:.1f}", board.fps_marks[row.fps[1]]) if row.fps else (EMPTY, EMPTY)
    rank = row.status if row.rank is None else str(row.rank)
    marks = "; ".join((*row.marks, *identity.given)) or EMPTY
    return (rank, identity.title, identity.variant, row.seed, *values, *beside, *fps, *facts,
            result.data_kind, "this suite" if training else "imported", marks)  # fmt: skip


def gap_cells(found: Gap | None, result: Result) -> tuple[str, str, str]:
    """The paper's number of the ranking metric, ours minus it, and why they may differ."""
    difference = found.difference(result, result.ranking_metric) if found else None
    if found is None or difference is None:
        return (EMPTY,) * 3
    return number(found.values[result.ranking_metric]), f"{difference:+.1f}", "; ".join(found.reasons)


def _published_cells(method: PublishedMethod, board: Board) -> tuple[str, ...]:
    values = [method.values.get(name, EMPTY) for name in board.metrics]
    return ("published", method.method, method.variant or EMPTY, EMPTY, *values, *(EMPTY,) * 3,
            method.fps or EMPTY, *(EMPTY,) * 5, "real", published_source(method), method.rules)  # fmt: skip


def published_source(method: PublishedMethod) -> str:
    """``pcsc2019, Tables 1, 2``."""
    return f"{method.paper}, Table{'s' * (len(method.tables) > 1)} {', '.join(method.tables)}"


def per_class_table(board: Board, metric: str) -> Table | None:
    """AP of every class (rows) by every result (columns); None if no result has it."""
    rows = [row for row in board.rows if any(row.result.per_class.get(metric, {}).values())]
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


def error_table(board: Board, level: str) -> Table | None:
    """One decomposition: rows are kinds, columns results; None if no result has it."""
    rows = [
        row for row in board.rows if any(v is not None for v in row.result.errors.get(level, {}).values())
    ]
    if not rows:
        return None
    kinds = list(dict.fromkeys(kind for row in rows for kind in row.result.errors[level]))
    cells = tuple((kind, *(number(row.result.errors[level].get(kind)) for row in rows)) for kind in kinds)
    title = f"{board.protocol}: {ERROR_TITLES.get(level, level)}"
    return Table(title, ("kind", *(row.label for row in rows)), cells, len(rows))


def seed_table(board: Board) -> Table | None:
    """Mean and standard deviation over seeds; None if nothing was run with several."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in board.rows:
        if row.rank is not None:
            groups.setdefault(row.configuration, []).append(row)
    several = [rows for rows in groups.values() if len(rows) > 1]
    if not several:
        return None
    cells = tuple(
        (
            rows[0].result.identity.title,
            " · ".join([rows[0].result.identity.variant, *[rows[0].config] * rows[0].twin]),
            ", ".join(sorted((row.seed for row in rows), key=int)),
            *(_spread([row.result for row in rows], metric) for metric in board.metrics),
        )
        for rows in several
    )
    columns = ("method", "variant", "seeds", *map(metric_title, board.metrics))
    return Table(f"{board.protocol}: seeds", columns, cells, len(board.metrics))


def _spread(results: Sequence[Result], metric: str) -> str:
    values = [estimate.value for result in results if (estimate := result.metrics.get(metric))]
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else EMPTY
