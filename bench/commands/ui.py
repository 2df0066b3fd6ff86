"""``bench ui``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.commands.options import runs_dir


@click.command("ui")
@runs_dir
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
def command(runs_dir: Path, port: int) -> None:
    """Open the MLflow dashboard of all runs on this machine's loopback address."""
    import subprocess

    _check_free(port)
    from bench.tracking import ui_command, ui_environment, views

    words = ui_command(runs_dir, port)
    click.echo(f"dashboard  http://127.0.0.1:{port}  (Ctrl-C ends it)", err=True)
    for name, address in views(runs_dir):
        click.echo(f"compare    http://127.0.0.1:{port}/{address}  {name}", err=True)
    try:
        sys.exit(subprocess.call(words, env=ui_environment()))
    except KeyboardInterrupt:
        sys.exit(0)


def _check_free(port: int) -> None:
    """Raise ValueError where another program has the port: its page would be taken for ours."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ValueError(f"--port {port}: {error.strerror}; name another one") from None
