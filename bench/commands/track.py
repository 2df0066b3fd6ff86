"""``bench track``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.commands.options import runs_dir


@click.command("track")
@runs_dir
@click.option("--resync", "send", is_flag=True, help="Send what is missing.")
def command(runs_dir: Path, send: bool) -> None:
    """Say which results MLflow lacks and, with --resync, send them from their files.

    The server is MLFLOW_TRACKING_URI, or the database of RUNS_DIR. Exit code 0 if nothing is missing
    afterwards, 1 if something is, 2 if MLflow cannot be reached.
    """
    from bench.tracking import TrackingError, resync

    try:
        outcomes = []
        for outcome in resync(runs_dir, send):
            outcomes.append(outcome)
            click.echo(f"{outcome.path.parent.relative_to(runs_dir)}  {outcome.what}")
    except TrackingError as error:
        raise ValueError(str(error)) from error
    sent = sum(outcome.what == "recorded" for outcome in outcomes)
    lacking = sum(not outcome.ok for outcome in outcomes)
    click.echo(f"{len(outcomes)} results: {sent} recorded, {lacking} missing")
    sys.exit(1 if lacking else 0)
