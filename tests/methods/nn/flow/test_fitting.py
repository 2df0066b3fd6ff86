"""Fitting the narrow network: what a batch holds, what the loss counts, and that it learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.testing import sliding, training_data
from bench.training import CHECKPOINT, Compute, train
from methods.nn.flow.config import FittingConfig
from methods.nn.flow.fitting import FlowStage, MotionPairs, endpoint_error
from methods.nn.flow.matching import warped
from methods.nn.flow.named import build, load_published

QUICK = FittingConfig(steps=12, batch=2, crop=32)


def diagonal() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """A clip of noise that moves by (2, 1) pixels a frame."""
    noise = np.random.default_rng(1).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    frames = np.stack([noise[8 - t : 56 - t, 8 - 2 * t : 72 - 2 * t] for t in range(3)])
    yield frames, np.broadcast_to(np.array([2, 1], np.float32), (3, 48, 64, 2))


def test_a_pair_and_its_flow_stay_together_however_they_are_turned() -> None:
    pairs, rng, seen = MotionPairs(diagonal(), 32), np.random.default_rng(0), set()
    for _ in range(10):
        first, second, flow = pairs.batch(2, rng)
        assert first.shape == (2, 3, 32, 32)
        assert flow.shape == (2, 2, 32, 32)
        inner = (..., slice(1, -1), slice(2, -2))
        torch.testing.assert_close(warped(second, flow)[inner], first[inner], atol=0.01, rtol=0)
        seen |= {tuple(vector) for vector in flow[:, :, 0, 0].tolist()}
    assert seen == {(2, 1), (2, -1), (-2, 1), (-2, -1)}


def test_a_crop_is_no_larger_than_the_pictures() -> None:
    first, _, _ = MotionPairs(diagonal(), 64).batch(1, np.random.default_rng(0))
    assert first.shape == (1, 3, 48, 48)


def test_what_moves_by_itself_counts_more() -> None:
    truth = torch.zeros(1, 2, 4, 4)
    truth[:, 0] = 3  # the camera
    truth[0, :, 0, 0] = torch.tensor([4.0, 0.0])
    wrong = truth.clone()
    wrong[0, 1, 0, 0] += 1
    still = truth.clone()
    still[0, 1, 3, 3] += 1
    plain = [float(endpoint_error(flow, truth)) for flow in (wrong, still)]
    assert plain == pytest.approx([(1 + 15 * 0.01) / 16] * 2, rel=1e-3)
    weighted = [float(endpoint_error(flow, truth, 2.0)) for flow in (wrong, still)]
    assert weighted == pytest.approx([(3 + 15 * 0.01) / 16, (1 + 17 * 0.01) / 16], rel=1e-3)


def test_a_stage_is_trained_saved_and_loaded(tmp_path: Path) -> None:
    data = training_data()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        train(FlowStage(QUICK, data, 0), tmp_path / name, 0, Compute("cpu", threads=1))
    states = [torch.load(tmp_path / name / CHECKPOINT, weights_only=True) for name in ("one", "two")]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
    network = build("tiny")
    load_published(network, tmp_path / "one" / CHECKPOINT)
    assert network.state_dict()["fine_flow.bias"].abs().max() > 0  # it began as zero


def test_it_learns_what_slides(tmp_path: Path) -> None:
    """From no motion, an error of one pixel, to a third of it."""
    config = replace(QUICK, steps=60, batch=4, motion_weight=0.0)
    train(FlowStage(config, training_data(), 0), tmp_path, 0, Compute("cpu", threads=1))
    network = build("tiny").eval()
    load_published(network, tmp_path / CHECKPOINT)
    off = []
    for frames, flow in sliding():
        pictures = torch.from_numpy(frames.copy()).permute(0, 3, 1, 2).float()
        with torch.no_grad():
            found = network(pictures[:-1], pictures[1:]).permute(0, 2, 3, 1).numpy()
        off.append(np.linalg.norm(found - flow[:-1], axis=-1).mean())
    assert np.mean(off) < 0.33


def test_the_learning_rate_rises_and_falls() -> None:
    stage = FlowStage(replace(QUICK, steps=100), training_data(), 0)
    rates = [stage.learning_rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(rates[4] / 4.8, rel=0.01)
    assert np.argmax(rates) == 4
    assert 0 < rates[-1] < 0.02 * max(rates)


def test_training_data_without_motion_is_refused() -> None:
    with pytest.raises(ValueError, match="tiny is fitted to rendered motion: give TrainingData its `motion`"):
        FlowStage(QUICK, replace(training_data(), motion=None), 0)
