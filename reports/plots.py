"""Figures that compare the methods of one leaderboard; see :mod:`reports.figures` for how they look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from reports.boards import Board, Row, best_rows
from reports.figures import (
    COLOURS,
    INK,
    MOST_BARS,
    MOST_SMALL,
    WIDE,
    clipped,
    legend,
    looks,
    room,
    styled,
    svg,
    wrapped,
)
from reports.precision_recall import RECALL_P, class_mean, precision_curves

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

COLUMNS = 6
"""Classes beside each other."""
LEVELS = {"frame": ("frame_map/0.50", "boxes"), "tube": ("video_map/0.50", "tubes")}
MUTED = ("#E69F00", "#D55E00", "#CC79A7", "#56B4E9", "#009E73", "#F0E442", "#6b5b95", "#8c564b", "#a3a3a3")
MISSED = "#d9dee5"


def precision_recall(board: Board) -> str | None:
    """Precision over recall, mean over classes, of boxes and tubes at IoU .5. None if nothing was scored."""
    from matplotlib.figure import Figure

    rows = best_rows(board)[:MOST_BARS]
    found = {level: [_mean_curve(row, level) for row in rows] for level in LEVELS}
    shown = [level for level, curves in found.items() if any(curve is not None for curve in curves)]
    if not shown:
        return None
    look = looks(board)
    with styled():
        figure = Figure(figsize=(WIDE, 3.6))
        named: dict[str, Artist] = {}
        for place, level in enumerate(shown):
            axes = figure.add_subplot(1, len(shown), place + 1)
            for row, curve in zip(rows, found[level]):
                if curve is not None:
                    (named[row.label],) = axes.plot(
                        100 * RECALL_P,
                        curve,
                        color=look[row.configuration].colour,
                        linewidth=2,
                        label=row.label,
                    )
            _percent_axes(axes, f"{LEVELS[level][1]} @.5", first=not place)
        room(figure, 0.65, right=0.2)
        legend(figure, list(named.values()))
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
    """A small picture a class, at the level of the ranking metric and IoU .5. None without matches there."""
    from matplotlib.figure import Figure

    level = "tube" if board.ranking_metric.startswith("video_map") else "frame"
    rows = best_rows(board)[:MOST_SMALL]
    curves = [precision_curves(row.path.parent, level, 0.5) for row in rows]
    classes = list(dict.fromkeys(name for found in curves for name in found))
    if not classes:
        return None
    lines, look = -(-len(classes) // COLUMNS), looks(board)
    with styled():
        figure = Figure(figsize=(2 * WIDE, 1.75 * lines + 0.7))
        grid = figure.subplots(lines, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
        named: dict[str, Artist] = {}
        for axes, name in zip(grid, classes):
            for row, found in zip(rows, curves):
                if name in found:
                    colour = look[row.configuration].colour
                    (named[row.label],) = axes.plot(
                        100 * RECALL_P, found[name], color=colour, linewidth=1.5, label=row.label
                    )
            axes.set_title(clipped(name, 26), fontsize=8.5, loc="left", pad=3)
            axes.set(xlim=(0, 100), ylim=(0, 103))
        for axes in grid[len(classes) :]:
            axes.set_axis_off()
        figure.supxlabel("recall (%)", fontsize=10, y=0.1 / figure.get_figheight())
        figure.supylabel("precision (%)", fontsize=10, x=0.005)
        room(figure, 0.65, bottom=0.6)
        figure.subplots_adjust(hspace=0.42, wspace=0.18)
        legend(figure, list(named.values()), columns=2)
        return svg(figure)


def error_bars(board: Board, level: str) -> str | None:
    """AP and what it was lost to, stacked, a bar a method. None where nothing was decomposed."""
    from matplotlib.figure import Figure

    metric, _ = LEVELS[level]
    rows = [row for row in best_rows(board)[:MOST_BARS] if _shares(row, level)]
    if not rows:
        return None
    kinds = [kind for kind in _shares(rows[0], level) if kind != "missed"]
    names = ["AP", *kinds, "missed"]
    colours = dict(zip(names, (COLOURS[0], *MUTED[: len(kinds)], MISSED)))
    with styled():
        figure = Figure(figsize=(WIDE, 0.6 + 0.42 * len(rows)))
        axes = figure.subplots()
        left = np.zeros(len(rows))
        bars: list[Any] = []
        for name in names:
            values = np.array([_share(row, level, name, metric) for row in rows])
            bars.append(axes.barh(range(len(rows)), values, 0.62, left=left, color=colours[name], label=name))
            _inside(axes, left, values, name)
            left += values
        axes.set_yticks(range(len(rows)), [wrapped(row.label, 34, 2) for row in rows], fontsize=8.5)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(visible=False, axis="y")
        axes.set(xlim=(0, max(100.0, float(left.max()))), ylim=(len(rows) - 0.45, -0.55), xlabel="%")
        room(figure, 2.5, top=0.1)
        legend(figure, bars, columns=4)
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
