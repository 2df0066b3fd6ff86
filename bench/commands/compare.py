"""``bench compare``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.commands.options import RUN, runs_dir

if TYPE_CHECKING:
    from rich.table import Column

    from bench.results.comparison import Comparison

CLASSES = 8
"""Classes that are shown; the file has all."""


@click.command("compare", epilog=RUN)
@click.argument("a")
@click.argument("b")
@click.option("--metric", help="Decide by this metric alone.  [default: the protocol's ranking metric]")
@click.option(
    "--json", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write all of it there too."
)
@runs_dir
def command(a: str, b: str, metric: str | None, file: Path | None, runs_dir: Path) -> None:
    """Compare the results of two runs, A and B, under one protocol.

    Shows A minus B with its 95% interval and two-sided p, from a paired bootstrap over source groups, and
    says whether one is better. Exit code 0 whatever the outcome, 2 for results that cannot be compared.
    """
    from bench.files.store import write_json
    from bench.results.comparison import compare
    from bench.runs.naming import find_run

    one, other = (find_run(name, runs_dir, finished=True) for name in (a, b))
    found = compare((one, other), metric)
    print(f"A  {found.a}  {one.name}\nB  {found.b}  {other.name}")
    _show(found)
    if file is not None:
        try:
            write_json(file, found)
        except OSError as error:
            raise ValueError(f"--json {file}: cannot be written: {error}") from error


def _show(found: Comparison) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from reports.tables import metric_title

    out = Console(file=sys.stdout, highlight=False)
    print(f"under {found.protocol}{', partial: not ranked' * found.partial}")
    table = Table("metric", *_right("A", "B", "A - B", "95% interval", "p"))
    for row in found.metrics:
        interval = "none" if row.low is None else f"{row.low:+.1f} to {row.high:+.1f}"
        p = "" if row.p is None else f"{row.p:.3f}"
        values = (f"{row.a:.1f}", f"{row.b:.1f}", f"{row.difference:+.1f}", interval, p)
        table.add_row(escape(metric_title(row.metric)), *values)
    for name in found.not_applicable:
        table.add_row(escape(metric_title(name)), *["n/a"] * 5)
    out.print(table)
    if found.classes:
        deciding = metric_title(found.metrics[0].metric.replace("_map/", "_ap/"))
        classes = Table(escape(f"{deciding}, largest differences"), *_right("A", "B", "A - B"))
        for entry in found.classes[:CLASSES]:
            classes.add_row(
                escape(entry.name), f"{entry.a:.1f}", f"{entry.b:.1f}", f"{entry.difference:+.1f}"
            )
        out.print(classes)
    print(f"by {metric_title(found.metrics[0].metric)}: {found.verdict}")


def _right(*names: str) -> list[Column]:
    from rich.table import Column

    return [Column(name, justify="right") for name in names]
