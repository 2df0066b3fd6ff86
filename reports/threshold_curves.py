"""mAP over the IoU threshold, of tubes and of frames."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from reports.boards import Board, Row, best_rows
from reports.figures import MOST_CURVES, WIDE, legend, looks, room, styled, svg

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

PUBLISHED: dict[str, Any] = {
    "color": "#8a94a0",
    "linewidth": 1.3,
    "marker": "o",
    "markersize": 4,
    "markerfacecolor": "white",
    "zorder": 1,
}
DASHES = ((0, (5, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 2)))
MOST_BANDS = 3
FRAMES = "frame_map"


def threshold_curves(board: Board) -> str | None:
    """mAP by IoU threshold with 95% bands, published rows dashed. None if there is nothing to draw.

    Of the level that the board is ranked by, tubes or frames; beside tubes of frames too, where their whole
    curve was kept, whose area is named. Metrics are marked, and bands are between them.
    """
    from matplotlib.figure import Figure

    rows = best_rows(board)[:MOST_CURVES]
    ranked = board.ranking_metric.partition("/")[0]
    whole = ranked != FRAMES and any(row.result.curves.get(FRAMES) for row in rows)
    if not any(len(_curve(row, ranked)) > 1 for row in rows):
        return None
    with styled():
        figure = Figure(figsize=(WIDE, 3.6))
        named: dict[str, Artist] = {}
        for axes, kind in zip(figure.subplots(1, 1 + whole, squeeze=False)[0], (ranked, FRAMES)):
            for line in [*_draw(axes, board, rows, kind), *_draw_published(axes, board, kind)]:
                named[str(line.get_label())] = line
        room(figure, 0.5)
        legend(figure, list(named.values()))
        return svg(figure)


def _draw(axes: Axes, board: Board, rows: list[Row], kind: str) -> list[Artist]:
    """The curves of one level."""
    look, lines = looks(board), []
    drawn = [(row, points) for row in rows if len(points := _curve(row, kind)) > 1]
    for i, (row, points) in enumerate(drawn):
        colour, marker = look[row.configuration]
        named = [place for place, point in enumerate(points) if point.bounds]
        if i < MOST_BANDS and named:
            x, low, high = zip(*((points[n].threshold, *points[n].bounds) for n in named))
            axes.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)
        lines += axes.plot(
            [point.threshold for point in points], [point.value for point in points], color=colour,
            marker=marker, markevery=named, markersize=5.5, linewidth=2, label=row.label + _area(row),
        )  # fmt: skip
    axes.set(xlabel="IoU threshold", ylim=(0, None))
    axes.set_title(f"{kind.replace('_map', '-mAP')} (%)", loc="left", fontsize=10)
    return [*lines]


def _area(row: Row) -> str:
    """The mean of frame-mAP over the thresholds .05, .10 ... .95, where the result has it."""
    area = row.result.metrics.get(f"{FRAMES}/auc")
    return f" · frame-mAP AUC {area.value:.1f}" if area else ""


class _Point(NamedTuple):
    """mAP at an IoU threshold; bounds: of a metric its interval, which may be a point, of others nothing."""

    threshold: float
    value: float
    bounds: tuple[float, ...] = ()


def _curve(row: Row, kind: str) -> list[_Point]:
    """The metrics and what lies between them, thresholds rising."""
    between = row.result.curves.get(kind, {})
    points = {float(t): _Point(float(t), value) for t, value in between.items()}
    for name, estimate in row.result.metrics.items():
        if estimate and re.fullmatch(kind + r"/[\d.]+", name):
            threshold, value = float(name.partition("/")[2]), estimate.value
            bounds = [value if bound is None else bound for bound in (estimate.low, estimate.high)]
            points[threshold] = _Point(threshold, value, tuple(bounds))
    return [points[threshold] for threshold in sorted(points)]


def _draw_published(axes: Axes, board: Board, kind: str) -> list[Artist]:
    lines: list[Artist] = []
    for method, dash in zip(board.published, DASHES):
        named = [(n.partition("/")[2], v) for n, v in method.values.items() if n.startswith(f"{kind}/")]
        points = sorted((float(t), float(value)) for t, value in named if "-" not in t)
        if len(points) > 1:
            label = " · ".join(filter(None, (method.method, method.variant, f"published, {method.paper}")))
            lines += axes.plot(*zip(*points), label=label, linestyle=dash, **PUBLISHED)
    return lines
