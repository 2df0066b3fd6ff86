"""``bench demo``: any video through the method of a finished run, and what is found in it as pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.files.store import write_json
from bench.flow.mapped import MappedFlow
from bench.footage import Footage
from bench.records import Detections, Tubes
from bench.showing.scenes import Choice, Scene, Shown
from bench.video import Video

if TYPE_CHECKING:
    from bench.runs.reopen import Finished
    from bench.runs.reporter import Reporter
    from bench.training import Compute
    from methods.base import Method

FPS = 25.0
"""Of frames in a folder, and of files that do not say."""
PIECE = 64
"""Frames that are predicted before progress is told."""
SQUEEZED = 1.5
"""How much wider or narrower than the network's picture a video may be before it is said."""


@dataclass(frozen=True)
class Demo:
    """What was found in a video. fps: frames a second; notes: what a person should know of it."""

    run: Finished
    method: Method
    video: Video
    frames: int
    fps: float
    classes: tuple[str, ...]
    tubes: Tubes
    notes: tuple[str, ...] = ()

    def write(self, folder: Path, choice: Choice) -> list[Path]:
        """``NAME.json`` with all tubes, ``NAME.mp4`` and the timeline with those that are chosen."""
        from bench.video.writing import write_video
        from reports.drawing import drawn
        from reports.timeline import write_timeline

        name, video = self.video.path.stem or self.video.name, self.video
        facts = folder / f"{name}.json"
        write_json(facts, self.json())
        scene = self.scene(choice)
        title = f"{name}, {self.method.title}, {len(scene.tubes)} of {scene.found} tubes"
        pictures = write_timeline(scene, folder, name, title)
        film = folder / f"{name}.mp4"
        write_video(film, drawn(scene, video.frames(), (video.width, video.height)), self.fps)
        return [facts, film, *pictures]

    def scene(self, choice: Choice) -> Scene:
        """What is drawn."""
        from dataclasses import replace

        shown = Shown(self.classes, self.tubes)
        return replace(shown.scene(self.video.name, choice), frames=self.frames, fps=self.fps)

    def json(self) -> dict[str, Any]:
        """Everything that was found, the best tube first; boxes in pixels of the video's frames."""
        identity = self.run.result.identity
        starts = self.tubes.starts
        bounds = zip(starts, [*starts[1:], len(self.tubes)])
        tubes = sorted((self._tube(first, last) for first, last in bounds), key=lambda tube: -tube["score"])
        return {
            "video": self.video.path.name,
            "frames": self.frames,
            "fps": self.fps,
            "width": self.video.width,
            "height": self.video.height,
            "run": self.run.folder.name,
            "method": identity.method,
            "variant": identity.variant,
            "checkpoints": identity.checkpoint_digests,
            "classes": self.classes,
            "notes": self.notes,
            "tubes": tubes,
        }

    def _tube(self, first: int, last: int) -> dict[str, Any]:
        rows = self.tubes[first:last]
        scores = rows.score if rows.frame_score is None else rows.frame_score
        start, end = int(rows.frame[0]), int(rows.frame[-1]) + 1
        return {
            "class": self.classes[rows.label[0]],
            "score": round(float(rows.score[0]), 6),
            "start": start,
            "end": end,
            "start_seconds": round(start / self.fps, 3),
            "end_seconds": round(end / self.fps, 3),
            "frames": rows.frame,
            "boxes": np.round(rows.boxes_N4.astype(float), 2),
            "scores": np.round(scores.astype(float), 6),
        }


def demonstrate(file: Path, run: Finished, compute: Compute, reporter: Reporter) -> Demo:
    """Find the tubes of a video, a file or a folder of frames, by the method and weights of a finished run.

    Videos of any length: frames and flow are read piece by piece. Raises ValueError where the file is no
    whole video, a checkpoint or the weights of the flow are missing, or the method makes no tubes.
    """
    from bench.runs.trained import checkpoints, classes_of, method_of

    video = _video(file, run.runs_dir / "cache" / "videos")
    index = video.index()
    method = method_of(run)
    compute.set_threads()
    footage = Footage(video, method.frame_size, _flow(method, index.frames, reporter))  # type: ignore[arg-type]
    method.load(checkpoints(run), compute.torch_device)
    rows = _predicted(method, footage, reporter)
    _, tubes = method.postprocess(rows, len(footage), method.config, method.info)
    if tubes is None:
        raise ValueError(f"{method.title} makes no tubes; `bench score` shows what its boxes are worth")
    return Demo(
        run, method, video, index.frames, index.rate or FPS, classes_of(run.result),
        tubes.with_videos((video.name,)), _notes(video, method),
    )  # fmt: skip


def _video(file: Path, known: Path) -> Video:
    """A video whose boxes are in pixels of its own frames."""
    if not file.exists():
        raise ValueError(f"{file}: there is no such file or folder of frames")
    index = Video(file.stem, file, 0, 0, known=known).index()
    if not index.frames:
        raise ValueError(f"{file}: holds no frame")
    return Video(file.stem, file, index.width, index.height, fps=index.rate or FPS, known=known)


def _flow(method: Method, frames: int, reporter: Reporter) -> MappedFlow | None:
    from bench.flow import source

    need = method.flow
    if need is None or need.only_training:
        return None
    found = source(need.source)
    return MappedFlow(
        found, need.size, report=lambda done: reporter.progress(f"flow {found.name}", done, frames)
    )


def _predicted(method: Method, footage: Footage, reporter: Reporter) -> Detections:
    parts, length = [], len(footage)
    for first in range(0, length, PIECE):
        frames = range(first, min(first + PIECE, length))
        parts.append(method.predict(footage, frames))
        reporter.progress("predict", frames.stop, length)
    return Detections.concat(parts)


def _notes(video: Video, method: Method) -> tuple[str, ...]:
    width, height = method.frame_size
    ratio = (video.width / video.height) / (width / height)
    if 1 / SQUEEZED <= ratio <= SQUEEZED:
        return ()
    return (
        f"frames of {video.width}x{video.height} are squeezed to the network's {width}x{height}, which saw "
        "people of other proportions in training",
    )
