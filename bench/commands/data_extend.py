"""``bench data extend``, a part of the group ``bench data``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.commands.options import data_root, going_on, runs_dir

if TYPE_CHECKING:
    from bench.runs.console import ConsoleReporter
    from datasets.daly import Daly
    from datasets.keyframes import Tracker
    from datasets.mini import DalyMini


@click.command("extend")
@click.argument("dataset", default="daly")
@click.option(
    "--tracker", default="csrt", show_default=True,
    help="csrt follows changes of size; kcf is faster; siamfc is learned, as RecLNet's.",
)  # fmt: skip
@click.option(
    "--weights", type=click.Path(path_type=Path, dir_okay=False),
    help="Of siamfc, see `bench weights`; without, a narrow one is fitted to rendered people first.",
)  # fmt: skip
@click.option("--videos", "count", type=click.IntRange(1), help="Of daly-mini only so many test videos.")
@data_root
@runs_dir
def extend(dataset: str, data_root: Path | None, runs_dir: Path, count: int | None, **words: Any) -> None:
    """Track DALY's key-frames through every frame of their actions, for the protocol extended-st.

    A tracker runs from each key-frame to both ends of its action; a frame's box is the median of all. Takes
    hours for all of DALY; stopped, it goes on with the video that it was in. The result is kept in the
    dataset's folder, as extended/. Of daly-mini every box is known: there the command measures how near the
    tracker comes, on test videos, and keeps nothing.
    """
    import datasets
    from bench.commands.data_trackers import find_tracker
    from bench.runs.asked import dataset_named
    from bench.runs.console import ConsoleReporter
    from bench.runs.plan import open_dataset
    from datasets.daly import Daly
    from datasets.mini import DalyMini

    kind = datasets.find(dataset_named(dataset)[0])
    if not issubclass(kind, Daly):
        raise ValueError(f"{kind.title} has no key-frames to track from; DALY has")
    if count is not None and not issubclass(kind, DalyMini):
        raise ValueError(f"--videos: {kind.title} is extended as a whole; only daly-mini is measured in part")
    data = open_dataset(dataset, data_root, runs_dir)
    reporter = ConsoleReporter()
    with reporter.bars:
        name, follow = find_tracker(
            **words,
            runs_dir=runs_dir,
            progress=lambda done, total: reporter.progress("fitting", done, total),
        )
        if isinstance(data, DalyMini):
            lines = _measured(data, name, follow, count, reporter)
        else:
            assert isinstance(data, Daly)
            with going_on():
                lines = _extended(data, name, follow, reporter)
    click.echo("\n".join(lines))


def _extended(data: Daly, name: str, follow: Tracker, reporter: ConsoleReporter) -> list[str]:
    """Track, keep it, and say how well it agrees with the key-frames and where it lies."""
    from bench.files.tables import read_metadata

    folder = data.extend(follow, name, lambda done, total: reporter.progress("videos", done, total))
    agreed = read_metadata(folder / "videos.parquet")["agreed"]
    shares = ", ".join(f"above {least} on {share:.1f}%" for least, share in agreed.items())
    return [f"{name}: IoU with the key-frames {shares} of them", str(folder)]


def _measured(
    data: DalyMini, name: str, follow: Tracker, count: int | None, reporter: ConsoleReporter
) -> list[str]:
    """A Markdown table of one row."""
    from datasets.mini.extension import COLUMNS, measure

    names = data.split("1").test[:count]
    found = measure(data, follow, names, lambda done, total: reporter.progress("videos", done, total))
    shares = (*found.agreed, found.keys, found.between, found.scored, found.tubes)
    cells = (f"`{name}`", *(f"{share:.1f}%" for share in shares), f"{found.milliseconds:.0f}")
    return [f"| {' | '.join(row)} |" for row in (COLUMNS, ["---"] * len(COLUMNS), cells)]
