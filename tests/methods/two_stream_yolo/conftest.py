"""Fixtures of the tests of the two-stream YOLO."""

from __future__ import annotations

import sys
from pathlib import Path

import narrow
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that test modules find `two_stream_examples`
from methods.two_stream_yolo.config import TwoStreamYoloConfig


@pytest.fixture
def small() -> TwoStreamYoloConfig:
    return narrow.two_stream_yolo()
