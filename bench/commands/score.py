"""``bench score``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.commands.options import data_root, runs_dir, together

if TYPE_CHECKING:
    from bench.external.rescore import Request

FILE = click.Path(path_type=Path)

files = together(
    click.option("--predictions", type=FILE, required=True, help="A file or folder; see docs/formats.md."),
    click.option("--tubes", type=FILE, help="Tubes, where they are not with the predictions."),
    click.option("--truth", type=FILE, help="Ground truth: a file or folder, told by its content."),
    click.option("--dataset", help="Or a dataset's own truth: see `bench datasets`."),
    click.option("--split", help="Of the dataset or of a *-GT.pkl.  [default: its first]"),
    data_root,
)
reading = together(
    click.option("--format", help="Of the predictions, where their content does not tell it."),
    click.option(
        "--box-offset",
        type=float,
        metavar="PIXELS",
        help="Added to boxes, in place of the format's own shift.",
    ),
    click.option(
        "--partial", is_flag=True, help="Score what is there when videos are missing; never ranked."
    ),
)


@click.command("score")
@files
@click.option(
    "--protocol", required=True, help="An evaluator, such as act; `all` compares them in one table."
)
@reading
@click.option("--name", help="Of the method, for tables.  [default: that of the file]")
@click.option("--out", type=FILE, help="Folder of result.json.  [default: one of its own in RUNS_DIR]")
@click.option("--no-intervals", "intervals", is_flag=True, flag_value=False, default=True,
              help="Leave out the bootstrap, which takes longest.")  # fmt: skip
@runs_dir
def command(**request: Any) -> None:
    """Score predictions that lie in files, somebody else's or one's own, in any supported format.

    Writes result.json and its matches as a run does. `--protocol all` writes nothing: it shows how far the
    same predictions move from one evaluator to the next. Exit code 0, or 2 for what cannot be scored.
    """
    from bench.external.rescore import Request

    asked = Request(**request)
    if asked.protocol == "all":
        _show_all(asked)
    else:
        _show_result(asked)


def _show_result(request: Request) -> None:
    from rich.console import Console

    from bench.external.rescore import score
    from reports.tables import result_table

    result, folder = score(request)
    Console(file=sys.stdout, highlight=False).print(result_table(result))
    for note in result.notes:
        print(f"note       {note}")
    print(f"result     {folder / 'result.json'}")


def _show_all(request: Request) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    from bench.external.rescore import SPREAD, score_all
    from reports.tables import EMPTY, metric_title

    rows, coverage = score_all(request)
    partial = f", partial {coverage.videos}/{coverage.expected}: not ranked" * coverage.partial
    title = f"{request.name or request.predictions.stem} under every evaluator{partial}"
    heads = [Column(metric_title(name).replace(" @", "\n@"), justify="right") for name in SPREAD]
    table = Table(Column("evaluator", no_wrap=True), *heads, title=escape(title), title_justify="left")
    for row in rows:
        values = [row.metrics.get(name) for name in SPREAD]
        table.add_row(row.evaluator, *(EMPTY if value is None else f"{value:.2f}" for value in values))
    Console(file=sys.stdout, highlight=False).print(table)
    for why in dict.fromkeys(row.why for row in rows if row.why):
        print(f"note       {', '.join(row.evaluator for row in rows if row.why == why)}: {why}")
