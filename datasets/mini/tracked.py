"""Rendered people with the boxes of every frame, for what learns to follow one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from datasets.mini import ucf24
from datasets.mini.render import ANNOTATED, frames_of

SIZE = "small"
EDITION = f"{ucf24.NAME}@{ucf24.VERSION}.{SIZE}"
"""What the tracks are of: with another one they are others."""
GROUPS = ("_g08_c01", "_g09_c01")


def training_tracks() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames as they are drawn, uint8 RGB [T, 96, 128, 3], and the box of one actor in each of them, float64
    [T, 4] in their pixels: every actor of two training videos of every class of `ucf24-mini.small`."""
    for job in ucf24.jobs(Path(), SIZE):
        if job.name.endswith(GROUPS):
            frames_THW3, rendered = frames_of(job)
            scale_4 = np.tile(frames_THW3.shape[2:0:-1], 2) / np.tile(ANNOTATED, 2)
            for tube in rendered.tubes:
                edges_N4 = tube.boxes_N4 + np.array([0, 0, 1, 1])  # from inclusive pixels
                yield frames_THW3[tube.start : tube.start + len(edges_N4)], edges_N4 * scale_4
