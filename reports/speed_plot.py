"""Accuracy over frames a second: only rates of the same work share an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.boards import Board, Row, best_rows
from reports.figures import GRID, MOST_CURVES, QUIET, WIDE, legend, looks, room, styled, svg
from reports.tables import metric_title

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

BESIDE = 2
"""Panels in a line."""
PARETO = "Pareto line"
AROUND = 3.2
"""How far the axis goes beyond the rates, as a factor: a decade at least in all, for ticks at 1, 2 and 5."""


def speed_accuracy(board: Board) -> str | None:
    """Ranking metric over frames a second, with the line that nobody beats in both. None without speeds.

    Where some rows were timed alone, those; a panel a device. Else a panel for all that include the same work
    on the same hardware, named by the letters that lead to it below the table.
    """
    from matplotlib.figure import Figure

    found = panels(board)
    if not found:
        return None
    lines = -(-len(found) // BESIDE)
    with styled():
        figure = Figure(figsize=(WIDE, 3.4 * lines))
        wide = min(BESIDE, len(found))
        grid = figure.subplots(lines, wide, sharey=True, squeeze=False).ravel()
        named: dict[str, Artist] = {}
        for axes, (title, rows) in zip(grid, found.items()):
            named |= _panel(axes, board, rows)
            axes.set_title(title, loc="left", fontsize=10)
        for axes in grid[len(found) :]:
            axes.set_axis_off()
        for axes in grid[::wide]:
            axes.set_ylabel(f"{metric_title(board.ranking_metric)} (%)")
        room(figure, 0.65)
        figure.subplots_adjust(hspace=0.4, wspace=0.1)
        legend(figure, sorted(named.values(), key=lambda handle: handle.get_label() == PARETO))
        return svg(figure)


def panels(board: Board) -> dict[str, list[Row]]:
    """Title -> the rows whose frame rates are of one kind, in the board's order."""
    rows = [row for row in best_rows(board) if row.fps and row.result.metrics.get(board.ranking_metric)]
    rows = ([row for row in rows if row.timed] or rows)[:MOST_CURVES]
    kinds: dict[str, list[Row]] = {}
    for row in rows:
        kinds.setdefault(_kind(row), []).append(row)
    return {_title(found, board): found for found in kinds.values()}


def _kind(row: Row) -> str:
    return row.timed.key.device if row.timed else (row.fps or (0, ""))[1]


def _title(rows: Sequence[Row], board: Board) -> str:
    """``rates a``, the letter below the table; of several rows with notes of their own ``rates a, c``."""
    return "rates " + ", ".join(dict.fromkeys(board.fps_marks[row.fps[1]] for row in rows if row.fps))


def _panel(axes: Axes, board: Board, rows: Sequence[Row]) -> dict[str, Artist]:
    """A mark a row with its interval; by label, as the line is."""
    points = [(row.fps[0] if row.fps else 0.0, _value(row, board)) for row in rows]
    named: dict[str, Artist] = {}
    front = pareto(points)
    if len(front) > 1:
        (named[PARETO],) = axes.plot(
            *zip(*front), color=QUIET, linewidth=1.2, linestyle=(0, (4, 2)), zorder=1, label=PARETO
        )
    for row, (fps, value) in zip(rows, points):
        colour, marker = looks(board)[row.configuration]
        estimate = row.result.metrics[board.ranking_metric]
        if estimate and estimate.low is not None and estimate.high is not None:
            axes.vlines(fps, estimate.low, estimate.high, color=colour, linewidth=1.2, alpha=0.5)
        (named[row.label],) = axes.plot(
            fps, value, marker, color=colour, markersize=8, label=row.label, zorder=3, clip_on=False
        )
    low, high = min(fps for fps, _ in points), max(fps for fps, _ in points)
    axes.set(xlim=(low / AROUND, high * AROUND), ylim=(0, None), xscale="log", xlabel="frames a second")
    _plain_ticks(axes, dense=high < 10 * low)
    return named


def _plain_ticks(axes: Axes, dense: bool) -> None:
    """Numbers, no powers, at 1, 2 and 5; if not ``dense`` at 1 alone."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if dense else (1,)))
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
