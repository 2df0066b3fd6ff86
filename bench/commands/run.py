"""``bench run``."""

from __future__ import annotations

import sys
from typing import Any

import click

from bench.commands.options import common, going_on


@click.command("run")
@common
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="So many runs, from --seed on.",
)
@click.option(
    "--steps-share",
    type=click.FloatRange(0, 1, min_open=True),
    default=1.0,
    show_default=True,
    help="Train every stage for this share of its steps.",
)
@click.option("--protocol", default="", metavar="NAME", help="Score by evaluator[+trimming] too; `all` shows "
              "the predictions under every evaluator.")  # fmt: skip
@going_on()
def command(**request: Any) -> None:
    """Train, predict, link, score and record: one row of a leaderboard.

    Every step's result is kept and reused; a run that was killed goes on where it stopped. A run is scored by
    the dataset's protocol and by that of its paper. `--split all` also writes the mean over the splits. Of
    several runs those that fail say why and the others go on; the exit code is 1 then.
    """
    from bench.runs.console import run_and_show

    sys.exit(0 if run_and_show(**request) else 1)
