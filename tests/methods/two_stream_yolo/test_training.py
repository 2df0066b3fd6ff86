"""The detector's training: what an example is, what learns at which rate, from where it starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import narrow
import numpy as np
import pytest
import torch
from two_stream_examples import plain, stage

from bench.testing import INFO, toy_truth, training_data
from bench.training import Compute, train
from methods.nn.yolov2 import ReleasedLoss, Yolov2Loss
from methods.two_stream_yolo.config import TwoStreamYoloConfig, configs
from methods.two_stream_yolo.method import TwoStreamYolo
from methods.two_stream_yolo.training import OneOfEveryVideo


def test_each_stage_starts_from_the_one_before(small: TwoStreamYoloConfig, tmp_path: Path) -> None:
    method, checkpoints = TwoStreamYolo(small, INFO), dict[str, Path]()
    assert list(method.training_config()) == ["flow", "recognition", "detector"]
    for name in ("flow", "recognition"):
        job = method.training_stage(name, training_data(), 0, checkpoints)
        train(job, tmp_path / name, 0, Compute("cpu"))
        checkpoints[name] = tmp_path / name / "checkpoint.pt"
    begun = method.training_stage("detector", training_data(), 0, checkpoints).prepare(tmp_path).state_dict()
    fitted, seen = (torch.load(checkpoints[name], weights_only=True) for name in ("flow", "recognition"))
    for name, value in fitted.items():
        assert torch.equal(begun[name.replace("module.", "flow.")], value), name
        assert torch.equal(seen[name.replace("module.", "flow.")], value), name
    streams = [name for name in seen if name.startswith(("rgb.", "motion."))]
    assert len(streams) > 200
    assert all(torch.equal(begun[name], seen[name]) for name in streams)


def test_a_checkpoint_of_another_config_is_refused(small: TwoStreamYoloConfig, tmp_path: Path) -> None:
    train(stage(small), tmp_path, 0, Compute("cpu"))
    with pytest.raises(ValueError, match=r"checkpoint\.pt does not fit.*another config"):
        TwoStreamYolo(small, INFO).load({"detector": tmp_path / "checkpoint.pt"}, "cpu")


def test_truth_lies_where_the_picture_is(small: TwoStreamYoloConfig) -> None:
    job = stage(plain(small, batch=5))
    job.prepare(Path())
    batch = job.batch(0)
    known = [(1, 2, 21, 30), (40, 8, 60, 40), (10, 10, 30, 40)]
    for boxes, labels in zip(batch["boxes"], batch["labels"]):
        assert labels.sum(dim=1).tolist() == [1.0] * len(boxes)
        assert all(any(np.allclose(box, one) for one in known) for box in boxes.tolist())
    assert sum(len(boxes) for boxes in batch["boxes"]) == 6


def test_a_mirrored_example_has_mirrored_box_label_and_flow(small: TwoStreamYoloConfig) -> None:
    config = plain(replace(small, model=replace(small.model, flow="dis")), flow_rate=0.0)
    config = replace(config, augmentation=replace(config.augmentation, flip=True))
    job = stage(config, inside=False)
    job.prepare(Path())
    mirrored = 0
    for step in range(6):
        batch = job.batch(step)
        for i, boxes in enumerate(batch["boxes"]):
            position = step * 2 + i
            video, frame, truth, labels = job.examples.pick(position, np.random.default_rng(0))
            stored, bound = job.data.footage[video].flow_THW2
            flow = torch.from_numpy(stored[frame].astype(np.float32) * bound / 127).permute(2, 0, 1)
            picture = torch.from_numpy(job.data.footage[video].clip([frame])[0].copy()).permute(2, 0, 1)
            flip = not torch.equal(batch["inputs"]["frames"][i, 0], picture)
            if flip:
                mirrored += 1
                picture, flow = picture.flip(2), flow.flip(2) * torch.tensor([-1.0, 1.0]).view(2, 1, 1)
                assert INFO.flipped_labels is not None
                truth = np.stack([64 - truth[:, 2], truth[:, 1], 64 - truth[:, 0], truth[:, 3]], axis=1)
                labels = np.asarray(INFO.flipped_labels)[labels]
            assert torch.equal(batch["inputs"]["frames"][i, 0], picture)
            torch.testing.assert_close(batch["inputs"]["flow"][i], flow)
            assert sorted(map(tuple, boxes.tolist())) == sorted(map(tuple, truth.tolist()))
            assert sorted(batch["labels"][i].argmax(dim=1).tolist()) == sorted(labels.tolist())
    assert 0 < mirrored < 12


def test_an_epoch_has_one_frame_of_every_video() -> None:
    examples, drawn = OneOfEveryVideo(toy_truth(), INFO, 0), set()
    assert len(examples) == 2
    for epoch in range(20):
        pair = [examples.pick(2 * epoch + i, np.random.default_rng(0))[:2] for i in (0, 1)]
        assert len({video for video, _ in pair}) == 2
        drawn |= set(pair)
    assert len(drawn) == 3 + 2


def test_the_papers_optimiser_and_rates() -> None:
    paper = configs("ucf24", "full")["default"]
    assert (paper.training.batch, paper.model.frame_size) == (32, (320, 320))
    small = narrow.two_stream_yolo()
    job = stage(replace(small, training=replace(paper.training, batch=2, steps=2)))
    streams, flow = job.optimiser(job.prepare(Path())).param_groups
    assert (streams["weight_decay"], flow["weight_decay"]) == (0, 0)  # AdamW without decay is Adam
    assert streams["betas"] == (0.9, 0.999)
    assert len(flow["params"]) == 1
    assert job.learning_rate(1) == 5e-5
    assert job.learning_rate(1) * flow["lr_scale"] == pytest.approx(1e-7)
    assert paper.recognition.optimiser == "sgd"
    assert paper.recognition.learning_rate == 8e-4


@pytest.mark.parametrize(("row", "tuned"), [("tuned-flownet2-kinetics", True), ("flownet2-kinetics", False)])
def test_the_flow_network_learns_where_it_is_tuned(
    small: TwoStreamYoloConfig, row: str, tuned: bool, tmp_path: Path
) -> None:
    rate = configs("ucf24-mini", "tiny")[row].training.flow_rate
    job = stage(replace(small, training=replace(small.training, flow_rate=rate, flow_released=0.0)))
    train(job, tmp_path, 0, Compute("cpu"))
    moved = abs(torch.load(tmp_path / "checkpoint.pt", weights_only=True)["flow.share"].item() - 0.1)
    assert moved > 1e-4 if tuned else moved < 1e-7  # three steps


def test_a_batch_is_learnt_by_heart(small: TwoStreamYoloConfig) -> None:
    job = stage(plain(small, batch=4, flow_rate=0.0))
    module = job.prepare(Path())
    optimiser, batch = job.optimiser(module), job.batch(0) | {"prior": False}
    losses = []
    for _ in range(40):
        loss = torch.stack(list(job.losses(module, batch).values())).sum()
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < 0.1 * losses[0]


def test_either_loss_is_asked_for(small: TwoStreamYoloConfig) -> None:
    job = stage(replace(small, training=replace(small.training, released_loss=True)))
    job.prepare(Path())
    assert job.loss == ReleasedLoss(1 / 16)
    assert isinstance(stage(small).loss, Yolov2Loss)
