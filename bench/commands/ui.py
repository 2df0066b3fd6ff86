"""``bench ui``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.commands.options import runs_dir


@click.command("ui")
@runs_dir
@click.option("--port", default=5000, show_default=True)
def command(runs_dir: Path, port: int) -> None:
    """Open the MLflow dashboard of all runs on this machine's loopback address."""
    import subprocess

    from bench.tracking import ui_command, ui_environment, views

    words = ui_command(runs_dir, port)
    click.echo(f"dashboard  http://127.0.0.1:{port}  (Ctrl-C ends it)", err=True)
    for name, address in views(runs_dir):
        click.echo(f"compare    http://127.0.0.1:{port}/{address}  {name}", err=True)
    try:
        sys.exit(subprocess.call(words, env=ui_environment()))
    except KeyboardInterrupt:
        sys.exit(0)
