"""Fixtures of the tests of RFB-Flow."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that test modules find `rfb_examples`
from rfb_examples import Difference, small_config

from methods.rfb_flow.config import RfbFlowConfig


@pytest.fixture
def small() -> RfbFlowConfig:
    return small_config()


@pytest.fixture
def difference() -> Difference:
    return Difference()
