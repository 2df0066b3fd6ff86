"""A file of every kind, and long videos without long files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from numbered import HEIGHT, KINDS, WIDTH, write_video


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of every kind."""
    folder = tmp_path_factory.mktemp("videos")
    return {name: write_video(folder / name, codec, options) for name, (codec, options) in KINDS.items()}


@pytest.fixture
def long_videos(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Makes every video a long one, with an empty memory; returns what the memory holds then, in bytes."""
    from bench.video import reader
    from bench.video.memory import Memory

    frames: Memory[np.ndarray] = Memory(40 * WIDTH * HEIGHT * 3, lambda found: found.nbytes)
    monkeypatch.setattr(reader, "SHORT", 0)
    monkeypatch.setattr(reader, "FAR", 0)
    monkeypatch.setattr(reader, "kept_frames", frames)
    monkeypatch.setattr(reader, "_sources", Memory(2, lambda source: 1))
    return lambda: frames.weight
