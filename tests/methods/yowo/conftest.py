"""A YOWO small enough for unit tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from methods.yowo.config import YowoConfig, base


def small_config() -> YowoConfig:
    """The tiny config at 64x48, narrower still."""
    tiny = base("ucf24-mini", "tiny")
    narrow: dict[str, Any] = {
        "frame_size": (64, 48), "clip_length": 4, "width_3d": 0.125, "width_2d": 0.03125,
        "channels_2d": 8, "fusion_channels": 16, "num_anchors": 3,
    }  # fmt: skip
    return replace(
        tiny,
        model=replace(tiny.model, **narrow),
        crops=replace(tiny.crops, steps=2, batch=3, side=32),
        training=replace(tiny.training, steps=3, batch=2, prior_examples=2),
        score_floor=0.0,
        class_floor=0.0,
    )


@pytest.fixture
def small() -> YowoConfig:
    return small_config()
