"""Frames in which everything moves by a known step, and videos made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.video import Video

WIDTH, HEIGHT, ROOM = 96, 64, 40

Sliding = Callable[..., np.ndarray]
FolderVideo = Callable[..., Video]


@pytest.fixture(scope="session")
def sliding() -> Sliding:
    """``sliding(u, v, frames=4)``: uint8 [T, 64, 96, 3] that moves by (u, v) pixels from each to the next."""
    noise = np.random.default_rng(3).normal(0, 1, (HEIGHT + 2 * ROOM, WIDTH + 2 * ROOM))
    fine, coarse = (cv2.GaussianBlur(noise, (0, 0), sigma) * sigma for sigma in (2, 8))
    grey = np.clip(128 + 60 * fine + 80 * coarse, 0, 255).astype(np.uint8)
    big = np.repeat(grey[..., None], 3, axis=2)

    def make(u: int, v: int, frames: int = 4) -> np.ndarray:
        rows, columns = ROOM - v * np.arange(frames), ROOM - u * np.arange(frames)
        return np.stack([big[y : y + HEIGHT, x : x + WIDTH] for y, x in zip(rows, columns)])

    return make


@pytest.fixture
def folder_video(tmp_path: Path) -> FolderVideo:
    """``folder_video(name, frames)``: a video that is a folder of lossless pictures."""

    def make(name: str, frames_THW3: np.ndarray) -> Video:
        path = tmp_path / "videos" / name.replace("/", "_")
        path.mkdir(parents=True)
        for k, frame in enumerate(frames_THW3):
            cv2.imwrite(str(path / f"{k:05d}.png"), frame[..., ::-1])
        return Video(name, path, WIDTH, HEIGHT)

    return make
