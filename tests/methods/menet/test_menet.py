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
from bench.training import CHECKPOINT, Compute, train
from methods.base import TrainingStage
from methods.menet.clips import recent_frames
from methods.menet.config import MenetConfig, configs
from methods.menet.detector import view_inputs
from methods.menet.distillation import ClipStage, classifier, load_teacher
from methods.menet.method import Menet
from methods.menet.network import MenetNetwork
from methods.nn.resnext3d import ResNeXt3D, ResNeXt3DConfig


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


def taught(config: MenetConfig, teacher: Path | None) -> Menet:
    named = replace(config.distillation, teacher_weights=str(teacher or ""))
    return Menet(replace(config, distillation=named), INFO)


def resnext(config: MenetConfig) -> MenetConfig:
    """With the published 3-D branch, as narrow as its groups allow."""
    model = replace(config.model, kind_3d="resnext", width_3d=1 / 32, groups_3d=4, clip_input="rgb")
    return replace(config, model=model)


def published(path: Path, channels: int = 2, classes: int = 7) -> ResNeXt3D:
    """A network in the layout of MARS's files, and the file."""
    torch.manual_seed(2)
    network = ResNeXt3D(ResNeXt3DConfig(channels, classes, width=1 / 32, groups=4))
    torch.save({"state_dict": {f"module.{n}": t for n, t in network.state_dict().items()}}, path)
    return network.eval()


def learnt(stage: TrainingStage, folder: Path) -> dict[str, torch.Tensor]:
    train(stage, folder, 0, Compute("cpu", threads=1))
    weights: dict[str, torch.Tensor] = torch.load(folder / CHECKPOINT, weights_only=True)
    return weights


def test_a_teacher_that_is_given_is_not_trained_and_teaches_the_same(
    small: MenetConfig, tmp_path: Path
) -> None:
    """The file is moved: only its content counts. Its classes may be others."""
    own = Menet(small, INFO)
    teacher = own.training_stage("teacher", training_data(), 0, {})
    tensors = learnt(teacher, tmp_path / "teacher")
    tensors |= {"fc.weight": torch.zeros(9, 5), "fc.bias": torch.zeros(9)}
    torch.save(tensors, tmp_path / "moved.pt")
    given = taught(small, tmp_path / "moved.pt")
    given.check()
    assert list(given.training_config()) == ["student", "detector"]
    before = {"teacher": tmp_path / "teacher" / CHECKPOINT}
    first = learnt(own.training_stage("student", training_data(), 0, before), tmp_path / "own")
    second = learnt(given.training_stage("student", training_data(), 0, {}), tmp_path / "given")
    assert all(torch.equal(second[name], value) for name, value in first.items())
    assert given.facts()["pretraining"].endswith("moved.pt (teacher)")


def test_a_given_teacher_is_in_the_keys_and_its_training_is_not(small: MenetConfig, tmp_path: Path) -> None:
    path = tmp_path / "teacher.pt"
    found = []
    for content, steps in ((b"one", 5), (b"one", 6), (b"other", 5)):
        path.write_bytes(content)
        config = replace(small, distillation=replace(small.distillation, teacher_steps=steps))
        found.append(taught(config, path).training_config()["student"])
    assert found[0] == found[1] != found[2]
    assert str(tmp_path) not in repr(found)


def test_the_published_flow_network_teaches_in_its_own_measure(small: MenetConfig, tmp_path: Path) -> None:
    """There 20 pixels are 127.5; the block that it lacks changes nothing."""
    network, config = published(tmp_path / "flow.pth"), resnext(small)
    for pixels in (20.0, 3.0):
        how = replace(config.distillation, flow_clip=pixels)
        teacher = load_teacher(replace(config, distillation=how), 3, tmp_path / "flow.pth").eval()
        flow = torch.rand(2, 2, 4, 64, 64) * 2 - 1
        with torch.no_grad():
            wanted = network.pooled(network(flow * pixels * 127.5 / 20))
            torch.testing.assert_close(teacher.features(flow), wanted, rtol=1e-4, atol=1e-5)


def test_the_student_starts_from_the_weights_that_are_named(small: MenetConfig, tmp_path: Path) -> None:
    network, config = published(tmp_path / "kinetics.pth", channels=3), resnext(small)
    published(tmp_path / "flow.pth")
    config = replace(config, model=replace(config.model, pretrained_3d=str(tmp_path / "kinetics.pth")))
    method, bare = (taught(one, tmp_path / "flow.pth") for one in (config, resnext(small)))
    assert method.training_config()["student"] != bare.training_config()["student"]
    begun = method.training_stage("student", training_data(), 0, {}).prepare(tmp_path).state_dict()
    for name, value in network.state_dict().items():
        if not name.startswith("fc."):
            assert torch.equal(begun[f"backbone_3d.{name}"], value), name


def test_a_file_that_is_no_teacher_is_refused_by_name(small: MenetConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"teacher_weights: no file .*none\.pt; `bench weights menet`"):
        taught(small, tmp_path / "none.pt").check()

    def refused(config: MenetConfig, name: str, message: str) -> None:
        stage = taught(config, tmp_path / name).training_stage("student", training_data(), 0, {})
        with pytest.raises(ValueError, match=message):
            stage.prepare(tmp_path)

    published(tmp_path / "rgb.pth", channels=3)
    refused(
        resnext(small), "rgb.pth", r"rgb\.pth does not fit: shapes differ: 1 \(conv1.*of flow is expected"
    )
    refused(small, "rgb.pth", r"rgb\.pth does not fit: missing .*of flow is expected")
    torch.save(classifier(resnext(small), 3, 2).state_dict(), tmp_path / "other.pt")
    refused(small, "other.pt", r"other\.pt does not fit: .*It was trained with another config")
    plain = replace(small, motion=replace(small.motion, non_local=""))
    torch.save(classifier(plain, 3, 2).state_dict(), tmp_path / "plain.pt")
    refused(small, "plain.pt", r"plain\.pt does not fit: missing 1\d \(non_local")
    (tmp_path / "text.pt").write_text("no weights")
    refused(small, "text.pt", r"text\.pt is no PyTorch checkpoint")


@pytest.mark.parametrize("row", ["no-kd", "2d-rgb"])
def test_a_teacher_is_refused_where_nothing_is_distilled(row: str, tmp_path: Path) -> None:
    config = configs("ucf24-mini", "tiny")[row]
    with pytest.raises(ValueError, match=r"teacher_weights names a teacher, and nothing is distilled"):
        taught(config, tmp_path / "teacher.pt")
