"""What a study found, as a table and as pictures: history, importances, slices, Pareto front."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.files.store import write_atomic
from bench.tuning.record import Searched, StudyRecord, Trial
from reports.figures import COLOURS, INK, QUIET, STYLE
from reports.tables import metric_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from rich.table import Table

BLUE, ORANGE, GREEN = COLOURS[:3]
MOST_BARS, MOST_SLICES = 15, 6
FPS = "frames a second after the network"


def write_study(record: StudyRecord, folder: Path) -> Path:
    """Write the pictures and ``study.json``, which names them; its path."""
    drawn = pictures(record)
    for name, text in drawn.items():
        write_atomic(folder / name, partial(Path.write_text, data=text, encoding="utf-8"))
    return replace(record, pictures=tuple(drawn)).write(folder)


def pictures(record: StudyRecord) -> dict[str, str]:
    """File name -> SVG, the same bytes for the same record; without those that have nothing to show."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        drawn = {
            "history.svg": _history(record),
            "importances.svg": _importances(record),
            "slices.svg": _slices(record),
            "pareto.svg": _pareto(record),
        }
        return {name: _svg(figure) for name, figure in drawn.items() if figure is not None}


def study_table(record: StudyRecord) -> Table:
    """Trial 0 beside the best one, where they were tuned and where they were scored."""
    from rich.table import Column, Table

    metric = metric_title(record.objectives[0])
    table = Table("", Column(f"{metric}, {record.tuned_on}", justify="right"),
                  Column(f"{metric}, scored", justify="right"),
                  title=f"{record.title}: {len(record.trials)} trials, {record.protocol}",
                  title_justify="left")  # fmt: skip
    found = record.comparison
    first, best = (f"{record.trials[i].values[0]:.2f}" for i in (0, record.best))
    table.add_row("as it was (trial 0)", first, "" if found is None else f"{found.b:.2f}")
    if found is None:
        table.add_row("no trial is better", "", "")
        return table
    table.add_row(f"tuned (trial {record.best})", best, f"{found.a:.2f}")
    bounds = "" if found.low is None or found.high is None else f" [{found.low:+.2f}, {found.high:+.2f}]"
    table.add_row("difference, 95% interval", f"{record.gain:+.2f}", f"{found.difference:+.2f}{bounds}")
    return table


def _history(record: StudyRecord) -> Figure:
    """Every trial's metric, and the best so far."""
    figure, axes = _figure(6.4, 3.6)
    done = [trial for trial in record.trials if trial.values]
    numbers, values = [t.number for t in done], [t.values[0] for t in done]
    axes.scatter(numbers, values, s=14, color=BLUE, alpha=0.6, linewidths=0, label="a trial")
    best, top = [], -math.inf
    for value in values:
        top = max(top, value)
        best.append(top)
    axes.step(numbers, best, where="post", color=ORANGE, linewidth=2, label="best so far")
    axes.axhline(values[0], color=QUIET, linewidth=1.2, linestyle=(0, (5, 2)), label="trial 0: as it was")
    pruned = [trial.number for trial in record.trials if not trial.values]
    if pruned:
        axes.plot(pruned, [0.02] * len(pruned), "|", color=QUIET, markersize=6, label="pruned",
                  transform=axes.get_xaxis_transform())  # fmt: skip
    axes.set(xlabel="trial", ylabel=_label(record))
    axes.legend(loc="lower right")
    return figure


def _importances(record: StudyRecord) -> Figure | None:
    """Share of each parameter in what separates good trials from all."""
    rows = list(record.importances.items())[:MOST_BARS][::-1]
    if not rows:
        return None
    figure, axes = _figure(6.4, 0.9 + 0.26 * len(rows))
    axes.barh([name for name, _ in rows], [100 * share for _, share in rows], color=BLUE, height=0.65)
    axes.grid(axis="y", visible=False)
    axes.set(xlabel="importance (%, PED-ANOVA)")
    return figure


def _slices(record: StudyRecord) -> Figure | None:
    """The metric over each of the most important parameters."""
    searched = {entry.name: entry for entry in record.space}
    names = [name for name in record.importances if name in searched][:MOST_SLICES]
    if not names:
        return None
    from matplotlib.figure import Figure

    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure = Figure(figsize=(3.0 * columns, 2.5 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, name in zip(grid.flat, names):
        _slice(axes, searched[name], [t for t in record.trials if t.values and name in t.params])
    for axes in grid.flat[len(names) :]:
        axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel(_label(record))
    figure.supxlabel("square: trial 0, as it was", fontsize=9, color=QUIET)
    return figure


def _slice(axes: Axes, searched: Searched, trials: Sequence[Trial]) -> None:
    order = [str(choice) for choice in searched.choices]
    values: list[Any] = [trial.params[searched.name] for trial in trials]
    x = [order.index(str(value)) for value in values] if order else values
    axes.scatter(x, [t.values[0] for t in trials], s=12, color=BLUE, alpha=0.5, linewidths=0)
    for trial, at in zip(trials, x):
        if trial.number == 0:
            axes.scatter([at], [trial.values[0]], s=46, marker="s", color=ORANGE, zorder=3)
    if order:
        axes.set_xticks(range(len(order)), order, rotation=20, ha="right")
        axes.set_xlim(-0.5, len(order) - 0.5)
    elif searched.log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
    axes.set_xlabel(searched.name, color=INK, fontsize=9)


def _pareto(record: StudyRecord) -> Figure | None:
    """Both objectives; none where there is one."""
    if len(record.objectives) < 2:
        return None
    figure, axes = _figure(6.4, 4.0)
    done = [trial for trial in record.trials if trial.values]
    axes.scatter([t.values[1] for t in done], [t.values[0] for t in done], s=14, color=BLUE, alpha=0.45,
                 linewidths=0, label="a trial")  # fmt: skip
    front = sorted((record.trials[i].values[1], record.trials[i].values[0]) for i in record.pareto)
    axes.plot(*zip(*front), color=ORANGE, marker="o", markersize=5, linewidth=1.6, label="Pareto front")
    first = record.trials[0].values
    axes.scatter([first[1]], [first[0]], s=46, marker="s", color=GREEN, zorder=3, label="trial 0: as it was")
    axes.set(xlabel=FPS, ylabel=_label(record))
    axes.legend(loc="best")
    return figure


def _label(record: StudyRecord) -> str:
    return f"{metric_title(record.objectives[0])} (%)"


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.subplots()


def _svg(figure: Figure) -> str:
    out = io.StringIO()
    facts = {"Date": None, "Creator": None}
    figure.savefig(out, format="svg", metadata=facts, bbox_inches="tight", pad_inches=0.08)
    return out.getvalue()
