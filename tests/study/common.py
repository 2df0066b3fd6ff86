"""What the studies share: rows run over seeds, means and spreads of their figures, tables of them.

A study is a few rows, each the same request with several seeds. A run that has its result is not repeated and
of the others every step that is done is kept, so a study that was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from statistics import fmean
from typing import Self

import click
import numpy as np

from bench.commands.options import runs_dir, together
from bench.files.store import write_atomic
from bench.metrics.errors.decompose import KINDS
from bench.records import Array
from bench.results.result import Result
from bench.runs.asked import Request, dataset_named
from bench.runs.console import ConsoleReporter
from bench.runs.many import Outcome, run_all
from datasets.mini.classes import DALY_MINI, JHMDB_MINI, UCF24_MINI
from reports.tables import EMPTY, Table, metric_title

CLASSES = {"ucf24-mini": UCF24_MINI, "jhmdb-mini": JHMDB_MINI, "daly-mini": DALY_MINI}
"""Of the datasets that a study may take."""
Results = Mapping[str, Sequence[Result]]
"""Row -> results, one a seed."""


def _dataset(context: click.Context, option: click.Parameter, text: str) -> str:
    """The text itself, where it names one of these datasets, in any size."""
    try:
        name, _ = dataset_named(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if name not in CLASSES:
        raise click.BadParameter(f"studies are of {', '.join(CLASSES)}, in any size (ucf24-mini.micro)")
    return text


options = together(
    runs_dir,
    click.option("--seeds", type=click.IntRange(1), default=3, show_default=True),
    click.option("--dataset", callback=_dataset, default="ucf24-mini", show_default=True),
    click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the tables too, as "
                 "Markdown."),
)  # fmt: skip
"""What every study is asked: runs_dir, seeds, dataset, out."""


def once(request: Request) -> Outcome:
    """What becomes of a run; what the store holds is not done again."""
    reporter = ConsoleReporter()
    reporter.step(
        f"{request.variant} {' '.join(request.overrides)}", f"{request.dataset}, seed {request.seed}"
    )
    with reporter.bars:
        (outcome,) = run_all([request], reporter)
    return outcome


def results_of(
    rows: Mapping[str, Sequence[Request]], runner: Callable[[Request], Outcome] = once
) -> dict[str, list[Result]]:
    """Run every row: the first seed of all rows, then the second, so that a stopped study has whole seeds.

    The results are those by ``Request.protocol``, else by the run's own. Raises click.ClickException that
    names the run that failed, and why.
    """
    found: dict[str, list[Result]] = {name: [] for name in rows}
    for of_one_seed in zip_longest(*rows.values()):
        for name, request in zip(rows, of_one_seed):
            if request is not None:
                found[name].append(_result(name, runner(request)))
    return found


def _result(name: str, outcome: Outcome) -> Result:
    request = outcome.request
    if outcome.why:
        raise click.ClickException(f"{name}, seed {request.seed}: {outcome.why}")
    by_evaluator = {_evaluator(result): result for result in outcome.results.values()}
    return by_evaluator[request.protocol or next(iter(by_evaluator))]


def _evaluator(result: Result) -> str:
    """``voc+trimmed`` of a protocol's id."""
    return result.protocol.rpartition("/")[2].partition("@")[0]


@dataclass(frozen=True)
class Column:
    """A figure of a result, percent; None where it does not apply."""

    title: str
    of: Callable[[Result], float | None]


def metric_columns(metrics: Iterable[str], dataset: str) -> list[Column]:
    """Each metric (``frame_map/0.50``) over all classes, and over those that motion alone tells apart."""
    moving = told_by_motion(dataset)
    columns = []
    for metric in metrics:
        columns += [
            Column(metric_title(metric), partial(metric_of, metric=metric)),
            Column(
                f"{metric_title(metric)}, motion alone", partial(mean_over, metric=metric, classes=moving)
            ),
        ]
    return columns


def told_by_motion(dataset: str) -> frozenset[str]:
    """The classes of a dataset, of any size, that share their poses with others."""
    return frozenset(one.name for one in CLASSES[dataset_named(dataset)[0]] if one.motion_only)


def metric_of(result: Result, metric: str) -> float | None:
    """The metric as the result has it, over all classes."""
    estimate = result.metrics[metric]
    return None if estimate is None else estimate.value


def mean_over(result: Result, metric: str, classes: frozenset[str]) -> float | None:
    """The metric's mean over these classes, of those that the protocol's mean counts."""
    table = result.per_class[metric.replace("_map/", "_ap/")]
    values = [one.value for name, one in table.items() if one is not None and name in classes]
    return fmean(values) if values else None


def error_columns(level: str) -> list[Column]:
    """The shares of the errors at a level, ``frame`` or ``tube`` (:mod:`bench.metrics.errors`)."""
    return [Column(kind, lambda result, kind=kind: result.errors[level][kind]) for kind in KINDS[level]]


@dataclass(frozen=True)
class Figures:
    """What the runs of a study came to, percent.

    titles: of the K columns; values: row -> figures_SK, a line a seed, NaN where not applicable;
    protocol: by which all were scored.
    """

    titles: tuple[str, ...]
    values: Mapping[str, Array]
    protocol: str

    @classmethod
    def of(cls, results: Results, columns: Sequence[Column]) -> Self:
        """The columns of all results. Raises ValueError where the results are of several protocols."""
        values = {
            name: np.array([[column.of(result) for column in columns] for result in row], float)
            for name, row in results.items()
        }
        protocols = {result.protocol for row in results.values() for result in row}
        if len(protocols) != 1:
            raise ValueError(f"results of {', '.join(sorted(protocols))} in one table: score them alike")
        return cls(tuple(column.title for column in columns), values, protocols.pop())

    def means(self, title: str, differences: Sequence[tuple[str, str]] = ()) -> Table:
        """Mean and standard deviation over the seeds, of every row and of the ``differences``: (a, b) is
        a less b, seed by seed."""
        rows = {name: [spread(v_S) for v_S in v_SK.T] for name, v_SK in self.values.items()}
        for a, b in differences:
            apart_SK = self.values[a] - self.values[b]
            rows[f"{a} less {b}"] = [spread(v_S, signed=True) for v_S in apart_SK.T]
        note = f"{self.protocol}, percent; mean and standard deviation over the seeds"
        return self._table(title, rows, (note,))

    def mean(self, title: str) -> dict[str, float]:
        """Row -> the mean of a column over the seeds."""
        column = self.titles.index(title)
        return {name: float(v_SK[:, column].mean()) for name, v_SK in self.values.items()}

    def seeds(self, title: str) -> Table:
        """Every seed of every row."""
        rows = {
            f"{name}, seed {seed}": [spread(np.array([v])) for v in v_K]
            for name, v_SK in self.values.items()
            for seed, v_K in enumerate(v_SK)
        }
        return self._table(title, rows, ())

    def _table(self, title: str, rows: Mapping[str, Sequence[str]], notes: tuple[str, ...]) -> Table:
        lines = tuple((name, *cells) for name, cells in rows.items())
        return Table(title, ("", *self.titles), lines, len(self.titles), notes)


def spread(values_S: Array, signed: bool = False) -> str:
    """Mean and, of several, standard deviation: ``57.6 ± 1.2``; a dash where one of them does not apply."""
    if np.isnan(values_S).any():
        return EMPTY
    mean = f"{values_S.mean():{'+' * signed}.1f}"
    return f"{mean} ± {values_S.std(ddof=1):.1f}" if len(values_S) > 1 else mean


def show(tables: Iterable[Table], out: Path | None) -> None:
    """Print the tables as Markdown and, where a file is named, write them to it."""
    text = "\n".join(table.markdown() for table in tables)
    click.echo(text, nl=False)
    if out is not None:
        write_atomic(out, lambda path: path.write_text(text, encoding="utf-8"))
