"""A dataset with all its videos."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from toy import NAMES, Toy, write_frames


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """With all its videos."""
    for name in NAMES:
        write_frames(tmp_path / "toy" / "videos" / name)
    return Toy(tmp_path / "toy")
