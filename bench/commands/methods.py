"""``bench methods``."""

from __future__ import annotations

import click


@click.command("methods")
def command() -> None:
    """List methods and their variants."""
    import methods.base as base

    for name in base.available():
        kind = base.find(name)
        click.echo(f"{name}: {kind.title}, {(kind.__doc__ or '').splitlines()[0]}")
        click.echo(
            f"    rows: {', '.join(kind.configs('ucf24', 'full'))}\n    sizes: {', '.join(base.SIZES)}"
        )
