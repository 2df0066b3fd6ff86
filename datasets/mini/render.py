"""Render a miniature: every video drawn, hashed, encoded and annotated, in parallel, the same bytes whatever
the parallelism.

The `dataset.json` of a miniature holds name, version, size, a digest of all frames (before encoding) and
annotations, the classes with their pose groups, and what is known about each video.
"""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, TypeVar

import av
import cv2
import numpy as np

from datasets.mini.classes import MiniClass
from datasets.mini.draw import Draw
from datasets.mini.scene import HEIGHT, WIDTH, Frame, Person, Setting, cast, render
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


@dataclass(frozen=True)
class Staged:
    """A video before and after it is drawn: who plays where, and its frames."""

    actors: list[Person]
    idle: list[Person]
    backdrop: Backdrop
    frames: list[Frame]


def staged(job: Job) -> Staged:
    """The video of a job, drawn but not encoded."""
    cv2.setNumThreads(1)
    draw, group = Draw(job.key), Draw(job.group_key)
    count = draw.integer(*job.setting.frames)
    wardrobe, backdrop = Wardrobe(group), Backdrop(group, draw, count)
    actors, idle = cast(draw, job.classes[job.label], job.classes, job.setting, wardrobe, count)
    return Staged(actors, idle, backdrop, list(render(draw, actors, idle, backdrop, count)))


def frames_of(job: Job) -> tuple[np.ndarray, Rendered]:
    """The frames uint8 [T, 96, 128, 3] RGB of a video before encoding, and what they show."""
    frames = staged(job).frames
    pixels, tubes = np.stack([frame.pixels for frame in frames]), _tubes(frames)
    digest = hashlib.sha256(pixels.tobytes())
    for tube in tubes:
        digest.update(np.array([job.label, tube.start, *tube.boxes_N4.ravel()], "<i4").tobytes())
    return pixels, Rendered(job.name, len(frames), tubes, digest.hexdigest())


@contextmanager
def video_writer(path: Path, size: tuple[int, int], rate: int) -> Iterator[Callable[[np.ndarray], None]]:
    """A function that appends a frame, uint8 RGB, to a new video of that width, height and frame rate.

    Motion JPEG: every frame is a key-frame, so a reader that seeks gets the frame it asked for.
    (decord returns wrong frames when it seeks in an AVI of H.264 with more than one key-frame.)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=Fraction(rate))
        stream.width, stream.height, stream.pix_fmt = *size, "yuvj444p"
        stream.options = {"qmin": "2", "qmax": "3"}
        stream.thread_count = 1

        def write(pixels: np.ndarray) -> None:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))

        yield write
        container.mux(stream.encode(None))


def render_video(job: Job) -> Rendered:
    """Render one video into its file."""
    frames_THWC, rendered = frames_of(job)
    with video_writer(job.path, (WIDTH, HEIGHT), FRAME_RATE) as write:
        for pixels in frames_THWC:
            write(pixels)
    return rendered


def in_parallel(work: Callable[[T], R], items: Sequence[T], workers: int) -> Iterator[R]:
    """`work` of every item, in their order; `work` is a top-level function."""
    if workers <= 1:
        yield from map(work, items)
        return
    context = multiprocessing.get_context("spawn")  # the caller may hold torch and its threads
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(work, items, chunksize=4)


def render_all(work: Callable[[T], R], jobs: Sequence[T], workers: int, progress: Progress | None) -> list[R]:
    """`work` of every job in `workers` processes, in order; `progress(done, total)` is called after each."""
    done = []
    for rendered in in_parallel(work, jobs, workers):
        done.append(rendered)
        if progress is not None:
            progress(len(done), len(jobs))
    return done


class Digested(Protocol):
    """A rendered video: its name, and the sha256 of its frames and annotation."""

    @property
    def name(self) -> str: ...

    @property
    def digest(self) -> str: ...


def total_digest(videos: Sequence[Digested]) -> str:
    """sha256 over the names and digests of all videos, in the order of their names."""
    lines = sorted(f"{one.name} {one.digest}" for one in videos)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def describe(classes: Sequence[MiniClass]) -> list[dict[str, object]]:
    """The classes for `dataset.json`: name, pose group, whether motion alone tells it from others of the
    group."""
    return [{"name": one.name, "pose_group": one.family, "motion_only": one.motion_only} for one in classes]
