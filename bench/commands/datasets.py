"""``bench datasets``."""

from __future__ import annotations

import click


@click.command("datasets")
def command() -> None:
    """List datasets, their splits and the layout that each wants on disk."""
    import datasets

    for name in datasets.names():
        kind = datasets.find(name)
        where = "rendered when first used" if name.endswith("-mini") else f"{kind.folder}/ with {kind.layout}"
        click.echo(f"{name}: {kind.title}, splits {', '.join(kind.splits)}\n    {where}")
