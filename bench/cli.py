"""The command line: parse, call, print. Heavy packages are imported by the command that needs them."""

from __future__ import annotations

import errno
import importlib
import os
import pkgutil
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click

from bench import __version__, commands

MENDABLE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)
"""Errors of files that are the disk's or its owner's, and no fault of ours."""

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # waiting threads must not spin: read when torch starts


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="bench")
def cli() -> None:
    """Benchmark methods of spatio-temporal action localization: train, predict, link, score, compare."""


for _module in pkgutil.iter_modules(commands.__path__):
    _found = getattr(importlib.import_module(f"bench.commands.{_module.name}"), "command", None)
    if _found is not None:
        cli.add_command(_found)


def main() -> None:
    """Entry point. What a person can mend is one line on stderr and exit code 2; the rest is a traceback.

    With ``BENCH_TRACEBACK`` set that one line has its traceback too. Ctrl-C is one line and exit code 130.
    """
    try:
        _check_packages()
        cli.main(standalone_mode=False)
    except click.exceptions.Abort as stopped:
        _stop(stopped.__cause__)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (ValueError, OSError) as error:
        if os.environ.get("BENCH_TRACEBACK") or (isinstance(error, OSError) and error.errno not in MENDABLE):
            raise
        click.echo(f"bench: {error}", err=True)
        sys.exit(2)


def _stop(cause: BaseException | None) -> NoReturn:
    """End as Ctrl-C does, with what the command says of it; the end of a file is a fault as any other."""
    if isinstance(cause, EOFError):
        raise cause
    click.echo(f"bench: stopped{''.join(f'; {said}' for said in cause.args) if cause else ''}", err=True)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who asks again does not wait for threads at work
    sys.exit(130)


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
