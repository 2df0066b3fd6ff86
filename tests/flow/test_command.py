"""``bench data flow``: what it says, what it leaves, and that a run then has nothing to compute."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bench.commands.data_flow import flow
from bench.flow import FlowStore
from bench.runs.plan import Plan, Request
from bench.runs.reporter import Reporter
from bench.runs.run import Run


@pytest.fixture
def runs_dir(tmp_path: Path, micro_cache: Path) -> Path:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "cache").symlink_to(micro_cache)
    return tmp_path / "runs"


def command(runs_dir: Path, *words: str, dataset: str = "ucf24-mini.micro") -> Result:
    return CliRunner().invoke(flow, [dataset, "--runs-dir", str(runs_dir), "--workers", "0", *words])


def test_a_run_afterwards_computes_no_flow(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = command(runs_dir, "--method", "pcsc", "--split", "1", "--videos", "6")
    assert done.exit_code == 0, done.output
    assert "6 videos computed, 0 were there: 144 frames" in done.output
    assert "estimate" in done.output
    assert "flow 6/6" in done.output
    assert "are clipped" in done.output
    steps: list[str] = []

    class Log(Reporter):
        def step(self, name: str, detail: str) -> None:
            steps.append(name)

    def refuse(*words: Any) -> None:
        raise AssertionError("flow is computed again")

    plan = Plan.of(Request("pcsc", "ucf24-mini.micro", device="cpu", runs_dir=runs_dir))
    names = plan.dataset.split("1").train
    with monkeypatch.context() as patch:
        patch.setattr(FlowStore, "compute", refuse)
        Run(plan, Log()).flow(plan.truth.select(names[:6]), "flow", training=True)
        assert steps == []
        with pytest.raises(AssertionError, match="computed again"):
            FlowStore.prepare(Run(plan)._flow_store(), plan.videos(plan.truth.select(names[6:7])), 0)
    again = command(runs_dir, "--method", "pcsc", "--split", "1", "--videos", "6")
    assert "0 videos computed, 6 were there" in again.output
    assert "estimate" not in again.output


def test_source_size_split_and_number(runs_dir: Path) -> None:
    done = command(runs_dir, "--source", "brox", "--size", "64x48", "--videos", "2", "--split", "1")
    assert done.exit_code == 0, done.output
    assert "2 videos computed" in done.output
    folder = Path(done.output.splitlines()[-1])
    assert folder.name.startswith("brox-")
    assert folder.name.endswith("-64x48")
    assert folder.parent == runs_dir / "store/flow/ucf24-mini@1.micro"
    assert len(list(folder.rglob("*.flow.parquet"))) == 2
    done = command(runs_dir, "--source", "brox", "--size", "64x48", "--videos", "3", "--split", "1")
    assert "1 videos computed, 2 were there" in done.output
    assert "to compute  1 videos, 24 frames; 2 videos are there" in done.output


def test_missing_videos_are_told(tmp_path: Path, micro_cache: Path) -> None:
    shutil.copytree(micro_cache, tmp_path / "cache")
    videos = sorted((tmp_path / "cache").rglob("*.avi"))
    for video in videos[1:]:
        video.unlink()
    done = command(tmp_path)
    assert done.exit_code == 0, done.output
    assert "71 of 72 videos are not there: " in done.output
    assert "1 videos computed" in done.output
    videos[0].unlink()
    done = command(tmp_path)
    assert "has none of the videos" in str(done.exception)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--source", "diss"), "did you mean dis"),
        (("--source", "flownet2"), "'flownet2' is not available"),
        (("--size", "320"), "'320' is no size; write it as 320x240"),
        (("--size", "0x240"), "'0x240' is no size"),
        (("--variant", "tiny"), "--variant is a method's: name one with --method"),
        (("--method", "pcsc", "--source", "dis"), "--method says source and size"),
        (("--method", "pcsc", "--variant", "rgb"), "pcsc tiny\\+rgb uses no precomputed flow"),
        (("--method", "pcs"), "did you mean pcsc"),
        (("--split", "7"), "unknown split of UCF101-24 miniature '7'"),
        (("--videos", "0"), "0 is not in the range"),
    ],
)
def test_what_is_wrong_is_told(words: tuple[str, ...], said: str, runs_dir: Path) -> None:
    done = command(runs_dir, *words)
    assert done.exit_code != 0
    assert isinstance(done.exception, (ValueError, SystemExit))
    assert re.search(said, f"{done.output} {done.exception}")
    assert not (runs_dir / "store").exists()
