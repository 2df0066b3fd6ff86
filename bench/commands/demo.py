"""``bench demo``."""

from __future__ import annotations

from pathlib import Path

import click

from bench.commands.options import RUN, runs_dir, together

drawn = together(
    click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="Tubes that are drawn."),
    click.option("--min-score", type=float, default=0.0, show_default=True, help="Of a tube that is drawn."),
    click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path("demo"),
                 show_default=True, help="Folder of what is written."),
)  # fmt: skip


@click.command("demo", epilog=RUN)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", required=True, metavar="RUN", help="A finished run: its method and weights.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@drawn
@runs_dir
def command(file: Path, run: str, device: str, top: int, min_score: float, out: Path, runs_dir: Path) -> None:
    """Find the actions in a video of your own, with a trained method.

    FILE is a video of any size and length, or a folder of frames. Writes all tubes as JSON, the video with
    the best drawn on it (MP4), and when they are (PNG and SVG).
    """
    from bench.demo import demonstrate
    from bench.runs.console import ConsoleReporter
    from bench.runs.naming import find_run
    from bench.runs.reopen import Finished
    from bench.showing.scenes import Choice
    from bench.training import Compute

    finished = Finished.of(find_run(run, runs_dir, finished=True))
    reporter = ConsoleReporter()
    with reporter.bars:
        found = demonstrate(file, finished, Compute(device), reporter)
        files = found.write(out, Choice(min_score, top))
    for note in found.notes:
        reporter.warn(note)
    shown = found.scene(Choice(min_score, top))
    drawn = f", {len(shown.tubes)} drawn" if shown.found else ""
    print(f"{file.name}: frames {found.frames}, tubes {shown.found}{drawn}")
    for path in files:
        print(f"  {path}")
