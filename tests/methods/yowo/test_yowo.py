"""YOWO as a method: batches, training, prediction, postprocessing, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.records import Detections
from bench.testing import INFO, noise, training_data
from bench.testing import footage as made
from bench.training import Compute, train
from methods.common.batches import stack
from methods.common.crops import recoloured
from methods.common.windows import taken, window_around
from methods.nn.anchors import clustered, overlap
from methods.yowo.clips import clip_frames, inputs
from methods.yowo.config import YowoConfig, configs
from methods.yowo.method import Yowo
from methods.yowo.network import YowoNetwork
from methods.yowo.postprocess import detections_and_tubes, suppressed


def trained(config: YowoConfig, folder: Path) -> Yowo:
    method = Yowo(config, INFO)
    stage = method.training_stage("detector", training_data(), 0, {})
    train(stage, folder, 0, Compute("cpu"))
    method.load({"detector": folder / "checkpoint.pt"}, "cpu")
    return method


def test_the_clip_ends_with_the_key_frame(small: YowoConfig) -> None:
    assert clip_frames(9, small.model).tolist() == [3, 5, 7, 9]
    assert clip_frames(1, small.model).tolist() == [0, 0, 0, 1]


def test_differences_show_what_moves(small: YowoConfig) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3), np.uint8)
    plain = inputs(rgb, replace(small.model, clip_input="rgb"))["clip"]
    steps = inputs(rgb, replace(small.model, clip_input="differences"))["clip"]
    assert steps.shape == plain.shape
    assert torch.equal(steps[:, 1:], plain[:, 1:] - plain[:, :-1])
    assert torch.equal(steps[:, 0], steps[:, 1])
    still = inputs(np.repeat(rgb[:1], 4, axis=0), replace(small.model, clip_input="differences"))
    assert not still["clip"].any()
    assert torch.equal(still["key"], inputs(rgb[:1], small.model)["key"])


def test_the_untrained_head_says_the_first_objectness(small: YowoConfig) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3), np.uint8)
    said = {}
    for first in (0.02, 0.5):
        torch.manual_seed(0)
        network = YowoNetwork(replace(small.model, first_objectness=first), 3).eval()
        with torch.no_grad():
            said[first] = network.regions(stack([inputs(rgb, small.model)])).objectness_BAHW
    assert said[0.02].max() < 0.1
    assert (said[0.5] - 0.5).abs().max() > 1e-3  # as it comes: the layers' own start is left alone
    assert said[0.5].mean() == pytest.approx(0.5, abs=0.1)


def test_no_future_frame_is_seen(small: YowoConfig, tmp_path: Path) -> None:
    method = trained(small, tmp_path)
    footage, changed = noise(0), noise(0).rgb_THW3.copy()
    changed[4:] = 0
    other = made(changed)
    first, again = method.predict(footage, range(4)), method.predict(other, range(4))
    assert np.array_equal(first.boxes_N4, again.boxes_N4)
    assert np.array_equal(first.score, again.score)
    assert not np.array_equal(method.predict(footage, [4]).score, method.predict(other, [4]).score)


def test_it_trains_and_predicts(small: YowoConfig, tmp_path: Path) -> None:
    method = trained(small, tmp_path)
    found = method.predict(noise(0, annotation=(320, 240)), range(6))
    assert set(found.frame.tolist()) == set(range(6))
    assert found.objectness is not None
    assert found.boxes_N4.min() >= 0
    assert found.boxes_N4[:, 2].max() <= 320
    per_frame = [len(np.unique(found.box[found.frame == f])) for f in range(6)]
    assert max(per_frame) <= small.boxes_per_frame
    _, scores_NC = found.dense(3)
    assert np.allclose(scores_NC.sum(axis=1), 1, atol=1e-5)  # a softmax, no class left out
    detections, tubes = method.postprocess(found, 6, small, INFO)
    assert len(detections)
    assert len(tubes.videos) == 1
    part = method.predict(noise(0, annotation=(320, 240)), [3])
    np.testing.assert_allclose(part.score, found.score[found.frame == 3], rtol=1e-4, atol=1e-6)
    assert len(method.predict(noise(0), [])) == 0


def test_several_labels_are_sigmoids(small: YowoConfig, tmp_path: Path) -> None:
    method = Yowo(small, replace(INFO, multi_label=True))
    stage = method.training_stage("detector", training_data(), 0, {})
    train(stage, tmp_path, 0, Compute("cpu"))
    method.load({"detector": tmp_path / "checkpoint.pt"}, "cpu")
    _, scores_NC = method.predict(noise(0), range(3)).dense(3)
    assert scores_NC.sum(axis=1).std() > 1e-4


def test_anchors_are_clustered_from_the_training_boxes(small: YowoConfig, tmp_path: Path) -> None:
    method = Yowo(small, INFO)
    network = method.training_stage("detector", training_data(), 0, {}).prepare(tmp_path)
    anchors = network.anchors_A2.numpy()  # type: ignore[union-attr]
    truth = training_data().truth.boxes.boxes_N4
    sizes = np.unique(truth[:, 2:] - truth[:, :2], axis=0) / 16  # a cell
    assert overlap(sizes, anchors.astype(np.float64)).max(axis=1).min() > 0.9


def test_clusters_of_two_shapes_are_found() -> None:
    rng = np.random.default_rng(0)
    sizes = np.concatenate([rng.normal((2, 6), 0.1, (80, 2)), rng.normal((9, 3), 0.1, (50, 2))])
    anchors = clustered(sizes, 2)
    np.testing.assert_allclose(anchors, [[2, 6], [9, 3]], atol=0.1)
    assert np.array_equal(anchors, clustered(sizes, 2))
    with pytest.raises(ValueError, match="5 anchors cannot be clustered from 3 boxes"):
        clustered(sizes[:3], 5)


def test_the_detector_begins_with_what_crops_taught(small: YowoConfig, tmp_path: Path) -> None:
    method = Yowo(small, INFO)
    assert list(method.training_config()) == ["crops", "detector"]
    assert method.facts()["pretraining"] == "crops of the training videos"
    stage = method.training_stage("crops", training_data(), 0, {})
    batch = stage.batch(0)
    assert batch["inputs"]["clip"].shape == (3, 3, 4, 32, 32)
    assert torch.equal(batch["label"].sum(dim=1), torch.ones(3))
    again = method.training_stage("crops", training_data(), 0, {}).batch(0)
    assert torch.equal(batch["inputs"]["clip"], again["inputs"]["clip"])
    train(stage, tmp_path, 0, Compute("cpu"))
    learnt = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    detector = method.training_stage("detector", training_data(), 0, {"crops": tmp_path / "checkpoint.pt"})
    begun = detector.prepare(tmp_path).state_dict()
    for name, value in learnt.items():
        if name.startswith("trunk."):
            assert torch.equal(begun[name.replace("trunk.", "backbone_3d.")], value), name
    wider = Yowo(replace(small, model=replace(small.model, width_3d=0.25)), INFO)
    with pytest.raises(ValueError, match=r"checkpoint\.pt does not fit.*another config"):
        wider.started_network(tmp_path / "checkpoint.pt")


def test_crops_lie_around_the_person(small: YowoConfig) -> None:
    """A box's middle is the crop's, within the shift, and the frame's edge repeats beyond it."""
    rng = np.random.default_rng(0)
    frames = np.arange(48 * 64, dtype=np.int64).reshape(1, 48, 64, 1)
    for _ in range(20):
        x, y, w, h = window_around(np.array([10.0, 20.0, 20.0, 40.0]), 32, 5, rng)
        assert (w, h) == (32, 32)
        assert abs(x + 16 - 15) <= 5
        assert abs(y + 16 - 30) <= 5
    part = taken(frames, (-2, 40, 32, 32))[0, :, :, 0]
    assert part.shape == (32, 32)
    assert (part[:, 0] == part[:, 2]).all()
    assert (part[7:] == part[7]).all()
    assert part[0, 2] == frames[0, 40, 0, 0]


def test_a_crop_may_be_a_negative(small: YowoConfig) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (4, 48, 64, 3), np.uint8)
    part = frames[:, 4:36, 8:40]
    plain = (0.0, 1.0, 1.0)
    seen = [recoloured(frames, (8, 4, 32, 32), plain, np.random.default_rng(seed)) for seed in range(16)]
    same = [np.array_equal(one, part) for one in seen]
    assert 0 < sum(same) < 16
    assert all(alike or np.array_equal(one, 255 - part) for one, alike in zip(seen, same))


def test_full_size_has_no_stage_of_crops() -> None:
    for dataset in ("ucf24", "jhmdb", "ava"):
        method = Yowo(configs(dataset, "full")["default"], INFO)
        assert list(method.training_config()) == ["detector"]
        assert method.facts()["pretraining"] == "none"
    assert list(Yowo(configs("ucf24", "tiny")["2d"], INFO).training_config()) == ["detector"]


def rows(**columns: Any) -> Detections:
    count = len(columns["box"])
    return Detections(
        videos=("v",), video=np.zeros(count), frame=columns.pop("frame", np.zeros(count)),
        boxes_N4=np.array(columns.pop("at"), np.float32), **columns,
    )  # fmt: skip


def test_suppression_goes_by_objectness_over_all_classes(small: YowoConfig) -> None:
    found = rows(
        box=[0, 0, 1, 2],
        at=[[0, 0, 10, 10], [0, 0, 10, 10], [0, 0, 10, 9], [50, 0, 60, 10]],
        label=[0, 1, 2, 0],
        score=[0.3, 0.6, 0.99, 0.004],
        objectness=[0.9, 0.9, 0.8, 0.9],
    )
    kept = suppressed(found, small.postprocess)
    assert kept.box.tolist() == [0, 0]  # box 1 overlaps a box with more objectness; box 2 is below the floor
    detections, _ = detections_and_tubes(found, 1, small.postprocess)
    np.testing.assert_allclose(detections.score, [0.54, 0.27], rtol=1e-6)
    assert detections.label.tolist() == [1, 0]


def test_predictions_of_another_method_are_refused(small: YowoConfig) -> None:
    found = rows(box=[0], at=[[0, 0, 1, 1]], label=[0], score=[0.5])
    with pytest.raises(ValueError, match="objectness"):
        suppressed(found, small.postprocess)


def test_what_cannot_work_is_refused_before_training(small: YowoConfig, tmp_path: Path) -> None:
    def method(**model: Any) -> Yowo:
        return Yowo(replace(small, model=replace(small.model, **model)), INFO)

    with pytest.raises(ValueError, match=r"model\.frame_size is 100x96: both must be multiples of 16"):
        method(frame_size=(100, 96))
    with pytest.raises(ValueError, match=r"model\.pools_2d makes cells of 32 pixels"):
        method(frame_size=(64, 64), pools_2d=(True,) * 5)
    with pytest.raises(ValueError, match=r"model\.branches"):
        method(branches=("4d",))
    with pytest.raises(ValueError, match=r"model\.pretrained_3d: no file .*none\.pth"):
        method(pretrained_3d=str(tmp_path / "none.pth")).check()
    (tmp_path / "kinetics.pth").touch()
    with pytest.raises(ValueError, match=r"a ResNeXt: --set model\.kind_3d=resnext"):
        method(pretrained_3d=str(tmp_path / "kinetics.pth")).check()
    with pytest.raises(ValueError, match=r"model\.frozen keeps the branches"):
        Yowo(configs("jhmdb", "full")["default"], INFO).check()
    with pytest.raises(ValueError, match="load the checkpoints"):
        method().predict(noise(0), [0])


def test_a_checkpoint_of_another_config_is_refused(small: YowoConfig, tmp_path: Path) -> None:
    trained(small, tmp_path)
    other = Yowo(replace(small, model=replace(small.model, branches=("2d",))), INFO)
    with pytest.raises(ValueError, match=r"checkpoint\.pt does not fit.*another config"):
        other.load({"detector": tmp_path / "checkpoint.pt"}, "cpu")


def test_the_learning_rate_of_the_program(small: YowoConfig) -> None:
    full = configs("ucf24", "full")["default"]
    stage = Yowo(replace(small, training=full.training), INFO).training_stage(
        "detector", training_data(), 0, {}
    )
    rates = [stage.learning_rate(step) for step in (0, 29_999, 30_000, 40_000, 59_999)]
    assert rates == pytest.approx([1e-4, 1e-4, 5e-5, 2.5e-5, 1.25e-5])


def test_batches_are_a_function_of_seed_and_step(small: YowoConfig) -> None:
    config = replace(small, training=replace(small.training, colour=(0.1, 1.5, 1.5), jitter=0.2))
    stages = [Yowo(config, INFO).training_stage("detector", training_data(), seed, {}) for seed in (0, 0, 1)]
    one, same, other = (stage.batch(3)["inputs"]["clip"] for stage in stages)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    key = stages[0].batch(3)["inputs"]["key"]
    assert key.min() >= 0
    assert key.max() <= 1
