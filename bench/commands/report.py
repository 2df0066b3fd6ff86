"""``bench report``."""

from __future__ import annotations

from pathlib import Path

import click

from bench.commands.options import runs_dir


@click.command("report")
@runs_dir
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Default: RUNS_DIR/report.")
def command(runs_dir: Path, out: Path | None) -> None:
    """Write the leaderboards of all results as HTML, Markdown and CSV."""
    from reports.leaderboard import write_report

    for path in write_report(runs_dir, out or runs_dir / "report"):
        click.echo(path)
