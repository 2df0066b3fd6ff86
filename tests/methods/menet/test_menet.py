"""MENet: its network's sizes, what it sees, distillation, variants."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import narrow
import numpy as np
import pytest
import torch

from bench.testing import INFO, noise, training_data
from bench.training import Compute, train
from methods.menet.clips import recent_frames
from methods.menet.config import MenetConfig, configs
from methods.menet.detector import view_inputs
from methods.menet.distillation import ClipStage
from methods.menet.method import Menet
from methods.menet.network import MenetNetwork


@pytest.fixture
def small() -> MenetConfig:
    return narrow.menet()


def test_parameters_are_those_of_the_additions() -> None:
    """YOWO's 121,095,050, the non-local block, SRM's convolution, three more channels of the first layer."""
    with torch.device("meta"):
        config = configs("ucf24", "full")["default"]
        network = MenetNetwork(config.model, config.motion, 24)
    counted = sum(p.numel() for p in network.parameters())
    assert counted == 121_095_050 + 8_397_824 + 1_184 + 864 == 129_494_922


def test_all_stages_train_and_the_detector_begins_as_the_student(small: MenetConfig, tmp_path: Path) -> None:
    method, checkpoints = Menet(small, INFO), {}
    assert list(method.training_config()) == ["teacher", "student", "detector"]
    for name in method.training_config():
        stage = method.training_stage(name, training_data(), 0, checkpoints)
        if name == "detector":
            begun = stage.prepare(tmp_path).state_dict()
            student = torch.load(checkpoints["student"], weights_only=True)
            for key, value in student.items():
                if not key.startswith("fc."):
                    assert torch.equal(begun[key], value), key
        train(stage, tmp_path / name, 0, Compute("cpu"))
        checkpoints[name] = tmp_path / name / "checkpoint.pt"
    method.load(checkpoints, "cpu")
    found = method.predict(noise(0), range(6))
    assert set(found.frame.tolist()) == set(range(6))
    assert method.flow is not None
    assert method.flow.only_training


def test_the_student_is_drawn_to_the_teacher(small: MenetConfig, tmp_path: Path) -> None:
    """With the features' error alone to learn from, it falls; the teacher does not change."""
    steps = replace(small.distillation, student_steps=25, teacher_steps=1, learning_rate=1e-2)
    config = replace(small, distillation=steps)
    teacher = ClipStage("teacher", config, INFO, training_data(), 0)
    train(teacher, tmp_path / "teacher", 0, Compute("cpu"))
    path = tmp_path / "teacher/checkpoint.pt"
    student = ClipStage("student", config, INFO, training_data(), 0, path)
    network = student.prepare(tmp_path)
    assert student.teacher is not None
    before = {name: value.clone() for name, value in student.teacher.state_dict().items()}
    optimiser, errors = student.optimiser(network), []
    batch = student.batch(0)
    for _ in range(25):
        losses = student.losses(network, batch)
        errors.append(losses["features"].item())
        optimiser.zero_grad()
        losses["features"].backward()
        optimiser.step()
    assert errors[-1] < 0.5 * errors[0]
    assert all(torch.equal(value, before[name]) for name, value in student.teacher.state_dict().items())


def test_clips_of_a_label_are_told_by_it(small: MenetConfig) -> None:
    stage = ClipStage("student", small, INFO, training_data(), 0)
    batch = stage.batch(0)
    assert set(batch) == {"flow", "rgb", "label"}
    assert batch["flow"].shape == (2, 2, 4, 32, 32)
    assert batch["rgb"].shape == (2, 3, 4, 32, 32)
    whole = replace(small, crops=replace(small.crops, steps=0))
    assert ClipStage("student", whole, INFO, training_data(), 0).batch(0)["flow"].shape == (2, 2, 4, 48, 64)
    assert torch.allclose(batch["label"].sum(dim=1), torch.ones(2))
    assert batch["flow"].abs().max() <= 1


def test_srm_sees_neighbouring_frames_and_the_key_frame_last(small: MenetConfig) -> None:
    assert recent_frames(5, 3).tolist() == [2, 3, 4, 5]
    assert recent_frames(1, 3).tolist() == [0, 0, 0, 1]
    footage = noise(0)
    plain = replace(small, model=replace(small.model, clip_input="rgb"))
    seen = view_inputs(plain)(footage, 5, None)
    assert set(seen) == {"clip", "key", "recent"}
    picture = torch.from_numpy(footage.rgb_THW3[5].transpose(2, 0, 1).astype(np.float32) / 255)
    assert torch.equal(seen["recent"][-1], seen["key"])
    assert torch.equal(seen["clip"][:, -1], seen["key"])
    assert torch.allclose(seen["key"], picture)


def test_flow_that_ends_at_the_key_frame(small: MenetConfig) -> None:
    config = replace(small, motion=replace(small.motion, spatial="flow"))
    footage = noise(0)
    stored, bound = footage.flow_THW2
    expected = np.clip(stored[3].astype(np.float32) * (bound / 127 / 3.0), -1, 1).transpose(2, 0, 1)
    seen = view_inputs(config)(footage, 4, None)["flow"].numpy()
    np.testing.assert_allclose(seen, expected, atol=1e-6)


DISTILLED = {"default", "no-srm", "no-non-local", "3d-kd", "3d-kd-non-local", "shuffled-labels"}
WITH_SRM = {"default", "no-kd", "no-non-local", "2d-srm-1", "2d-srm-3", "shuffled-labels"}


@pytest.mark.parametrize("size", ["full", "tiny"])
def test_every_row_builds(size: str) -> None:
    for row, config in configs("ucf24", size).items():
        with torch.device("meta"):
            network = MenetNetwork(config.model, config.motion, 24)
        method = Menet(config, INFO)
        assert ("student" in method.training_config()) is (row in DISTILLED), row
        assert hasattr(network, "srm") is (row in WITH_SRM), row
        need = method.flow
        assert (need is not None and not need.only_training) is (row == "2d-flow"), row


def test_without_distillation_the_branch_learns_of_crops_alone(small: MenetConfig, tmp_path: Path) -> None:
    method = Menet(replace(small, distillation=replace(small.distillation, enabled=False)), INFO)
    assert list(method.training_config()) == ["crops", "detector"]
    train(method.training_stage("crops", training_data(), 0, {}), tmp_path, 0, Compute("cpu"))
    learnt = {"crops": tmp_path / "checkpoint.pt"}
    begun = method.training_stage("detector", training_data(), 0, learnt).prepare(tmp_path).state_dict()
    for name, value in torch.load(learnt["crops"], weights_only=True).items():
        if name.startswith("trunk."):
            assert torch.equal(begun[name.replace("trunk.", "backbone_3d.")], value), name


def test_rows_that_differ_after_distillation_share_it(small: MenetConfig) -> None:
    def stages(**motion: Any) -> dict[str, Any]:
        return dict(Menet(replace(small, motion=replace(small.motion, **motion)), INFO).training_config())

    one, other, block = stages(), stages(spatial="rgb"), stages(non_local="")
    assert (one["teacher"], one["student"]) == (other["teacher"], other["student"])
    assert one["detector"] != other["detector"]
    assert one["student"] != block["student"]


def test_two_flows_at_once_are_refused(small: MenetConfig) -> None:
    config = replace(small, motion=replace(small.motion, spatial="flow", flow="tvl1"))
    with pytest.raises(ValueError, match=r"motion\.flow is tvl1 and distillation\.flow dis"):
        Menet(config, INFO)
