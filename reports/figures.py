"""Figures as SVG text: the same results give the same bytes. Okabe and Ito's colours, markers beside them."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isnan, nan
from typing import TYPE_CHECKING, Any, NamedTuple

from reports.boards import Board, Row, best_rows

if TYPE_CHECKING:
    from matplotlib.artist import Artist
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
WIDE = 6.4
"""Inches of a figure that fills a column of the page, where its text has the size of the page's."""
MOST_CURVES, MOST_BARS, MOST_SMALL = 8, 6, 4
"""Configurations in a figure of curves, of bars, of a small picture a class."""
LINE, MOST_LINES = 84, 3
"""Characters of a line of a legend, and lines of a name."""
TILT = 50
"""Degrees of the names above the columns of a map."""


@contextmanager
def styled() -> Iterator[None]:
    """What is drawn inside looks as all figures do."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        yield


def svg(figure: Figure) -> str:
    """The figure as text; the same figure gives the same."""
    out = io.StringIO()
    facts = {"Date": None, "Creator": None}
    figure.savefig(out, format="svg", metadata=facts, bbox_inches="tight", pad_inches=0.08)
    return out.getvalue()


def room(figure: Figure, left: float, bottom: float = 0.5, right: float = 0.1, top: float = 0.3) -> None:
    """Leave so many inches around the axes, for what is written there."""
    width, height = figure.get_size_inches()
    figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)


def legend(figure: Figure, handles: Sequence[Artist], columns: int = 1) -> None:
    """Below all that is drawn; a long name goes on in the next line."""
    labels = [wrapped(str(handle.get_label()), LINE, MOST_LINES) for handle in handles]
    figure.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(0.0, 0.0), ncols=columns, borderaxespad=0.2,
        columnspacing=1.2,
    )  # fmt: skip


def wrapped(text: str, line: int, lines: int) -> str:
    """The text in at most so many lines of at most so many characters, its middle left out if need be."""
    whole = text.replace("seed ", "seed\N{NO-BREAK SPACE}")
    for most in range(line * lines, 0, -1):
        found = textwrap.wrap(clipped(whole, most), line, break_on_hyphens=False)
        if len(found) <= lines:
            return "\n".join(found)
    return ""


def class_map(board: Board, metric: str) -> str | None:
    """AP of every class by each configuration's best row, classes by their mean. None if no row has it."""
    import seaborn
    from matplotlib.figure import Figure

    having = [row for row in best_rows(board) if any(row.result.per_class.get(metric, {}).values())]
    rows = having[:MOST_CURVES]
    if not rows:
        return None
    classes = sorted(rows[0].result.per_class[metric], key=lambda name: (-_mean_ap(rows, metric, name), name))
    values = [[_ap(row, metric, name) for row in rows] for name in classes]
    names = [clipped(row.label, 34) for row in rows]
    several = len(rows) > 1
    with styled():
        figure = Figure(figsize=(WIDE, 0.4 + 1.7 * several + 0.235 * len(classes)))
        axes = figure.subplots()
        seaborn.heatmap(
            values, ax=axes, cmap="Blues", vmin=0, vmax=100, annot=True, fmt=".0f", cbar=False, linewidths=1,
            annot_kws={"fontsize": 8}, yticklabels=[clipped(name, 34) for name in classes], xticklabels=names,
        )  # fmt: skip
        axes.xaxis.tick_top()
        axes.grid(visible=False)
        axes.tick_params(length=0, labelcolor=INK, labelsize=8.5)
        axes.tick_params(axis="x", rotation=TILT * several)
        for label in axes.get_xticklabels():
            label.set(horizontalalignment="left" if several else "center", rotation_mode="anchor")
        longest = max(len(clipped(name, 34)) for name in classes)
        room(figure, 0.25 + 0.075 * longest, 0.1, 1.5 if several else 0.1, 2.0 if several else 0.3)
        return svg(figure)


def _mean_ap(rows: Sequence[Row], metric: str, name: str) -> float:
    found = [ap for row in rows if not isnan(ap := _ap(row, metric, name))]
    return sum(found) / len(found) if found else 0.0


def _ap(row: Row, metric: str, name: str) -> float:
    estimate = row.result.per_class[metric].get(name)
    return estimate.value if estimate else nan


class Look(NamedTuple):
    """How a configuration looks in every figure of a board."""

    colour: str
    marker: str


def looks(board: Board) -> dict[tuple[str, ...], Look]:
    """Configuration -> its look, in the board's order."""
    rows = best_rows(board)
    count = len(COLOURS)
    return {
        row.configuration: Look(COLOURS[i % count], MARKERS[(i + i // count) % count])
        for i, row in enumerate(rows)
    }


def clipped(text: str, most: int) -> str:
    """The text, at most so long; its middle is what goes: a label begins with the method and ends with the
    seed."""
    end = most // 3
    return text if len(text) <= most else f"{text[: most - end - 1]}…{text[-end:]}"
