"""Render a miniature: every video drawn, hashed, encoded and annotated, in parallel, the same bytes whatever
the parallelism.

A dataset folder appears whole or not at all. Its `dataset.json` holds name, version, size, a digest of all
frames (before encoding) and annotations, the classes with their pose groups, and what is known about each
video.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av
import cv2
import numpy as np

from datasets.mini.classes import MiniClass
from datasets.mini.draw import Draw
from datasets.mini.scene import HEIGHT, WIDTH, Frame, Setting, cast, render
from datasets.mini.stage import Backdrop, Wardrobe

FRAME_RATE = 25
ANNOTATED = (320, 240)  # width and height of the annotations' frame
Progress = Callable[[int, int], None]
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Job:
    """One video to render. `key`: names its draws, `group_key`: those it shares with its source group
    (looks, place); `path`: the file to write."""

    name: str
    label: int
    key: str
    group_key: str
    path: Path
    classes: tuple[MiniClass, ...]
    setting: Setting


@dataclass(frozen=True)
class Tube:
    """`start`: first frame, 0-based; `boxes_N4`: int32 inclusive pixel extents x1, y1, x2, y2 in a
    320x240 frame."""

    start: int
    boxes_N4: np.ndarray


@dataclass(frozen=True)
class Rendered:
    """What a rendered video holds. `digest`: sha256 of its frames and tubes."""

    name: str
    frames: int
    tubes: tuple[Tube, ...]
    digest: str


def _pixel_box(extent: tuple[float, float, float, float]) -> list[int]:
    scale = ANNOTATED[0] / WIDTH, ANNOTATED[1] / HEIGHT
    low = [min(max(int(np.floor(extent[i] * scale[i])), 0), ANNOTATED[i] - 2) for i in (0, 1)]
    high = [
        min(max(int(np.ceil(extent[i + 2] * scale[i])) - 1, low[i] + 1), ANNOTATED[i] - 1) for i in (0, 1)
    ]
    return [*low, *high]


def _tubes(frames: Sequence[Frame]) -> tuple[Tube, ...]:
    tubes = []
    for actor in sorted({actor for frame in frames for actor in frame.boxes}):
        span = [number for number, frame in enumerate(frames) if actor in frame.boxes]
        boxes = [_pixel_box(frames[number].boxes[actor]) for number in span]
        tubes.append(Tube(span[0], np.array(boxes, np.int32)))
    return tuple(tubes)


def frames_of(job: Job) -> tuple[np.ndarray, Rendered]:
    """The frames uint8 [T, 96, 128, 3] RGB of a video before encoding, and what they show."""
    cv2.setNumThreads(1)
    draw, group = Draw(job.key), Draw(job.group_key)
    count = draw.integer(*job.setting.frames)
    wardrobe, backdrop = Wardrobe(group), Backdrop(group, draw, count)
    actors, idle = cast(draw, job.classes[job.label], job.classes, job.setting, wardrobe, count)
    frames = list(render(draw, actors, idle, backdrop, count))
    pixels, tubes = np.stack([frame.pixels for frame in frames]), _tubes(frames)
    digest = hashlib.sha256(pixels.tobytes())
    for tube in tubes:
        digest.update(np.array([job.label, tube.start, *tube.boxes_N4.ravel()], "<i4").tobytes())
    return pixels, Rendered(job.name, count, tubes, digest.hexdigest())


def _encode(path: Path, frames_THWC: np.ndarray) -> None:
    """Motion JPEG: every frame is a key-frame, so a reader that seeks gets the frame it asked for.

    (decord returns wrong frames when it seeks in an AVI of H.264 with more than one key-frame.)
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=Fraction(FRAME_RATE))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj444p"
        stream.options = {"qmin": "2", "qmax": "3"}
        stream.thread_count = 1
        for pixels in frames_THWC:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def render_video(job: Job) -> Rendered:
    """Render one video into its file."""
    pixels, rendered = frames_of(job)
    job.path.parent.mkdir(parents=True, exist_ok=True)
    _encode(job.path, pixels)
    return rendered


def in_parallel(work: Callable[[T], R], items: Sequence[T], workers: int) -> Iterator[R]:
    """`work` of every item, in their order; `work` is a top-level function."""
    if workers <= 1:
        yield from map(work, items)
        return
    context = multiprocessing.get_context("spawn")  # the caller may hold torch and its threads
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(work, items, chunksize=4)


def render_all(jobs: Sequence[Job], workers: int, progress: Progress | None) -> list[Rendered]:
    """Render every job in `workers` processes, in order; `progress(done, total)` is called after each."""
    done = []
    for rendered in in_parallel(render_video, jobs, workers):
        done.append(rendered)
        if progress is not None:
            progress(len(done), len(jobs))
    return done


def total_digest(videos: Sequence[Rendered]) -> str:
    """sha256 over the names and digests of all videos, in the order of their names."""
    lines = sorted(f"{one.name} {one.digest}" for one in videos)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def is_complete(root: Path, name: str, version: int, size: str) -> bool:
    """Whether `root` already holds this rendering. ValueError: it holds something else."""
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    manifest = root / "dataset.json"
    if not manifest.is_file():
        raise ValueError(
            f"{root} exists and is not a rendered dataset: it has no dataset.json; name another folder"
        )
    found = json.loads(manifest.read_text())
    held = (found.get("name"), found.get("version"), found.get("size"))
    if held != (name, version, size):
        raise ValueError(
            f"{root} holds {held}, not {(name, version, size)}; name another folder or remove it"
        )
    return True


@contextmanager
def whole_folder(root: Path) -> Iterator[Path]:
    """A temporary sibling of `root` that takes its name when the block ends well, and vanishes otherwise.

    If another process has put a folder there meanwhile, that one stays.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    partial = root.parent / f".{root.name}.{os.getpid()}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        os.sync()
        try:
            partial.rename(root)
        except OSError:
            if not (root / "dataset.json").is_file():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def describe(classes: Sequence[MiniClass]) -> list[dict[str, object]]:
    """The classes for `dataset.json`: name, pose group, whether motion alone tells it from others of the
    group."""
    return [{"name": one.name, "pose_group": one.family, "motion_only": one.motion_only} for one in classes]
