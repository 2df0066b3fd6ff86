"""Protocol spread: how far the same predictions move from one evaluator to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from bench.results.result import Result
from reports.boards import Board, Row
from reports.figures import COLOURS, GRID, INK, MARKERS, WIDE, legend, room, styled, svg, wrapped
from reports.tables import Table, metric_title, number

if TYPE_CHECKING:
    from matplotlib.artist import Artist

METRICS = ("frame_map/0.50", "video_map/0.20", "video_map/0.50", "video_map/0.50-0.95")


@dataclass(frozen=True)
class Spread:
    """Results of one dataset whose predictions were scored by several evaluators.

    rows: a label and, by evaluator, the result.
    """

    dataset: str
    split: str
    rows: tuple[tuple[str, dict[str, Result]], ...]

    @property
    def place(self) -> str:
        """``jhmdb, split 1``."""
        return f"{self.dataset}, split {self.split}"

    @property
    def evaluators(self) -> tuple[str, ...]:
        """All of them, in order of their names."""
        return tuple(sorted({name for _, found in self.rows for name in found}))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those that some result has by more than one evaluator."""
        return tuple(m for m in METRICS if any(len(_values(found, m)) > 1 for _, found in self.rows))

    def table(self, metric: str) -> Table:
        """A row a set of predictions that several evaluators have a number for, a column an evaluator."""
        rows = [(label, _values(found, metric)) for label, found in self.rows]
        moved = [(label, values) for label, values in rows if len(values) > 1]
        names = [name for name in self.evaluators if any(name in values for _, values in moved)]
        cells = tuple(
            (label, *(number(values.get(name)) for name in names), _range(values)) for label, values in moved
        )
        title = f"{self.place}: {metric_title(metric)} of the same predictions by evaluator"
        columns = ("predictions", *names, "spread")
        return Table(title, columns, cells, len(columns) - 1)


def spreads(boards: Sequence[Board]) -> list[Spread]:
    """One a dataset and split where something was scored by more than one evaluator."""
    found: dict[tuple[str, str], dict[tuple[str, ...], dict[str, Row]]] = {}
    for board in boards:
        for row in board.rows:
            if not row.result.coverage.partial:
                group = found.setdefault((row.result.dataset, row.result.split), {})
                group.setdefault(_predictions(row.result), {})[_evaluator(row.result)] = row
    several = [
        Spread(dataset, split, tuple(_rows(group))) for (dataset, split), group in sorted(found.items())
    ]
    return [spread for spread in several if spread.rows and spread.metrics]


def _evaluator(result: Result) -> str:
    rules = result.rules
    return f"{rules.evaluator.name}+{rules.trimming}" if rules.trimming else rules.evaluator.name


def _predictions(result: Result) -> tuple[str, ...]:
    """What two results share that were made of the same predictions."""
    identity, inputs = result.identity, result.inputs
    key = inputs.get("predict") or inputs.get("predictions") or identity.config_digest
    return identity.method, identity.variant, str(identity.seed), key


def _rows(group: dict[tuple[str, ...], dict[str, Row]]) -> list[tuple[str, dict[str, Result]]]:
    return [
        (next(iter(rows.values())).label, {name: row.result for name, row in rows.items()})
        for _, rows in sorted(group.items())
        if len(rows) > 1
    ]


def _values(found: dict[str, Result], metric: str) -> dict[str, float]:
    known = {name: result.metrics.get(metric) for name, result in found.items()}
    return {name: estimate.value for name, estimate in known.items() if estimate}


def _range(values: dict[str, float]) -> str:
    return number(max(values.values()) - min(values.values()))


def spread_plot(spread: Spread) -> str | None:
    """A row of points a set of predictions, a panel a metric, a colour an evaluator."""
    from matplotlib.figure import Figure

    metrics = spread.metrics
    looks = {name: (COLOURS[i % 8], MARKERS[i % 8]) for i, name in enumerate(spread.evaluators)}
    rows = sorted(spread.rows, key=lambda row: -median(_values(row[1], metrics[0]).values() or [0.0]))[:8]
    handles: dict[str, Artist] = {}
    with styled():
        figure = Figure(figsize=(2 * WIDE, 0.9 + 0.36 * len(rows)))
        grid = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for axes, metric in zip(grid, metrics):
            for place, (_, found) in enumerate(rows):
                values = _values(found, metric)
                low, high = min(values.values(), default=0.0), max(values.values(), default=0.0)
                axes.hlines(place, low, high, color=GRID, linewidth=5)
                for name, value in values.items():
                    colour, marker = looks[name]
                    (handles[name],) = axes.plot(value, place, marker, color=colour, markersize=7, label=name)
            axes.set_title(f"{metric_title(metric)} (%)", loc="left", fontsize=10)
            top = max(max(_values(found, metric).values(), default=0.0) for _, found in rows)
            axes.set(xlim=(0, max(1.0, 1.12 * top)), ylim=(len(rows) - 0.5, -0.5))
            axes.tick_params(axis="y", length=0, labelcolor=INK)
        grid[0].set_yticks(range(len(rows)), [wrapped(label, 44, 2) for label, _ in rows])
        room(figure, 3.6, bottom=0.3)
        figure.subplots_adjust(wspace=0.08)
        legend(figure, [handles[name] for name in sorted(handles)], columns=8)
        return svg(figure)
