"""``bench data extend``, a part of the group ``bench data``."""

from __future__ import annotations

from pathlib import Path

import click

from bench.commands.options import data_root


@click.command("extend")
@click.argument("dataset", default="daly")
@click.option(
    "--tracker", default="csrt", show_default=True, help="csrt follows changes of size; kcf is faster."
)
@data_root
def extend(dataset: str, tracker: str, data_root: Path | None) -> None:
    """Track DALY's key-frames through every frame of their actions, for the protocol extended-st.

    A tracker runs from each key-frame to both ends of its action; a frame's box is the median of all. Takes
    hours for all of DALY. The result is kept in the dataset's folder, as extended/.
    """
    import datasets
    from bench.runs.console import ConsoleReporter
    from datasets.daly import Daly
    from datasets.mini import Miniature

    kind = datasets.find(dataset)
    if issubclass(kind, Miniature):
        raise ValueError(f"{kind.title}: what is drawn is known in every frame, no tracker knows better")
    if not issubclass(kind, Daly):
        raise ValueError(f"{kind.title} has no key-frames to track from; DALY has")
    data = datasets.prepare(kind.name, data_root, Path())
    assert isinstance(data, Daly)
    reporter = ConsoleReporter()
    with reporter.bars:
        folder = data.extend(tracker, lambda done, total: reporter.progress("videos", done, total))
    click.echo(str(folder))
