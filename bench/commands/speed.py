"""``bench speed``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.commands.options import data_root, runs_dir, together

if TYPE_CHECKING:
    from bench.speed.rows import Row
    from bench.speed.subject import Job

PRECISIONS = ("fp32", "bf16")

what = together(
    click.option("--method", "methods", default="", metavar="A,B", help="See `bench methods`; or all."),
    click.option("--variant", default="", help="[size+]row, for instance full+baseline."),
    click.option("--run", type=click.Path(path_type=Path), help="A finished run: its method and weights."),
    click.option("--dataset", default="ucf24-mini.micro", show_default=True,
                 help="Says classes and configuration; a test video of it is timed."),
    click.option("--video", default="", metavar="NAME", help="Which one.  [default: the first]"),
    click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="A field of the config."),
    data_root,
    runs_dir,
)  # fmt: skip
how = together(
    click.option("--batch", "batches", default="1", show_default=True, metavar="N,M", help="Frames at once."),
    click.option("--precision", "precisions", default="fp32", show_default=True, metavar="A,B",
                 help="fp32, or bf16: mixed, where autocast allows it."),
    click.option("--compile", is_flag=True, help="The network by torch.compile."),
    click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True),
    click.option("--repeats", type=click.IntRange(1), default=5, show_default=True, help="Walks timed."),
)  # fmt: skip


@click.command("speed")
@what
@how
def command(**words: Any) -> None:
    """Time methods part by part: frames a second, latency, parameters, operations, memory.

    Each row is measured in a fresh process, on one video, from its file to action tubes, with random weights
    unless a --run is named. Rows are kept in RUNS-DIR/speed/speed.json.
    """
    from bench.speed.rows import FOLDER, add_rows

    folder = words["runs_dir"] / FOLDER
    rows, failed = [], []
    for job in _jobs(**words):
        title = f"{job.run or job.method} {job.variant}".strip()
        title += f", batch {job.batch}, {job.precision}{', compiled' * job.compile}"
        try:
            row = _measured(job, title)
        except ValueError as error:
            failed.append(f"{title}: {error}")
            continue
        rows.append(row)
        add_rows(folder, [row])
    if rows:
        _show(rows, folder)
    if failed:
        raise ValueError("\n       ".join(failed))


def _jobs(methods: str, batches: str, precisions: str, run: Path | None, **words: Any) -> Iterator[Job]:
    """A job a method, precision and batch. Raises ValueError for what is no list of these."""
    from bench.names import choose
    from bench.speed.subject import Job

    if bool(methods) == (run is not None):
        raise ValueError("name the methods to time with --method, or a finished run with --run")
    if run is not None and (words["variant"] or words["overrides"]):
        raise ValueError("a run has its variant and settings; leave out --variant and --set")
    for method in _named(methods) if run is None else [""]:
        for precision in _list(precisions, lambda text: choose(text, PRECISIONS, "precision")):
            for batch in _list(batches, _batch):
                yield Job(method=method, run=run, batch=batch, precision=precision, **words)


def _named(text: str) -> list[str]:
    import methods.base as base
    from bench.names import choose

    known = base.available()
    return list(known) if text == "all" else _list(text, lambda name: choose(name, known, "method"))


def _list(text: str, one: Callable[[str], Any]) -> list[Any]:
    """What a list with commas means, each once."""
    return list(dict.fromkeys(one(word.strip()) for word in text.split(",")))


def _batch(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise ValueError(f"--batch: {text!r} is no number of frames; for instance --batch 1,4")
    return int(text)


def _measured(job: Job, title: str) -> Row:
    """The row of a job, with a bar on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    from bench.speed.apart import measure_apart

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(title, total=None)
        return measure_apart(job, lambda done, total: bars.update(task, completed=done, total=total))


def _show(rows: list[Row], folder: Path) -> None:
    from bench.speed.rows import FILE
    from bench.speed.table import notes, table
    from reports.terminal import show_whole

    show_whole(table(rows))
    for note in notes(rows):
        print(note)
    print(f"rows       {folder / FILE}")
