"""Figures that compare the methods of one leaderboard; see :mod:`reports.figures` for how they look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.boards import Board, Row, best_rows
from reports.figures import COLOURS, GRID, INK, QUIET, clipped, looks, styled, svg
from reports.precision_recall import RECALL_P, class_mean, precision_curves
from reports.tables import metric_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 6
"""Results that one figure shows."""
LEVELS = {"frame": ("frame_map/0.50", "boxes"), "tube": ("video_map/0.50", "tubes")}
MUTED = ("#E69F00", "#D55E00", "#CC79A7", "#56B4E9", "#009E73", "#F0E442", "#6b5b95", "#8c564b", "#a3a3a3")
MISSED = "#d9dee5"


def precision_recall(board: Board) -> str | None:
    """Precision over recall, mean over classes, of boxes and tubes at IoU .5. None if nothing was scored."""
    from matplotlib.figure import Figure

    rows = best_rows(board)[:MOST]
    found = {level: [_mean_curve(row, level) for row in rows] for level in LEVELS}
    shown = [level for level, curves in found.items() if any(curve is not None for curve in curves)]
    if not shown:
        return None
    look = looks(board)
    with styled():
        figure = Figure(figsize=(3.2 * len(shown) + 0.4, 3.6))
        for place, level in enumerate(shown):
            axes = figure.add_subplot(1, len(shown), place + 1)
            for row, curve in zip(rows, found[level]):
                if curve is not None:
                    label = clipped(row.label, 60) if not place else None
                    axes.plot(
                        100 * RECALL_P, curve, color=look[row.configuration].colour, linewidth=2, label=label
                    )
            _percent_axes(axes, f"{LEVELS[level][1]} @.5", first=not place)
        figure.legend(loc="upper left", bbox_to_anchor=(0.1, 0.0), ncols=1)
        figure.subplots_adjust(wspace=0.12)
        return svg(figure)


def _mean_curve(row: Row, level: str) -> Any:
    curves = precision_curves(row.path.parent, level, 0.5)
    return class_mean(curves) if curves and row.result.metrics.get(LEVELS[level][0]) else None


def _percent_axes(axes: Axes, title: str, first: bool) -> None:
    axes.set(xlim=(0, 100), ylim=(0, 101), xlabel="recall (%)", ylabel="precision (%)" if first else "")
    axes.set_title(title, loc="left", fontsize=10)
    if not first:
        axes.tick_params(axis="y", labelleft=False)


def class_precision_recall(board: Board) -> str | None:
    """A small picture a class, at the level and IoU of the ranking metric. None without matches there."""
    from matplotlib.figure import Figure

    level = "tube" if board.ranking_metric.startswith("video_map") else "frame"
    rows = best_rows(board)[:4]
    curves = [precision_curves(row.path.parent, level, 0.5) for row in rows]
    classes = list(dict.fromkeys(name for found in curves for name in found))
    if not classes:
        return None
    columns, look = 6, looks(board)
    lines = -(-len(classes) // columns)
    with styled():
        figure = Figure(figsize=(13, 1.75 * lines + 0.5))
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, name in zip(grid, classes):
            for row, found in zip(rows, curves):
                if name in found:
                    axes.plot(
                        100 * RECALL_P,
                        found[name],
                        color=look[row.configuration].colour,
                        linewidth=1.5,
                        label=clipped(row.label, 60),
                    )
            axes.set_title(clipped(name, 26), fontsize=8.5, loc="left", pad=3)
            axes.set(xlim=(0, 100), ylim=(0, 103))
        for axes in grid[len(classes) :]:
            axes.set_axis_off()
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="lower left", bbox_to_anchor=(0.1, 0.9 + 0.02 * lines / 4), ncols=2
        )
        figure.supxlabel("recall (%)", fontsize=10)
        figure.supylabel("precision (%)", fontsize=10, x=0.07)
        figure.subplots_adjust(hspace=0.42, wspace=0.1)
        return svg(figure)


def error_bars(board: Board, level: str) -> str | None:
    """AP and what it was lost to, stacked, a bar a method. None where nothing was decomposed."""
    from matplotlib.figure import Figure

    metric, _ = LEVELS[level]
    rows = [row for row in best_rows(board)[:MOST] if _shares(row, level)]
    if not rows:
        return None
    kinds = [kind for kind in _shares(rows[0], level) if kind != "missed"]
    names = ["AP", *kinds, "missed"]
    colours = dict(zip(names, (COLOURS[0], *MUTED[: len(kinds)], MISSED)))
    with styled():
        figure = Figure(figsize=(6.6, 0.9 + 0.42 * len(rows)))
        axes = figure.subplots()
        left = np.zeros(len(rows))
        for name in names:
            values = np.array([_share(row, level, name, metric) for row in rows])
            axes.barh(range(len(rows)), values, 0.62, left=left, color=colours[name], label=name)
            _inside(axes, left, values, name)
            left += values
        axes.set_yticks(range(len(rows)), [clipped(row.label, 36) for row in rows], fontsize=8.5)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(visible=False, axis="y")
        axes.set(xlim=(0, max(100.0, float(left.max()))), ylim=(len(rows) - 0.45, -0.55), xlabel="%")
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(-0.5, -0.5 / (0.77 * figure.get_figheight())),
            ncols=4,
            columnspacing=1.2,
        )
        figure.subplots_adjust(left=0.33)
        return svg(figure)


def _shares(row: Row, level: str) -> dict[str, float]:
    return {kind: value for kind, value in row.result.errors.get(level, {}).items() if value is not None}


def _share(row: Row, level: str, name: str, metric: str) -> float:
    if name != "AP":
        return _shares(row, level).get(name, 0.0)
    estimate = row.result.metrics.get(metric)
    return estimate.value if estimate else 0.0


def _inside(axes: Axes, left: Any, values: Any, name: str) -> None:
    """The number in its piece, where there is room."""
    ink = INK if name in ("missed",) else "#ffffff"
    for place, (begin, value) in enumerate(zip(left, values)):
        if value >= 6:
            axes.text(
                begin + value / 2, place, f"{value:.0f}", ha="center", va="center", fontsize=8, color=ink
            )


def speed_accuracy(board: Board) -> str | None:
    """Ranking metric over frames a second, with the line that nobody beats in both. None without speeds.

    Rates are of one kind: where some rows were timed alone, those.
    """
    from matplotlib.figure import Figure

    rows = [row for row in best_rows(board) if row.fps and row.result.metrics.get(board.ranking_metric)]
    rows = [row for row in rows if row.timed] or rows
    if not rows:
        return None
    points = [(row.fps[0] if row.fps else 0.0, _value(row, board)) for row in rows]
    with styled():
        figure = Figure(figsize=(6.4, 4.0))
        axes = figure.subplots()
        front = pareto(points)
        axes.plot(
            *zip(*front), color=QUIET, linewidth=1.2, linestyle=(0, (4, 2)), zorder=1, label="Pareto line"
        )
        for row, (fps, value) in zip(rows, points):
            colour, marker = looks(board)[row.configuration]
            estimate = row.result.metrics[board.ranking_metric]
            if estimate and estimate.low is not None and estimate.high is not None:
                axes.vlines(fps, estimate.low, estimate.high, color=colour, linewidth=1.2, alpha=0.5)
            axes.plot(
                fps,
                value,
                marker,
                color=colour,
                markersize=8,
                label=clipped(row.label, 48),
                zorder=3,
                clip_on=False,
            )
        low, high = min(fps for fps, _ in points), max(fps for fps, _ in points)
        axes.set(xlim=(low / 1.5, high * 1.5), ylim=(0, None), xscale="log")
        _plain_ticks(axes)
        axes.set(xlabel="frames a second", ylabel=f"{metric_title(board.ranking_metric)} (%)")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=1)
        return svg(figure)


def _plain_ticks(axes: Axes) -> None:
    """Numbers, no powers, at 1, 2 and 5."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(color=GRID, which="major")


def _value(row: Row, board: Board) -> float:
    estimate = row.result.metrics[board.ranking_metric]
    assert estimate is not None
    return estimate.value


def pareto(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those that no other beats in both, by rising first number."""
    front: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda p: (-p[0], -p[1])):
        if not front or point[1] > front[-1][1]:
            front.append(point)
    return front[::-1]
