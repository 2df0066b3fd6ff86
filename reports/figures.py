"""Figures as SVG text: the same results give the same bytes. Okabe and Ito's colours, markers beside them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reports.boards import Board, Row
from reports.tables import metric_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6b5b95", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
INK, QUIET, GRID = "#1f2933", "#6b7785", "#e4e8ee"
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "bench",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#b8c1cc",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "legend.frameon": False,
    "legend.fontsize": 9,
}
PUBLISHED: dict[str, Any] = {
    "color": "#8a94a0",
    "linewidth": 1.3,
    "marker": "o",
    "markersize": 4,
    "markerfacecolor": "white",
    "zorder": 1,
}
DASHES = ((0, (5, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)), (0, (1, 2)))
MOST_CURVES = 8
MOST_BANDS = 3
MOST_BARS = 3


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib

    with matplotlib.rc_context(STYLE):
        yield


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    facts = {"Date": None, "Creator": None}
    figure.savefig(out, format="svg", metadata=facts, bbox_inches="tight", pad_inches=0.08)
    return out.getvalue()


def threshold_curves(board: Board) -> str | None:
    """Video-mAP by IoU threshold with 95% bands, published rows dashed. None if there is nothing to draw."""
    from matplotlib.figure import Figure

    rows = [(row, points) for row in board.rows if len(points := _curve(row)) > 1][:MOST_CURVES]
    if not rows:
        return None
    with _style():
        figure = Figure(figsize=(6.4, 4.4))
        axes = figure.subplots()
        for i, ((row, points), colour, marker) in enumerate(zip(rows, COLOURS, MARKERS)):
            x, y, low, high = zip(*points)
            if i < MOST_BANDS:
                axes.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)
            axes.plot(x, y, color=colour, marker=marker, markersize=5.5, linewidth=2, label=row.label)
        _draw_published(axes, board)
        axes.set(xlabel="IoU threshold", ylabel="video-mAP (%)", ylim=(0, None))
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=1, handlelength=2.4)
        return _svg(figure)


def _curve(row: Row) -> list[tuple[float, float, float, float]]:
    """(threshold, value, low, high), thresholds rising."""
    points = []
    for name, estimate in row.result.metrics.items():
        if estimate and re.fullmatch(r"video_map/[\d.]+", name):
            value = estimate.value
            low = value if estimate.low is None else estimate.low
            high = value if estimate.high is None else estimate.high
            points.append((float(name.partition("/")[2]), value, low, high))
    return sorted(points)


def _draw_published(axes: Axes, board: Board) -> None:
    for method, dash in zip(board.published, DASHES):
        named = [(n.partition("/")[2], v) for n, v in method.values.items() if n.startswith("video_map/")]
        points = sorted((float(t), float(value)) for t, value in named if "-" not in t)
        if len(points) > 1:
            label = f"{method.method} (published, {method.paper})"
            axes.plot(*zip(*points), label=label, linestyle=dash, **PUBLISHED)


def class_bars(board: Board, metric: str) -> str | None:
    """AP by class of the best row of each configuration, sorted by the first one's. None if no row has it."""
    from matplotlib.figure import Figure

    best: dict[tuple[str, str], Row] = {}
    for row in board.rows:
        if metric in row.result.per_class:
            best.setdefault(row.configuration, row)
    rows = list(best.values())[:MOST_BARS]
    if not rows:
        return None
    classes = _by_ap(rows[0], metric)
    height = 0.8 / len(rows)
    with _style():
        figure = Figure(figsize=(6.4, 1.2 + len(classes) * (0.13 + 0.13 * len(rows))))
        axes = figure.subplots()
        for i, (row, colour) in enumerate(zip(rows, COLOURS)):
            values = [_ap(row, metric, name) for name in classes]
            places = [place + (i - (len(rows) - 1) / 2) * height for place in range(len(classes))]
            axes.barh(places, values, height * 0.9, color=colour, label=row.label)
        axes.set_yticks(range(len(classes)), classes)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(visible=False, axis="y")
        axes.set(xlim=(0, 100), xlabel=f"{metric_title(metric)} (%)", ylim=(len(classes) - 0.4, -0.6))
        axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=1)
        return _svg(figure)


def _by_ap(row: Row, metric: str) -> Sequence[str]:
    return sorted(row.result.per_class[metric], key=lambda name: (-_ap(row, metric, name), name))


def _ap(row: Row, metric: str, name: str) -> float:
    estimate = row.result.per_class[metric].get(name)
    return estimate.value if estimate else 0.0
