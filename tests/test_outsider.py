"""A method in a package of its own, found by its entry point: the kit, and a whole run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.results.result import Result
from bench.testing import MethodConformance

sys.path.insert(0, str(Path(__file__).parent / "outsider"))
import centre_box


class TestCentreBox(MethodConformance):
    method = centre_box.CentreBox

    @classmethod
    def config(cls) -> Any:
        return centre_box.Config()


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """What installing the package leaves on the import path: the package and its entry point."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "centre_box").symlink_to(Path(__file__).parent / "outsider/centre_box")
    info = site / "centre_box-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: centre-box\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[bench.methods]\ncentre-box = centre_box:CentreBox\n")
    return site


def test_bench_run_runs_it(installed: Path, tmp_path: Path, micro_cache: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/cache").symlink_to(micro_cache)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(installed), *sys.path])}
    program = "import sys; sys.argv[0] = 'bench'; from bench.cli import main; main()"
    command = [sys.executable, "-c", program, "run", "--method", "centre-box"]
    done = subprocess.run(
        [*command, "--dataset", "ucf24-mini.micro", "--runs-dir", str(tmp_path / "runs")],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "runs").glob("ucf24-mini*/centre-box*/result.json")
    result = Result.read(path)
    assert result.identity.method == "centre-box"
    assert result.training is None
    found = result.metrics["frame_map/0.50"]
    assert found is not None
    assert found.value < 10
