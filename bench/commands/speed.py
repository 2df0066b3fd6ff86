"""``bench speed``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.commands.options import RUN, data_root, runs_dir, together

if TYPE_CHECKING:
    from bench.speed.rows import Row
    from bench.speed.subject import Job

PRECISIONS = ("fp32", "bf16")
ALL = "all"

what = together(
    click.option("--method", "methods", default="", metavar="A,B", help="See `bench methods`; or all."),
    click.option("--variant", default="", help="[size+]row, for instance full+baseline."),
    click.option("--run", metavar="RUN", help="A finished run: its method and weights."),
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


@click.command("speed", epilog=RUN)
@what
@how
def command(**words: Any) -> None:
    """Time methods part by part: frames a second, latency, parameters, operations, memory.

    Each row is measured in a fresh process, on one video, from its file to action tubes, with random weights
    unless a --run is named. Rows are kept in RUNS_DIR/speed/speed.json. `--method all` skips methods that are
    not timed so, and says why. Of several rows those that fail say why and the others go on; the exit code is
    1 then.
    """
    from bench.speed.rows import FILE, FOLDER, add_rows
    from bench.speed.subject import Untimed

    jobs, place = list(_jobs(**words)), words["runs_dir"] / FOLDER
    rows: list[Row] = []
    skipped, failed = dict[str, str](), dict[str, str]()
    for n, job in enumerate(jobs):
        if job.method in skipped:
            continue
        try:
            rows.append(_measured(job))
        except ValueError as error:
            if len(jobs) == 1:
                raise ValueError(f"{_title(job)}: {error}") from error
            if isinstance(error, Untimed) and words["methods"] == ALL:
                skipped[job.method] = str(error)
            else:
                failed[_title(job)] = str(error)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_kept(rows, place / FILE, jobs[n:])) from None
        else:
            add_rows(place, rows[-1:])
    if rows:
        _show(rows, place)
    for why in skipped.values():
        print(f"skipped    {why}")
    for title, why in failed.items():
        print(f"failed     {title}: {why}")
    sys.exit(0 if rows and not failed else 1)


def _title(job: Job) -> str:
    settings = f"batch {job.batch}, {job.precision}{', compiled' * job.compile}"
    return f"{job.run.name if job.run else job.method} {job.variant}".strip() + f", {settings}"


def _kept(rows: list[Row], path: Path, left: list[Job]) -> str:
    """What a person should know who stopped it: what there is, and how to get the rest."""
    names = ",".join(dict.fromkeys(job.method for job in left))
    which = f" with --method {names}" if names else ""
    kept = f"{len(rows)} rows are kept in {path}, " if rows else ""
    return f"{kept}the same command{which} measures the rest"


def _jobs(methods: str, batches: str, precisions: str, run: str | None, **words: Any) -> Iterator[Job]:
    """A job a method, precision and batch. Raises ValueError for what is no list of these."""
    from bench.names import choose
    from bench.runs.naming import find_run
    from bench.speed.subject import Job

    if bool(methods) == (run is not None):
        raise ValueError("name the methods to time with --method, or a finished run with --run")
    if run is not None and (words["variant"] or words["overrides"]):
        raise ValueError("a run has its variant and settings; leave out --variant and --set")
    found = None if run is None else find_run(run, words["runs_dir"], finished=True)
    for method in _named(methods) if found is None else [""]:
        for precision in _list(precisions, lambda text: choose(text, PRECISIONS, "precision")):
            for batch in _list(batches, _batch):
                yield Job(method=method, run=found, batch=batch, precision=precision, **words)


def _named(text: str) -> list[str]:
    import methods.base as base
    from bench.names import choose

    known = base.available()
    return list(known) if text == ALL else _list(text, lambda name: choose(name, known, "method"))


def _list(text: str, one: Callable[[str], Any]) -> list[Any]:
    """What a list with commas means, each once."""
    return list(dict.fromkeys(one(word.strip()) for word in text.split(",")))


def _batch(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise ValueError(f"--batch: {text!r} is no number of frames; for instance --batch 1,4")
    return int(text)


def _measured(job: Job) -> Row:
    """The row of a job, with a bar on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    from bench.speed.apart import measure_apart

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(_title(job), total=None)
        return measure_apart(job, lambda done, total: bars.update(task, completed=done, total=total))


def _show(rows: list[Row], folder: Path) -> None:
    from bench.speed.rows import FILE
    from bench.speed.table import notes, table
    from reports.terminal import show_whole

    show_whole(table(rows))
    for note in notes(rows):
        print(note)
    print(f"rows       {folder / FILE}")
