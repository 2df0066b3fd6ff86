"""Options that several commands share."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

RUN = (
    "A run is named by its folder, its name, or any part of DATASET/NAME that is no other run's below "
    "RUNS_DIR."
)
"""Below the help of every command that takes a run; :func:`bench.runs.naming.find_run` finds it."""


def together(*options: Callable[..., Any]) -> Callable[..., Any]:
    """One decorator that adds all these options, in the order that ``--help`` shows."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@contextmanager
def going_on() -> Iterator[None]:
    """Around work that keeps every step that is finished: stopped by Ctrl-C, it says how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        same = shlex.join(["bench", *sys.argv[1:]])
        raise KeyboardInterrupt(f"what is finished is kept, the same command goes on: {same}") from None


runs_dir = click.option(
    "--runs-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    help="Where everything that is written lies.",
)
data_root = click.option(
    "--data-root",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="BENCH_DATA",
    help="The folder that holds jhmdb/, ucf24/ ...; or set BENCH_DATA.",
)
running = together(
    click.option("--variant", default="", help="[size+]row, for instance tiny+baseline."),
    click.option("--split", default="", help="Of the dataset.  [default: its first]"),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True),
    click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True),
    click.option(
        "--precision", type=click.Choice(["32-true", "bf16-mixed"]), default="32-true", show_default=True
    ),
    data_root,
    runs_dir,
    click.option(
        "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one field of the config."
    ),
    click.option("--partial", is_flag=True, help="Go on when test videos are missing; never ranked."),
    click.option("--feature-budget", type=click.FloatRange(0), default=50.0, show_default=True, metavar="GB",
                 help="What a method's stored features may take; above it they are computed when asked."),
)  # fmt: skip
fit = click.option(
    "--fit", type=click.Choice(["train", "train-minus-val"]), default="train", show_default=True,
    help="What is trained on: all, or all but the validation groups (docs/tuning.md).",
)  # fmt: skip
common = together(
    click.option("--method", required=True, help="See `bench methods`; A,B or all."),
    click.option("--dataset", required=True, help="See `bench datasets`; A,B, all or all-mini; NAME-mini is "
                 "rendered."),
    running,
    fit,
)  # fmt: skip
stage = together(
    click.argument("run", required=False),
    click.option("--method", default="", help="Or what `bench run` would be asked: see `bench methods`."),
    click.option("--dataset", default="", help="See `bench datasets`; NAME-mini is rendered."),
    running,
    fit,
)
