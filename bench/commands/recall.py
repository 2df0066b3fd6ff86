"""``bench recall``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.commands.options import RUN, data_root, runs_dir

if TYPE_CHECKING:
    from bench.metrics.track_recall import Coverage
    from bench.records import Tubes

FILE = click.Path(path_type=Path)


@click.command("recall", epilog=RUN)
@click.argument("run", required=False)
@click.option("--tubes", type=FILE, help="Or tracks in a file or folder, in any format of docs/formats.md.")
@click.option("--format", "format_name", help="Of the tubes, where their content does not tell it.")
@click.option("--truth", type=FILE, help="What they are to cover: a file or folder, told by its content.")
@click.option("--dataset", help="Or a dataset's own truth: see `bench datasets`.")
@click.option("--split", help="Of the dataset or of a *-GT.pkl.  [default: its first]")
@click.option(
    "--threshold",
    "thresholds",
    type=float,
    multiple=True,
    default=(0.3, 0.5),
    show_default=True,
    help="Mean IoU that is enough; may be given again.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the tracks, too, as Parquet of tubes: what tracks.file of RecLNet reads.",
)
@data_root
@runs_dir
def command(
    run: str | None, tubes: Path | None, thresholds: Sequence[float], out: Path | None, **words: Any
) -> None:
    """How much of the annotation do tracks cover, before anything is scored?

    Of a RUN that is trained, where its method follows people first and classifies them then (RecLNet); or of
    tubes in a file. A track covers an instance by its mean IoU within the action's interval, whatever its
    score; one of label -1 covers any class.
    """
    if run is not None and tubes is None:
        covered, tracks = _of_run(run, words)
    elif run is None and tubes is not None:
        covered, tracks = _of_file(tubes, words)
    else:
        raise ValueError("name a run, or tubes in a file: --tubes FILE; one of them")
    _show(covered, tracks, thresholds)
    if out is not None:
        from bench.files.tables import write_tubes

        write_tubes(out, tracks, {"classes": covered.classes})
        click.echo(f"tracks     {out}")


def _of_run(name: str, words: Mapping[str, Any]) -> tuple[Coverage, Tubes]:
    from bench.runs import stages
    from bench.runs.console import ConsoleReporter
    from bench.runs.run import Run

    for word in ("truth", "dataset", "split", "format_name"):
        if words[word] is not None:
            raise ValueError(f"--{word.removesuffix('_name')} is for tubes in files; a run says it")
    reporter = ConsoleReporter()
    plan = stages.plan_of(name, {word: words[word] for word in ("data_root", "runs_dir")})
    with reporter.bars:
        return stages.recall(Run(plan, reporter))


def _of_file(path: Path, words: dict[str, Any]) -> tuple[Coverage, Tubes]:
    from bench.external.recall import of_file
    from bench.external.truths import Told

    format_name = words.pop("format_name")
    return of_file(path, Told(**words), format_name)


def _show(covered: Coverage, tracks: Tubes, thresholds: Sequence[float]) -> None:
    """A row for all instances and one for each class that has any."""
    import numpy as np
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    lengths = np.diff(tracks.starts, append=len(tracks))
    title = f"{len(lengths):,} tracks in {len(tracks.videos):,} videos"
    title += f", median {np.median(lengths):.0f} frames" * bool(len(lengths))
    names = ("instances", *(f"recall @{threshold:g}" for threshold in thresholds))
    columns = (Column(name, justify="right") for name in names)
    table = Table("class", *columns, title=title, title_justify="left")
    of_class = [covered.class_recalls(threshold) for threshold in thresholds]
    every = [f"{covered.recall(threshold):.1f}" for threshold in thresholds]
    for name, count in zip(covered.classes, np.bincount(covered.label_M, minlength=len(covered.classes))):
        if count:
            table.add_row(escape(name), f"{count:,}", *(f"{found[name]:.1f}" for found in of_class))
    table.add_section()
    table.add_row("all", f"{len(covered.row_M):,}", *every)
    Console(file=sys.stdout, highlight=False).print(table)
