"""``bench data check``, a part of the group ``bench data``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from bench.commands.options import data_root, going_on, runs_dir


@click.command("check")
@click.argument("dataset")
@click.option("--annotations-only", is_flag=True, help="Look at no video.")
@click.option("--json", "out", type=click.Path(path_type=Path, dir_okay=False), help="Write the report too.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@data_root
@runs_dir
@going_on()
def check(
    dataset: str, annotations_only: bool, out: Path | None, workers: int, runs_dir: Path, **where: Any
) -> None:
    """Is a dataset whole? Counts, boxes, and every frame of every video.

    Each video is decoded twice: in order, and from every key frame. What is found of a file is kept below
    RUNS_DIR/cache/videos, where runs use it, so a check that was stopped goes on where it was.

    Exit code 0: whole. 1: something is wrong that is not a known quirk of the published data; a missing video
    is wrong too, but leaves the annotation whole. 2: it could not be checked.
    """
    from bench.commands.data_tables import report_tables
    from bench.files.store import write_json
    from bench.runs.console import ConsoleReporter
    from bench.runs.plan import open_dataset
    from datasets.checks import check as check_dataset

    found = open_dataset(dataset, runs_dir=runs_dir, **where)
    reporter = ConsoleReporter()
    reporter.step(f"check {found.id}", f"in {found.root}")
    reporter.step("annotation", "counts, boxes, and what the files say more than once")
    known = None if annotations_only else runs_dir / "cache" / "videos"
    with reporter.bars:
        report = check_dataset(
            found, known, workers, lambda done, total: reporter.progress("videos", done, total)
        )
    if out is not None:
        write_json(out, report.to_json())
    report_tables(report)
    sys.exit(0 if report.whole else 1)
