"""Fixtures of the tests of RFB-Flow."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # so that test modules find `rfb_examples`
import narrow
from rfb_examples import Difference

from methods.rfb_flow.config import RfbFlowConfig


@pytest.fixture
def small() -> RfbFlowConfig:
    return narrow.rfb_flow()


@pytest.fixture
def difference() -> Difference:
    return Difference()
