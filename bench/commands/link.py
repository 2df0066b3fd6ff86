"""``bench link``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.commands.options import RUN, data_root, runs_dir, together

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.records import Tubes

FILE = click.Path(path_type=Path)

files = together(
    click.option("--predictions", type=FILE, help="A file or folder; see docs/formats.md."),
    click.option("--linker", help="A rule or a paper's pipeline; see docs/tubes.md."),
    click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE",
                 help="Of the pipeline: linker.tracks=5, trimming=none, scoring.top=40, nms=0.3; of a run: "
                 "postprocess. ..."),
    click.option("--out", type=FILE, help="tubes.parquet, or a folder for detections and tubes."),
    click.option("--format", help="Of the predictions, where their content does not tell it."),
    click.option("--box-offset", type=float, metavar="PIXELS",
                 help="Added to boxes, in place of the format's own shift."),
    click.option("--truth", type=FILE, help="Names the classes, and how long videos are."),
    click.option("--dataset", help="Or a dataset, which says the same: see `bench datasets`."),
    click.option("--split", help="Of the dataset or of a *-GT.pkl.  [default: its first]"),
    data_root,
    runs_dir,
)  # fmt: skip


@click.command("link", epilog=RUN)
@click.argument("run", required=False)
@files
def command(run: str | None, **words: Any) -> None:
    """Link boxes into action tubes: of anybody's PREDICTIONS, or of a RUN that is predicted, once more.

    PREDICTIONS are linked by a rule, such as online or viterbi, or a paper's pipeline, such as singh or yowo;
    docs/tubes.md has all. A RUN is linked by its own method with other settings of postprocess; what comes of
    it lies where `bench run` looks for it.
    """
    if run is None:
        _link_files(**words)
    else:
        _link_run(run, **words)


def _link_files(**words: Any) -> None:
    from bench.external.relink import Request, link
    from bench.external.truths import Told

    needed = {"predictions": "what is linked", "linker": "by which rule", "out": "where the tubes go"}
    missing = [f"--{name} ({what})" for name, what in needed.items() if words[name] is None]
    if missing:
        raise ValueError(f"name a run, or {', '.join(missing)}")
    told = Told(*(words.pop(name) for name in ("truth", "dataset", "split", "data_root", "runs_dir")))
    linked = link(Request(**words, told=told))
    _show(linked.tubes, linked.classes)
    for note in linked.notes:
        print(f"note       {note}")
    if not len(linked.tubes):
        mend = "trimming=none" if linked.linking.trimming else "scoring.min_frames=1"
        print(
            f"note       nothing lasts {linked.linking.scoring.min_frames} frames; --set {mend} may keep some"
        )
    print(f"seconds    {linked.seconds:.2f} for linking")
    print(f"tubes      {words['out']}")


def _link_run(
    run: str,
    overrides: Sequence[str],
    out: Path | None,
    data_root: Path | None,
    runs_dir: Path,
    **words: Any,
) -> None:
    import time

    from bench.runs import stages
    from bench.runs.console import ConsoleReporter

    for name, value in words.items():
        if value is not None:
            raise ValueError(
                f"--{name.replace('_', '-')} is for predictions in files; a run is linked by its own method: "
                "--set postprocess.linking. ..."
            )
    reporter = ConsoleReporter()
    began = time.perf_counter()
    with reporter.bars:
        plan, place, tubes = stages.link(run, runs_dir, data_root, overrides, reporter, out)
    _show(tubes, plan.dataset.classes)
    print(f"seconds    {time.perf_counter() - began:.2f}")
    print(f"tubes      {place}")


def _show(tubes: Tubes, classes: Sequence[str]) -> None:
    """How many tubes there are, by class."""
    import numpy as np
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    head = tubes[tubes.starts]
    lengths = np.diff(tubes.starts, append=len(tubes))
    title = f"{len(head):,} tubes in {len(np.unique(head.video)):,} of {len(tubes.videos):,} videos"
    names = ("tubes", "videos", "median frames", "best score")
    table = Table(
        "class", *(Column(name, justify="right") for name in names), title=title, title_justify="left"
    )
    for label in np.unique(head.label):
        of = head.label == label
        numbers: Iterable[str] = (
            f"{np.count_nonzero(of):,}",
            f"{len(np.unique(head.video[of])):,}",
            f"{np.median(lengths[of]):.0f}",
            f"{head.score[of].max():.3f}",
        )
        table.add_row(escape(classes[label] if classes else f"label {label}"), *numbers)
    Console(file=sys.stdout, highlight=False).print(table if len(head) else title)
