"""``bench predict``."""

from __future__ import annotations

from typing import Any

import click

from bench.commands.options import RUN, going_on, stage


@click.command("predict", epilog=RUN)
@stage
@going_on()
def command(run: str | None, **words: Any) -> None:
    """Predict the test videos of a trained RUN, or of what the options of `bench run` say.

    Videos that are predicted already are kept.
    """
    from bench.runs import stages
    from bench.runs.console import ConsoleReporter
    from bench.runs.run import Run

    reporter = ConsoleReporter()
    found = Run(stages.plan_of(run, words), reporter)
    with reporter.bars:
        folder = stages.predict(found)
    click.echo(f"predicted  {folder}")
    click.echo(f"run        {found.plan.folder}")
