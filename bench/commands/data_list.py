"""``bench data list``, a part of the group ``bench data``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.commands.options import data_root

if TYPE_CHECKING:
    from datasets import Dataset


@click.command("list")
@data_root
def list_(data_root: Path | None) -> None:
    """What is on disk, how much of it, and where each dataset is to be had."""
    import datasets
    from datasets.sources import SOURCES

    for name, source in SOURCES.items():
        kind = datasets.find(name)
        click.secho(f"{name}  {kind.title}", bold=True)
        click.echo(f"    here      {_here(kind, data_root)}")
        click.echo(f"    get       {source.files}")
        for page in source.pages:
            click.echo(f"              {page}")
        click.echo(f"    licence   {source.licence}")
        click.echo(f"    cite      {source.citation}")


def _here(kind: type[Dataset], data_root: Path | None) -> str:
    """How much of a dataset lies below the data root."""
    from datasets import DataError

    if data_root is None:
        return "unknown: name the folder of datasets with --data-root or BENCH_DATA"
    root = data_root / kind.folder
    if not root.is_dir():
        return f"nothing: there is no {root}"
    dataset = kind(root)
    try:
        names = dataset.ground_truth().videos.names
        missing = len(dataset.missing_videos(names))
    except DataError as error:
        return f"{_size(root)} in {root}, not usable: {error}"
    there = f"{len(names) - missing:,} of {len(names):,} annotated videos"
    return f"{there}, {_size(root)} in {root}"


def _size(folder: Path) -> str:
    """What the files below a folder take; what links point to counts."""
    from bench.commands.data_tables import bytes_said

    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return bytes_said(total)
