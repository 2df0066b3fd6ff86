"""What is measured of a method: its parts, frames a second, latency, parameters, operations."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.speed.cost import work
from bench.speed.measure import measure
from bench.speed.passes import clock as walked
from bench.speed.passes import delays
from bench.speed.rows import Rate, Row, add_rows, read_rows
from bench.speed.subject import Job, opened

pytestmark = pytest.mark.usefixtures("installed")


@pytest.fixture
def row(runs_dir: Path, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Row:
    """Of the method that sleeps in its parts, by a clock that only sleeping moves."""
    import marked

    monkeypatch.setattr(marked, "time", clock)
    return measure(Job("marked", batch=4, repeats=2, device="cpu", runs_dir=runs_dir))


def test_marked_parts_are_told_apart(row: Row) -> None:
    """24 frames in batches of four: 2 ms of network and 1 ms of NMS a frame, slept."""
    assert list(row.parts) == ["decode", "network", "predict", "nms", "link", "postprocess"]
    assert [part.ms for part in row.parts.values()] == pytest.approx([0, 2, 0, 1, 0, 0])
    assert [part.share for part in row.parts.values()] == pytest.approx([0, 66.67, 0, 33.33, 0, 0])
    assert (row.network.fps, row.network.ms, row.network.ms_p90) == pytest.approx((500, 2, 2))
    assert (row.end_to_end.fps, row.end_to_end.ms) == pytest.approx((333.333, 3))
    assert "network, inputs in memory" in row.network.includes
    assert "24 frames 128x96" in row.end_to_end.includes
    assert (row.frames, row.repeats, row.key.weights) == (24, 2, "seeded random")


def test_latency_is_of_one_frame_with_its_look_ahead(row: Row) -> None:
    """One frame ahead at 25 frames a second, and 2 ms of network."""
    assert row.latency is not None
    assert row.latency.ms == pytest.approx(42)
    assert "its wait for 1 more frame (40 ms at 25 a second) included" in row.latency.includes


def test_parameters_and_operations_are_those_of_the_network(row: Row) -> None:
    assert row.parameters == 4 * 3 + 3
    assert row.gflops == pytest.approx(2 * 4 * 3 / 1e9, abs=1e-4)
    assert row.peak_mb > 100


def test_a_method_without_marks_is_timed_as_a_whole(runs_dir: Path) -> None:
    row = measure(Job("centre-box", repeats=1, device="cpu", runs_dir=runs_dir))
    assert list(row.parts) == ["decode", "predict", "link", "postprocess"]
    assert "all of predict" in row.network.includes
    assert (row.parameters, row.gflops) == (0, 0)


@pytest.mark.parametrize("method", ["yowo", "menet", "pcsc"])
def test_methods_begin_with_random_weights_and_mark_their_network(method: str, runs_dir: Path) -> None:
    settings = {
        "pcsc": ("model.frame_size=(64,48)", "model.width=0.0625", "model.clip_length=2"),
    }.get(method, ("model.frame_size=(64,48)", "model.fusion_channels=16"))
    row = measure(Job(method, repeats=1, batch=24, device="cpu", overrides=settings, runs_dir=runs_dir))
    assert row.parts["network"].ms > 0
    assert row.key.input_size == (64, 48)
    assert "network, inputs in memory" in row.network.includes
    assert (row.latency is None) == (method == "pcsc")
    assert ("flow" in row.parts) == (method == "pcsc")
    assert row.parameters > 10_000
    assert row.gflops > 0


@pytest.mark.parametrize("batch", [1, 8])
def test_flow_between_two_frames_is_estimated_once_as_in_a_stream(
    batch: int, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two flows a key-frame, of which the next key-frame has one again, at any batch."""
    from methods.rfb_flow.network import RfbFlowNetwork

    pairs, estimate = [0], RfbFlowNetwork.estimate

    def counted(network: RfbFlowNetwork, first: Any, second: Any) -> Any:
        pairs[0] += len(first)
        return estimate(network, first, second)

    monkeypatch.setattr(RfbFlowNetwork, "estimate", counted)
    settings = ("model.frame_size=(64,48)", "model.flow_size=(64,48)", "model.width=0.0625")
    job = Job("rfb-flow", "tiny+two-pairs", batch=batch, device="cpu", overrides=settings, runs_dir=runs_dir)
    subject = opened(job)
    found = walked(subject, 1, lambda done, total: None)
    assert pairs[0] == 3 * (found.frames + 1)  # three walks; either end of the video with itself
    pairs[0] = 0
    delays(subject)
    assert pairs[0] == found.frames  # the last frame waits for one after it
    pairs[0] = 0
    assert work(subject).flops > 0
    assert pairs[0] == 2 * batch + 1  # a batch, and the one before it for what it leaves


def test_bf16_gives_boxes_too(runs_dir: Path) -> None:
    settings = ("model.frame_size=(64,48)", "model.width=0.0625", "model.clip_length=2")
    job = Job(
        "pcsc", repeats=1, batch=24, device="cpu", overrides=settings, precision="bf16", runs_dir=runs_dir
    )
    assert measure(job).key.precision == "bf16"


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (Job("marked", dataset="ucf24-mini.micro", video="v_Nothing"), "unknown test video 'v_Nothing'"),
        (Job("marked", dataset="ucf24"), "--data-root"),
        (Job("pcsc", variant="full", overrides=("model.flow=raft",)), "--set model.flow=dis takes another"),
    ],
)
def test_what_is_not_there_is_said(
    job: Job, said: str, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(runs_dir))
    with pytest.raises(ValueError, match=said):
        measure(replace(job, device="cpu", repeats=1, runs_dir=runs_dir))


def test_without_a_compiler_the_reason_is_said(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def broken(function: object) -> object:
        raise RuntimeError("No working C++ compiler found\nand more")

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(ValueError, match=r"--compile: .* No working C\+\+ compiler found; on a CPU it needs"):
        measure(Job("marked", compile=True, device="cpu", runs_dir=runs_dir))


def test_rows_of_the_same_key_are_replaced_and_others_kept(row: Row, tmp_path: Path) -> None:
    other = replace(row, key=replace(row.key, batch=1))
    again = replace(row, network=Rate(1.0, 1000.0, 1000.0, "all"))
    add_rows(tmp_path, [row, other])
    add_rows(tmp_path, [again])
    found = {found.key.batch: found for found in read_rows(tmp_path)}
    assert found == {1: other, 4: again}


def test_another_file_is_refused_by_name(row: Row, tmp_path: Path) -> None:
    (tmp_path / "speed.json").write_text("[]")
    with pytest.raises(ValueError, match=r"speed\.json has schema version None"):
        add_rows(tmp_path, [row])
    assert (tmp_path / "speed.json").read_text() == "[]"


def test_it_imports_without_what_a_gpu_machine_lacks() -> None:
    program = """
import importlib.abc, sys
class Lacking(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("mlflow", "optuna", "decord") or name.startswith("cv2.optflow"):
            raise ModuleNotFoundError(f"{name} is blocked", name=name)
sys.meta_path.insert(0, Lacking())
import bench.commands.speed, bench.speed.measure, bench.speed.apart, bench.speed.table
import bench.runs.plan, bench.runs.trained, bench.training, methods.base, datasets
for name in methods.base.available():
    methods.base.find(name)
import methods.yowo.predict, methods.pcsc.predict, methods.menet.detector
"""
    environment = {"PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert done.returncode == 0, done.stderr
