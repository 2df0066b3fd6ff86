"""``bench reproduce``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.commands.options import data_root, going_on, runs_dir

if TYPE_CHECKING:
    from bench.results.result import Result
    from bench.speed.rows import Row
    from reports.reproduce import Job, Known, Reproduced
    from reports.tables import Table


@click.command("reproduce")
@click.argument("table", required=False, metavar="PAPER/TABLE")
@runs_dir
@data_root
@click.option("--run", "wanted", is_flag=True, help="Run what has no result yet, then show the table.")
@click.option(
    "--set",
    "files",
    multiple=True,
    metavar="KEY=FILE",
    help="Weights or clips of rows that leave them to be named.",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Write the table too: .md, .csv or .tex.")
def command(table: str | None, wanted: bool, files: tuple[str, ...], out: Path | None, **words: Any) -> None:
    """A table of one of the papers with ours beside it: `pcsc/5`, `elnouby/2`; without one, what there is.

    Ours are the results below RUNS_DIR that were scored as the paper scored, and what `bench speed` measured.
    For cells without one the commands are named that would fill them.
    """
    from reports.reproduce import find_table

    if files and not (table and wanted):
        raise ValueError("--set names files for what is run: name a table, and add --run")
    if table is None:
        _overview(words["runs_dir"])
        return
    paper, name = find_table(table)
    found = _reproduced(paper, name, words["runs_dir"])
    whole = True
    if wanted and found.jobs:
        with going_on():
            whole = _run(found.jobs, files, **words)
        found = _reproduced(paper, name, words["runs_dir"])
    _print(found)
    if found.jobs:
        click.echo(f"all of it  bench reproduce {paper}/{name} --run")
    if out is not None:
        _write(found.table, out)
    sys.exit(0 if whole else 1)


def _reproduced(paper: str, table: str, runs_dir: Path) -> Reproduced:
    from reports.reproduce import reproduce

    return reproduce(paper, table, *_found(runs_dir))


def _found(runs_dir: Path) -> tuple[list[Result], Known, list[Row]]:
    """What answers cells: the results, what the suite has, and the frame rates."""
    from bench.results.result import read_all
    from bench.speed.rows import FOLDER, read_rows

    results = [result for _, result in read_all(runs_dir).results]
    return results, in_suite, read_rows(runs_dir / FOLDER)


def in_suite(method: str, variant: str, dataset: str) -> bool:
    """Whether there is a method of that name, and it has that variant in full size."""
    import methods.base

    if method not in methods.base.available():
        return False
    return variant in methods.base.find(method).configs(dataset, "full")


def _run(jobs: tuple[Job, ...], files: tuple[str, ...], **words: Any) -> bool:
    from bench.runs.asked import Request
    from bench.runs.console import run_and_show_all
    from bench.runs.many import requests, with_files

    timed = [job for job in jobs if job.batch]
    for job in timed:
        click.echo(f"not run    {job.command}")
    asked = [
        request
        for job in jobs
        if not job.batch
        for request in requests(
            Request(job.method, job.dataset, job.split, job.variant, protocol=job.protocol, **words)
        )
    ]
    return run_and_show_all(with_files(asked, files))


def _print(found: Reproduced) -> None:
    from rich.markup import escape
    from rich.table import Table as RichTable

    from reports.reproduce import OURS
    from reports.terminal import show_whole

    shown = found.table
    used = [i for i in range(len(shown.columns)) if any(row[i] for row in shown.rows)]
    heads = ["ours" if shown.columns[i].endswith(OURS) else escape(shown.columns[i]) for i in used]
    table = RichTable(*heads, title=escape(shown.title), title_justify="left")
    for row in shown.rows:
        table.add_row(*(escape(row[i]) for i in used))
    show_whole(table)
    for note in shown.notes:
        click.echo(f"note       {note}")
    click.echo(f"answered   {found.answered} of {found.answerable} cells that this suite is to answer")
    for job in found.jobs:
        click.echo(f"to run     {job.command}")


def _write(table: Table, out: Path) -> None:
    from bench.files.store import write_atomic

    makers = {".md": table.markdown, ".csv": table.csv, ".tex": table.latex}
    if out.suffix not in makers:
        raise ValueError(f"--out {out}: name a file that ends in {', '.join(makers)}")
    write_atomic(out, lambda path: path.write_text(makers[out.suffix](), encoding="utf-8"))


def _overview(runs_dir: Path) -> None:
    """Every table of the papers, and how many of its cells have a result."""
    from reports.reproduce import reproduce, tables

    there = _found(runs_dir)
    for paper, name in tables():
        found = reproduce(paper, name, *there)
        click.echo(
            f"{f'{paper}/{name}':<16} {found.answered:>3} of {found.answerable:>3}  {len(found.jobs)} to run"
        )
