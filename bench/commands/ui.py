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
    import shlex
    import subprocess

    from bench.tracking import ui_command

    sys.exit(subprocess.call(shlex.split(ui_command(runs_dir, port))))
