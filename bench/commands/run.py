"""``bench run``."""

from __future__ import annotations

from typing import Any

import click

from bench.commands.options import common


@click.command("run")
@common
def command(**request: Any) -> None:
    """Train, predict, link, score and record: one row of a leaderboard.

    Every step's result is kept and reused; a run that was killed goes on where it stopped.
    """
    from bench.runs.console import run_and_show

    run_and_show(**request)
