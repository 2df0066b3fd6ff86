"""``bench data prepare``, a part of the group ``bench data``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bench.commands.options import data_root


@click.command("prepare")
@click.argument("dataset")
@click.option(
    "--from", "downloads", required=True, type=click.Path(path_type=Path, exists=True),
    help="The folder of archives and unpacked folders, or one of them.",
)  # fmt: skip
@click.option("--copy", is_flag=True, help="Copy files instead of linking them.")
@data_root
def prepare(dataset: str, downloads: Path, copy: bool, data_root: Path | None) -> None:
    """Put what was downloaded into the layout, and say what is still missing.

    For J-HMDB: ReCompress_Videos.tar.gz (or Rename_Images), the split lists, puppet_mask.zip, JHMDB-GT.pkl.
    For UCF101-24: UCF101.rar or a zip of it, the split lists, pyannot.pkl or finalAnnots.mat. All in any
    depth, packed or not, some now and the rest later. `bench data list` says where they are to be had.

    Exit code 0: nothing is missing. 1: something is.
    """
    import datasets
    from datasets.downloads import place, still_missing

    if data_root is None:
        raise ValueError("where shall it go? Name the folder of datasets with --data-root or BENCH_DATA")
    kind = datasets.find(dataset)
    root = data_root / kind.folder
    placed = place(kind.name, downloads, root, copy, lambda path: click.echo(f"unpacking {path}", err=True))
    click.echo(
        f"{root}: {placed.new:,} files put in place, {placed.there:,} were there, {placed.others:,} of no use"
    )
    missing = still_missing(kind, root)
    for line in missing:
        click.echo(f"missing   {line}")
    click.echo(
        f"`bench data {'list` says where to get it' if missing else f'check {kind.name}` reads all of it'}"
    )
    sys.exit(1 if missing else 0)
