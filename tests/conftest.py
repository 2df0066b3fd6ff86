"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference outputs and real data that developers have beside their checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"reference data not present: {SHARED.name}/ beside the checkout")
    return SHARED
