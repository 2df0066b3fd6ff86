"""The command line: parse, call, print. Heavy packages are imported by the command that needs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bench import __version__

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # waiting threads must not spin: read when torch starts


def _options(*options: Callable[..., Any]) -> Callable[..., Any]:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


runs_dir = click.option(
    "--runs-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    help="Where everything that is written lies.",
)
common = _options(
    click.option("--method", required=True, help="See `bench methods`."),
    click.option("--dataset", required=True, help="See `bench datasets`; NAME-mini is rendered."),
    click.option("--variant", default="", help="[size+]row, for instance tiny+baseline."),
    click.option("--split", default="1", show_default=True),
    click.option("--seed", default=0, show_default=True),
    click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True),
    click.option(
        "--precision", type=click.Choice(["32-true", "bf16-mixed"]), default="32-true", show_default=True
    ),
    click.option(
        "--data-root",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="BENCH_DATA",
        help="The folder that holds jhmdb/, ucf24/ ...; or set BENCH_DATA.",
    ),
    runs_dir,
    click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one field of the config."
    ),
    click.option("--partial", is_flag=True, help="Go on when test videos are missing; never ranked."),
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="bench")
def cli() -> None:
    """Benchmark methods of spatio-temporal action localization: train, predict, link, score, compare."""


@cli.command()
@common
def run(**request: Any) -> None:
    """Train, predict, link, score and record: one row of a leaderboard.

    Every step's result is kept and reused; a run that was killed goes on where it stopped.
    """
    from bench.console import run_and_show

    run_and_show(**request)


@cli.command()
@runs_dir
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Default: RUNS_DIR/report.")
def report(runs_dir: Path, out: Path | None) -> None:
    """Write the leaderboards of all results as HTML, Markdown and CSV."""
    from reports.leaderboard import write_report

    for path in write_report(runs_dir, out or runs_dir / "report"):
        click.echo(path)


@cli.command()
def methods() -> None:
    """List methods and their variants."""
    import methods.base as base

    for name in base.available():
        kind = base.find(name)
        click.echo(f"{name}: {kind.title}, {(kind.__doc__ or '').splitlines()[0]}")
        click.echo(
            f"    rows: {', '.join(kind.configs('ucf24', 'full'))}\n    sizes: {', '.join(base.SIZES)}"
        )


@cli.command("datasets")
def list_datasets() -> None:
    """List datasets, their splits and the layout that each wants on disk."""
    import datasets

    for name in datasets.names():
        kind = datasets.find(name)
        where = "rendered when first used" if name.endswith("-mini") else f"{kind.folder}/ with {kind.layout}"
        click.echo(f"{name}: {kind.title}, splits {', '.join(kind.splits)}\n    {where}")


@cli.command()
@runs_dir
@click.option("--port", default=5000, show_default=True)
def ui(runs_dir: Path, port: int) -> None:
    """Open the MLflow dashboard of all runs on this machine's loopback address."""
    import shlex
    import subprocess

    from bench.tracking import ui_command

    sys.exit(subprocess.call(shlex.split(ui_command(runs_dir, port))))


def main() -> None:
    """Entry point. What a person can mend is one line on stderr and exit code 2; the rest is a traceback.

    With ``BENCH_TRACEBACK`` set that one line has its traceback too.
    """
    try:
        _check_packages()
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except ValueError as error:
        if os.environ.get("BENCH_TRACEBACK"):
            raise
        click.echo(f"bench: {error}", err=True)
        sys.exit(2)


def _check_packages() -> None:
    """Raise ValueError when another package named like one of ours comes first on the import path."""
    from importlib.util import find_spec

    ours = Path(__file__).resolve().parents[1]
    for name in ("datasets", "methods", "reports"):
        spec = find_spec(name)
        origin = Path(spec.origin).resolve() if spec and spec.origin else None
        if origin is None or ours not in origin.parents:
            raise ValueError(
                f"the package {name!r} that Python finds is not the suite's ({origin}): "
                "install the suite into an environment of its own"
            )
