"""A YOWO small enough for unit tests."""

from __future__ import annotations

import narrow
import pytest

from methods.yowo.config import YowoConfig


@pytest.fixture
def small() -> YowoConfig:
    return narrow.yowo()
