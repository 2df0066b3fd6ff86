"""``bench train``."""

from __future__ import annotations

from typing import Any

import click

from bench.commands.options import RUN, going_on, stage


@click.command("train", epilog=RUN)
@stage
@going_on()
def command(run: str | None, **words: Any) -> None:
    """Train a RUN, or what the options of `bench run` say, and go no further.

    Stages that are trained already are kept; one that was killed goes on where it stopped.
    """
    from bench.runs import stages
    from bench.runs.console import ConsoleReporter
    from bench.runs.run import Run

    reporter = ConsoleReporter()
    found = Run(stages.plan_of(run, words), reporter)
    with reporter.bars:
        checkpoints = stages.train(found)
    for name, path in checkpoints.items():
        click.echo(f"{name:<10} {path}")
    click.echo(f"run        {found.plan.folder}")
