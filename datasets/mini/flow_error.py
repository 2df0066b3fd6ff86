"""How far off is optical flow? End-point error against the true motion of rendered videos, and time.

    python -m datasets.mini.flow_error            every source that can be used here
    python -m datasets.mini.flow_error raft       some of them

Prints a Markdown table. The videos are test videos of `ucf24-mini`, one of every class, encoded and read
again as in a run. The error of a pixel is the length of the difference of the found and the true vector.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from bench.flow import Flow, FlowSource, names, source
from bench.machine import cpu_name
from bench.video import Video
from datasets.mini import ucf24
from datasets.mini.motion import TrueMotion, true_motion
from datasets.mini.render import ANNOTATED, Job, render_video

CLIP = slice(16, 29)  # frames of every video that are compared: 12 pairs from its middle, where people act
TIMED = 5  # frames, enlarged to 320x240


@dataclass(frozen=True)
class Clip:
    """Some frames of a video, uint8 [T, H, W, 3], and their true motion."""

    frames: np.ndarray
    truth: TrueMotion


@dataclass(frozen=True)
class Finding:
    """Mean end-point error in pixels: of all pixels, of the figures where they move against the background,
    of the background. Milliseconds of one CPU core a frame, at 128x96 and at 320x240."""

    everywhere: float
    moving: float
    background: float
    small: float = 0.0
    large: float = 0.0


def tested_jobs() -> list[Job]:
    """The first test video of every class."""
    return [job for job in ucf24.jobs(Path(), "small") if job.name.endswith("_g01_c01")]


def clips(jobs: Sequence[Job]) -> Iterator[Clip]:
    """Render, encode and read the videos."""
    with tempfile.TemporaryDirectory() as folder:
        for job in jobs:
            written = replace(job, path=Path(folder) / "video.avi")
            render_video(written)
            motion = true_motion(job)
            truth = TrueMotion(motion.flow_THW2[CLIP], motion.camera_T2[CLIP], motion.figure_THW[CLIP])
            yield Clip(Video(job.name, written.path, *ANNOTATED).read()[CLIP], truth)


def error(flows: Sequence[Flow], truths: Sequence[TrueMotion]) -> Finding:
    """The errors over all pixels of all clips; the last field of a clip has no following frame and is left
    out."""
    pairs = list(zip(flows, truths, strict=True))
    off = np.stack([np.linalg.norm(flow - truth.flow_THW2, axis=-1)[:-1] for flow, truth in pairs])
    moving = np.stack([truth.moving_THW[:-1] for truth in truths])
    figure = np.stack([truth.figure_THW[:-1] for truth in truths])
    return Finding(float(off.mean()), float(off[moving].mean()), float(off[~figure].mean()))


def measure(flow: FlowSource, seen: Sequence[Clip]) -> Finding:
    """The errors of a source, and its time on one thread."""
    cv2.setNumThreads(1)
    flow.compute(seen[0].frames[:2])  # what is done once is not timed
    began, found = time.process_time(), [flow.compute(clip.frames) for clip in seen]
    small = (time.process_time() - began) / sum(len(clip.frames) - 1 for clip in seen)
    large = np.stack([cv2.resize(frame, ANNOTATED) for frame in seen[0].frames[:TIMED]])
    began = time.process_time()
    flow.compute(large)
    took = (time.process_time() - began) / (TIMED - 1)
    return replace(error(found, [clip.truth for clip in seen]), small=1000 * small, large=1000 * took)


def row(name: str, found: Finding) -> str:
    """A row of the table."""
    errors = f"{found.everywhere:.2f} | {found.moving:.2f} | {found.background:.2f}"
    times = f"{found.small:.1f} | {found.large:.0f}" if found.small else "- | -"
    return f"| `{name}` | {errors} | {times} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="end-point error of flow on rendered videos")
    parser.add_argument("sources", nargs="*", help="default: all")
    chosen = parser.parse_args().sources
    seen = list(clips(tested_jobs()))
    truths = [clip.truth for clip in seen]
    print(
        "| source | all | moving figure | background | ms, 128x96 | ms, 320x240 |\n|---|---|---|---|---|---|"
    )
    print(row("no motion", error([np.zeros_like(truth.flow_THW2) for truth in truths], truths)))
    reasons = []
    for name in chosen or names():
        try:
            print(row(name, measure(source(name), seen)), flush=True)
        except ValueError as reason:
            print(f"| `{name}` | - | - | - | - | - |")
            reasons.append(f"\n{reason}\n    python -m datasets.mini.flow_error {name}")
    print(*reasons, sep="\n")
    pairs = sum(len(clip.frames) - 1 for clip in seen)
    print(f"\n{len(seen)} videos, {pairs} pairs of frames; {cpu_name()}, OpenCV {cv2.__version__}, "
          f"Python {platform.python_version()}")  # fmt: skip


if __name__ == "__main__":
    main()
