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


@pytest.fixture(scope="session")
def micro_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the rendered ``ucf24-mini.micro``: link it as ``cache`` into a runs folder."""
    from datasets import prepare

    cache = tmp_path_factory.mktemp("rendered")
    prepare("ucf24-mini", None, cache, "micro")
    return cache


@pytest.fixture
def runs_dir(tmp_path: Path, micro_cache: Path) -> Path:
    """A runs folder of its own with the rendered ``ucf24-mini.micro``."""
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / "cache").symlink_to(micro_cache)
    return folder
