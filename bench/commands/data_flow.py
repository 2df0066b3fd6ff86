"""``bench data flow``, a part of the group ``bench data``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.commands.options import data_root, going_on, runs_dir

if TYPE_CHECKING:
    from bench.flow import Estimate, FlowStore
    from bench.video import Video
    from datasets import Dataset
    from methods.base import FlowNeed


class Size(click.ParamType):
    """``WIDTHxHEIGHT`` in pixels."""

    name = "WIDTHxHEIGHT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """(width, height). Fails for anything else."""
        width, by, height = str(value).lower().partition("x")
        if not (by and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
            self.fail(f"{value!r} is no size; write it as 320x240", param, ctx)
        return int(width), int(height)


@click.command("flow")
@click.argument("dataset")
@click.option("--source", help="dis (default), brox, tvl1, raft ...; or a module:attribute.")
@click.option("--size", type=Size(), help="Resize frames first; default: the size that they decode to.")
@click.option("--method", help="Take the source and the size that this method's run uses.")
@click.option("--variant", default="", help="Of the method: [size+]row.")
@click.option("--workers", type=click.IntRange(0), default=2, show_default=True, help="Processes.")
@click.option("--split", help="Only the videos of this split; default: all videos.")
@click.option("--videos", "count", type=click.IntRange(1), help="Only so many videos.")
@data_root
@runs_dir
@going_on()
def flow(
    dataset: str, workers: int, split: str | None, count: int | None, runs_dir: Path, **words: Any
) -> None:
    """Compute the optical flow of a dataset's videos and keep it for all runs.

    What is there is not computed again; a command that was stopped goes on where it was. A run computes what
    it lacks itself: this does it beforehand, for instance with more workers.
    """
    from bench.commands.data_tables import bytes_said
    from bench.flow import FlowStore, source
    from bench.runs.console import ConsoleReporter

    found, need = (
        _of_method(dataset, runs_dir, **words) if words["method"] else _by_hand(dataset, runs_dir, **words)
    )
    store = FlowStore.of_dataset(runs_dir, found.id, source(need.source), need.size)
    videos = _videos(found, split, count, runs_dir)
    reporter = ConsoleReporter()

    def announce(estimate: Estimate) -> None:
        there = len(videos) - estimate.videos
        time = _time(estimate.seconds / max(workers, 1))
        reporter.step(
            "to compute", f"{estimate.videos} videos, {estimate.frames:,} frames; {there} videos are there"
        )
        reporter.step("estimate", f"{bytes_said(estimate.bytes)} on disk, {time}")

    reporter.step(f"flow {store.folder.name}", f"of {found.id}")
    with reporter.bars:
        computed = store.prepare(
            videos, workers, lambda n, all_: reporter.progress("flow", n, all_), announce
        )
    click.echo(_summary(store, videos, computed))


def _of_method(
    dataset: str, runs_dir: Path, data_root: Path | None, method: str, variant: str, **words: Any
) -> tuple[Dataset, FlowNeed]:
    """The dataset and the flow that a run of the method on it asks for."""
    from bench.runs.plan import Plan, Request

    if any(words.values()):
        raise ValueError("--method says source and size; leave out --source and --size")
    plan = Plan.of(Request(method, dataset, variant=variant, data_root=data_root, runs_dir=runs_dir))
    if plan.method.flow is None:
        raise ValueError(f"{plan.title} uses no precomputed flow")
    return plan.dataset, plan.method.flow


def _by_hand(
    dataset: str, runs_dir: Path, data_root: Path | None, variant: str, **words: Any
) -> tuple[Dataset, FlowNeed]:
    """The dataset and the flow that ``--source`` and ``--size`` ask for."""
    from bench.runs.plan import open_dataset
    from methods.base import FlowNeed

    if variant:
        raise ValueError("--variant is a method's: name one with --method")
    need = FlowNeed(words["source"] or "dis", words["size"], "--source")
    return open_dataset(dataset, data_root, runs_dir), need


def _videos(dataset: Dataset, split: str | None, count: int | None, runs_dir: Path) -> list[Video]:
    """The annotated videos that are there. Raises ValueError if there is none."""
    from bench.names import choose
    from bench.runs.plan import videos_of

    truth = dataset.ground_truth()
    names = truth.videos.names
    if split is not None:
        parts = dataset.split(choose(split, dataset.splits, f"split of {dataset.title}"))
        names = (*parts.train, *parts.test)
    missing = set(dataset.missing_videos(tuple(names)))
    there = [name for name in names if name not in missing]
    if missing:
        some = ", ".join(sorted(missing)[:3])
        click.echo(f"{len(missing)} of {len(names)} videos are not there: {some} ...", err=True)
    if not there:
        raise ValueError(f"{dataset.title} in {dataset.root} has none of the videos")
    return videos_of(dataset, truth.select(tuple(there[:count])), runs_dir / "cache" / "videos")


def _summary(store: FlowStore, videos: list[Video], computed: int) -> str:
    from bench.commands.data_tables import bytes_said
    from bench.flow import CLIP

    facts = [f for f in map(store.facts, videos) if f is not None]
    size = sum(store.path(video).stat().st_size for video in videos)
    frames = sum(f.frames for f in facts)
    bounds = sorted(f.bound for f in facts)
    clipped = 100 * sum(f.clipped * f.frames for f in facts) / frames
    there = len(videos) - computed
    return (
        f"{computed} videos computed, {there} were there: {frames:,} frames, {bytes_said(size)}\n"
        f"largest motion in a video: {bounds[len(bounds) // 2]:.1f} px in the median, {bounds[-1]:.1f} px at "
        f"most; {clipped:.3f}% of all vectors were larger than {CLIP:.0f} px and are clipped\n{store.folder}"
    )


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
