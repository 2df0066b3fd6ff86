"""All miniatures at their smallest size, rendered once."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasets.mini.ava import render_ava_mini
from datasets.mini.daly import render_daly_mini
from datasets.mini.jhmdb import render_jhmdb_mini
from datasets.mini.ucf24 import render_ucf24_mini


@pytest.fixture(scope="session")
def ucf24_micro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of `ucf24-mini` at size micro, rendered in this process."""
    root = tmp_path_factory.mktemp("mini") / "ucf24-micro"
    render_ucf24_mini(root, "micro", workers=1)
    return root


@pytest.fixture(scope="session")
def jhmdb_micro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of `jhmdb-mini` at size micro, rendered in this process."""
    root = tmp_path_factory.mktemp("mini") / "jhmdb-micro"
    render_jhmdb_mini(root, "micro", workers=1)
    return root


@pytest.fixture(scope="session")
def daly_micro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of `daly-mini` at size micro, rendered in this process."""
    root = tmp_path_factory.mktemp("mini") / "daly-micro"
    render_daly_mini(root, "micro", workers=1)
    return root


@pytest.fixture(scope="session")
def ava_micro(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of `ava-mini` at size micro, rendered in this process."""
    root = tmp_path_factory.mktemp("mini") / "ava-micro"
    render_ava_mini(root, "micro", workers=1)
    return root
