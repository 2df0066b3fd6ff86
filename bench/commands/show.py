"""``bench show``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.commands.options import RUN, data_root, runs_dir, together

if TYPE_CHECKING:
    from bench.showing.scenes import Scene
    from bench.showing.sources import Showable

FILE = click.Path(path_type=Path)
FPS = 25.0
"""Of frames in a folder, where nobody says how many there are a second."""

what = together(
    click.option("--tubes", type=FILE, help="Tubes in a file or folder, in any format of docs/formats.md."),
    click.option("--format", help="Of the tubes, where their content does not tell it."),
    click.option("--truth", type=FILE, help="Annotation: a file or folder, told by its content."),
    click.option("--dataset", help="Or a dataset, which has annotation and videos: see `bench datasets`."),
    click.option("--split", help="Its test videos alone.  [default: all; of a *-GT.pkl the first]"),
    click.option("--video-file", type=FILE, help="The video: a file or a folder of frames."),
    data_root,
    runs_dir,
)
which = together(
    click.option("--video", "names", multiple=True, metavar="NAME", help="A video; may be given again."),
    click.option("--best", type=click.IntRange(0), help="So many videos of the highest AP."),
    click.option("--worst", type=click.IntRange(0), help="So many of the lowest AP."),
    click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="Tubes of a video."),
    click.option("--min-score", type=float, default=0.0, show_default=True, help="Of a tube."),
    click.option("--classes", help="Tubes and annotation of these alone: A,B."),
    click.option("--out", type=click.Path(path_type=Path, file_okay=False),
                 help="Folder of the pictures.  [default: show, of a run RUN/show]"),
)  # fmt: skip


@click.command("show", epilog=RUN)
@click.argument("run", required=False)
@what
@which
def command(run: str | None, **words: Any) -> None:
    """Draw tubes on their video (MP4), and when they are (PNG and SVG).

    Of a finished RUN, or of --tubes in a file. Annotation is white and
    dashed. Without --video the two best and the two worst videos are shown, or as many as --best and --worst
    say.
    """
    from bench.external.truths import Told
    from bench.showing.scenes import Choice
    from bench.showing.sources import Request, find

    told = Told(*(words.pop(name) for name in ("truth", "dataset", "split", "data_root", "runs_dir")))
    out, classes = words.pop("out"), words.pop("classes")
    named = [name.strip() for name in classes.split(",")] if classes else None
    choice = Choice(words.pop("min_score"), words.pop("top"), named)
    request = Request(run, told=told, **words)
    found = find(request)
    names = found.chosen(request)
    for name in names:
        _show(found, found.shown.scene(name, choice), out or found.folder, alone=len(names) == 1)


def _show(found: Showable, scene: Scene, out: Path, alone: bool) -> None:
    """Write the pictures of one video and say where they are."""
    from dataclasses import replace

    from bench.video.writing import write_video
    from reports.drawing import drawn
    from reports.timeline import write_timeline

    if scene.note and alone:
        raise ValueError(f"{scene.video}: {scene.note}")
    video = found.video(scene.video)
    index = video.index()
    scene = replace(scene, frames=max(scene.frames, index.frames), fps=scene.fps or index.rate or FPS)
    ap = found.ap(scene.video)
    facts = [f"{len(scene.tubes)} of {scene.found} tubes"] * (scene.found is not None)
    facts += [] if ap is None else [f"video-AP@{found.threshold:g} {ap:.1f}"]
    name = re.sub(r"[^\w.+-]+", "_", scene.video)
    written = write_timeline(scene, out, name, ", ".join([scene.video, *facts]))
    path = out / f"{name}.mp4"
    write_video(path, drawn(scene, video.frames(), (video.width, video.height)), scene.fps)
    click.echo(", ".join([scene.video, *facts, *[scene.note] * bool(scene.note)]))
    for file in (path, *written):
        click.echo(f"  {file}")
