"""RFB-Flow as a method: training, prediction, streaming, postprocessing, what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import narrow
import numpy as np
import pytest
import torch
from rfb_examples import Difference

from bench.records import Array, Detections
from bench.testing import INFO, close_rows, noise, training_data
from bench.training import Compute, train
from methods.base import Info
from methods.common.keyframes import KeyFrames
from methods.rfb_flow.clips import crop_fields, fields
from methods.rfb_flow.config import RfbFlowConfig, configs
from methods.rfb_flow.method import RfbFlow
from methods.rfb_flow.network import RfbFlowNetwork
from methods.rfb_flow.postprocess import detections_and_tubes, suppressed
from methods.rfb_flow.predict import Predictor
from methods.rfb_flow.sampling import stepped
from methods.rfb_flow.training import DetectorStage, parameter_groups


def stage(config: RfbFlowConfig, info: Info = INFO, flow: bool = True, seed: int = 0) -> DetectorStage:
    """The detector's stage with :class:`Difference` as its flow network."""
    outputs = len(info.classes) + (not info.multi_label)
    network = RfbFlowNetwork(config.model, outputs, Difference() if flow else None)
    return DetectorStage(config, info, training_data(config.model.frame_size), seed, lambda: network)


def predictor(config: RfbFlowConfig, info: Info = INFO) -> Predictor:
    torch.manual_seed(0)
    outputs = len(info.classes) + (not info.multi_label)
    return Predictor(config, info, RfbFlowNetwork(config.model, outputs, Difference()))


def test_all_stages_train_and_their_checkpoints_predict(small: RfbFlowConfig, tmp_path: Path) -> None:
    method, checkpoints = RfbFlow(small, INFO), {}
    assert list(method.training_config()) == ["flow", "crops", "detector"]
    for name in method.training_config():
        job = method.training_stage(name, training_data(), 0, checkpoints)
        train(job, tmp_path / name, 0, Compute("cpu"))
        checkpoints[name] = tmp_path / name / "checkpoint.pt"
    begun = method.training_stage("detector", training_data(), 0, checkpoints).prepare(tmp_path)
    fitted = torch.load(checkpoints["flow"], weights_only=True)
    assert all(torch.equal(t, fitted[f"module.{n}"]) for n, t in begun.flow.state_dict().items())  # type: ignore[union-attr]
    method.load(checkpoints, "cpu")
    found = method.predict(noise(0, annotation=(320, 240)), range(6))
    assert set(found.frame.tolist()) == set(range(6))
    assert found.boxes_N4[:, 2].max() <= 320
    other = RfbFlow(narrow.rfb_flow(fusion="stfp"), INFO)
    with pytest.raises(ValueError, match=r"checkpoint\.pt does not fit.*another config"):
        other.load(checkpoints, "cpu")


def test_the_detector_begins_with_what_crops_taught(small: RfbFlowConfig, tmp_path: Path) -> None:
    method = RfbFlow(replace(small, model=replace(small.model, flow="dis", flow_pairs="two")), INFO)
    assert method.facts()["pretraining"] == "crops of the training videos"
    job = method.training_stage("crops", training_data(), 0, {})
    batch = job.batch(0)
    assert batch["inputs"]["frames"].shape == (2, 1, 3, 32, 32)
    assert batch["inputs"]["flow"].shape == (2, 4, 32, 32)
    assert torch.equal(batch["label"].sum(dim=1), torch.ones(2))
    train(job, tmp_path, 0, Compute("cpu"))
    path = tmp_path / "checkpoint.pt"
    begun = method.training_stage("detector", training_data(), 0, {"crops": path}).prepare(tmp_path)
    started = job.prepare(tmp_path).state_dict()
    learnt = torch.load(path, weights_only=True)
    for name, value in begun.state_dict().items():
        assert torch.equal(value, learnt[f"network.{name}"]), name
    assert not torch.equal(learnt["network.base.0.weight"], started["network.base.0.weight"])
    other = RfbFlow(narrow.rfb_flow(flow="dis", flow_pairs="two", fusion="stfp"), INFO)
    with pytest.raises(ValueError, match=r"checkpoint\.pt does not fit.*another config"):
        other.training_stage("detector", training_data(), 0, {"crops": path}).prepare(tmp_path)


def test_flow_of_a_crop_is_that_of_the_frame() -> None:
    seen, window = noise(0), (-2, 5, 32, 32)
    whole, crop = fields(seen, 2), crop_fields(seen, 2, window, mirror=False)
    assert crop.shape == (4, 32, 32)
    assert torch.equal(crop[:, :, 2:], whole[:, 5:37, :30])
    assert torch.equal(crop[:, :, 0], crop[:, :, 2])
    mirrored = crop_fields(seen, 2, window, mirror=True).flip(2)
    assert torch.equal(mirrored, crop * torch.tensor([-1, 1, -1, 1]).view(4, 1, 1))


def test_the_flow_network_learns_after_its_share_of_the_steps(small: RfbFlowConfig) -> None:
    job = stage(replace(small, training=replace(small.training, steps=10, flow_released=0.5)))
    module = job.prepare(Path())
    module.flow.share.requires_grad_(True)  # type: ignore[union-attr]
    learnt = []
    for step in (0, 4, 5, 9):
        module.zero_grad()
        sum(job.losses(module, job.batch(step)).values()).backward()  # type: ignore[union-attr]
        learnt.append(module.flow.share.grad is not None)  # type: ignore[union-attr]
    assert learnt == [False, False, True, True]


def test_rates_of_weights_biases_and_flow(small: RfbFlowConfig) -> None:
    full = configs("ucf24", "full")["default"]
    job = stage(replace(small, training=full.training))
    rates = [job.learning_rate(step) for step in (0, 29_999, 30_000, 60_000, 149_999)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5, 1e-6])
    weight, bias, flow = parameter_groups(job.prepare(Path()), full.training)
    names = [name for name, _ in job.prepare(Path()).named_parameters()]
    assert len(bias["params"]) == sum(name.endswith(".bias") for name in names)
    assert len(weight["params"]) == len(names) - len(bias["params"]) - 1
    assert (bias["lr_scale"], bias["weight_decay"]) == (2.0, 0.0)
    assert flow["lr_scale"] == pytest.approx(0.1)
    assert len(flow["params"]) == 1


def test_batches_are_a_function_of_seed_and_step(small: RfbFlowConfig) -> None:
    config = replace(small, training=replace(small.training, colour=True, windows="crop"))
    one, again, other = (stage(config, seed=seed) for seed in (0, 0, 1))
    for job in (one, again, other):
        job.prepare(Path())
    first, same, differs = (job.batch(3)["inputs"]["frames"] for job in (one, again, other))
    assert first.shape == (2, 4, 3, 48, 64)
    assert torch.equal(first, same)
    assert not torch.equal(first, differs)


def plain(config: RfbFlowConfig, **training: Any) -> RfbFlowConfig:
    """Without augmentation."""
    none = {"flip": False, "zoom": (1.0, 1.0), "background": 0.0}
    return replace(config, training=replace(config.training, **none | training))


def test_truth_lies_where_the_picture_is(small: RfbFlowConfig) -> None:
    job = stage(plain(small, batch=4))
    job.prepare(Path())
    batch = job.batch(0)
    for boxes, labels in zip(batch["boxes"], batch["labels"]):
        assert labels.sum(dim=1).tolist() == [1.0] * len(boxes)
        known = [(1, 2, 21, 30), (40, 8, 60, 40), (10, 10, 30, 40)]
        for box in (boxes * torch.tensor([64, 48, 64, 48])).tolist():
            assert any(np.allclose(box, one, atol=1e-3) for one in known)


def test_flow_computed_before_is_read(small: RfbFlowConfig) -> None:
    config = plain(replace(small, model=replace(small.model, flow="dis", flow_pairs="two")))
    need = RfbFlow(config, INFO).flow
    assert need is not None
    assert (need.source, need.size) == ("dis", (64, 48))
    job = stage(config, flow=False)
    module = job.prepare(Path())
    inputs = job.batch(0)["inputs"]
    assert inputs["frames"].shape == (2, 1, 3, 48, 64)
    assert inputs["flow"].shape == (2, 4, 48, 64)
    made = Predictor(config, INFO, module)  # type: ignore[arg-type]
    seen = noise(0)
    flow = made.flow(seen, [0, 3, 5], {}).numpy()
    stored, bound = seen.flow_THW2
    expected = stored.astype(np.float32).transpose(0, 3, 1, 2) * bound / 127
    for place, pair in enumerate(((0, 0), (2, 3), (4, 5))):
        np.testing.assert_allclose(flow[place], np.concatenate(expected[list(pair)]), atol=1e-4)


@pytest.mark.parametrize("pairs", ["two", "past"])
def test_flow_between_two_frames_is_estimated_once(pairs: str) -> None:
    made = predictor(narrow.rfb_flow(flow_pairs=pairs))
    made.predict(noise(0), range(6))
    assert isinstance(made.network.flow, Difference)
    assert made.network.flow.pairs == 7  # two: five neighbours, and either end with itself
    method, seen = RfbFlow(made.config, INFO), noise(1)
    method.predictor = made
    stream = method.stream(seen.name, seen.annotation_size)
    made.network.flow.pairs = 0
    for frame in seen.rgb_THW3:
        stream.push(frame)
    assert made.network.flow.pairs == 6
    made.network.flow.pairs = 0
    predict = method.in_order(seen)
    parts = Detections.concat([predict([frame]) for frame in range(6)])
    assert made.network.flow.pairs == 7
    close_rows(parts, made.predict(seen, range(6)))


def test_one_frame_of_look_ahead_is_seen_and_no_more(small: RfbFlowConfig) -> None:
    made = predictor(small)
    changed = noise(0).rgb_THW3.copy()
    changed[4:] = 0
    from bench.testing import footage

    one, other = (made.predict(seen, range(4)) for seen in (noise(0), footage(changed)))
    for frame in range(4):
        same = np.array_equal(one.score[one.frame == frame], other.score[other.frame == frame])
        assert same == (frame < 3)


def test_a_box_has_all_its_classes(small: RfbFlowConfig) -> None:
    found = predictor(small).predict(noise(0), range(2))
    boxes, scores_NC = found.dense(3)
    assert (scores_NC > 0).all()
    for frame in range(2):
        assert 8 <= (boxes.frame == frame).sum() <= 3 * 8  # the best eight of each class


def test_boxes_of_a_film_have_numbers_of_their_own(small: RfbFlowConfig) -> None:
    made, frames = predictor(small), [200_000, 200_001]
    boxes, scores = torch.rand(2, 11_620, 4), torch.rand(2, 11_620, 3)
    found = made._rows(noise(0), frames, boxes, scores)
    assert found.box.min() > 0
    assert len(np.unique(found.box)) == len(np.unique(found.boxes_N4, axis=0)) > 40
    alone = made._rows(noise(0), frames[1:], boxes[1:], scores[1:])
    assert np.array_equal(alone.box, found.box[found.frame == 200_001])


def test_several_labels_are_sigmoids(small: RfbFlowConfig, tmp_path: Path) -> None:
    info = replace(INFO, multi_label=True)
    job = stage(small, info)
    train(job, tmp_path, 0, Compute("cpu"))
    found = predictor(small, info).predict(noise(0), range(2))
    _, scores_NC = found.dense(3)
    assert scores_NC.sum(axis=1).max() > 1


def test_classes_are_made_equally_frequent() -> None:
    keys = KeyFrames.of(training_data().truth)
    assert list(zip(keys.video, keys.frame)) == [(0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]
    label = [int(keys.labels[keys.bounds[3 * v]]) for v in (0, 1)]
    steps = [1.0] * 3
    steps[label[0]], steps[label[1]] = 2.0, 0.5
    found = stepped(keys, steps)
    assert list(zip(found.video, found.frame)) == [(0, 1), (0, 3), (1, 0), (1, 0), (1, 1), (1, 1)]
    for index, (video, frame) in enumerate(zip(found.video, found.frame)):
        before = np.flatnonzero((keys.video == video) & (keys.frame == frame))[0]
        for one, other in zip(found.truth_at(index), keys.truth_at(int(before))):
            assert np.array_equal(one, other)
    with pytest.raises(ValueError, match=r"training\.frame_steps has 1 numbers"):
        stepped(keys, [1.0])


def rows(at: Array, score: Array, label: Array) -> Detections:
    count = len(score)
    return Detections(("v",), np.zeros(count), np.zeros(count), np.arange(count), at, label, score)


def test_suppression_is_of_each_class(small: RfbFlowConfig) -> None:
    at = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 10], [50, 0, 60, 10]], np.float32)
    found = rows(at, np.array([0.5, 0.9, 0.3, 0.005]), np.array([0, 0, 1, 0]))
    kept = suppressed(found, small.postprocess)
    assert kept.box.tolist() == [1, 2]
    none = replace(small.postprocess, nms=0.95)
    assert suppressed(found, none).box.tolist() == [1, 0, 2]
    assert suppressed(found, replace(none, candidates=1)).box.tolist() == [1, 2]


def test_tubes_are_linked_below_the_floor_of_frames(small: RfbFlowConfig) -> None:
    frames = np.arange(12)
    boxes = np.tile(np.array([[10, 10, 40, 60]], np.float32), (12, 1))
    weak = Detections(("v",), frames * 0, frames, frames, boxes, frames * 0, np.full(12, 0.005))
    detections, tubes = detections_and_tubes(weak, 12, small.postprocess)
    assert len(detections) == 0
    assert tubes.frame.tolist() == list(range(12))


REFUSED: Mapping[str, tuple[dict[str, Any], str]] = {
    "frame": ({"frame_size": (8, 48)}, r"a frame of 8x48 has no 3 maps: .*--set model\.frame_size"),
    "pairs": ({"flow": "brox"}, r"model\.flow=brox is computed before.*flow_pairs=two"),
    "weights": (
        {"flow": "dis", "flow_pairs": "two", "flow_weights": "w.pth"},
        r"model\.flow_weights does nothing: dis is computed before",
    ),
    "colours": ({"flow_rgb": True}, r"model\.flow_rgb does nothing: model\.flow=tiny"),
    "separate": ({"fusion": "none", "separate_fusion": True}, r"model\.separate_fusion does nothing"),
    "priors": ({"priors": ()}, r"model\.priors has 0 levels"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_is_refused(name: str) -> None:
    model, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        RfbFlow(narrow.rfb_flow(**model), INFO)


def test_crops_too_small_for_every_map_are_refused() -> None:
    full = configs("ucf24", "full")["default"]
    crops = replace(full.crops, steps=500)
    with pytest.raises(ValueError, match=r"a frame of 48x48 has no 6 maps: .*--set crops\.side"):
        RfbFlow(replace(full, crops=crops), INFO)
    RfbFlow(replace(full, crops=replace(crops, side=300)), INFO)


def test_missing_weights_are_refused_before_training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BENCH_PWC_NET_WEIGHTS", raising=False)
    whole = configs("ucf24", "full")["default"]
    with pytest.raises(ValueError, match=r"--set model\.pretrained=FILE .*`bench weights rfb-flow`.*=none"):
        RfbFlow(whole, INFO).check()
    scratch = replace(whole, model=replace(whole.model, pretrained=None))
    with pytest.raises(ValueError, match=r"PWC_NET_WEIGHTS.*model\.flow_weights=FILE.*--variant tiny"):
        RfbFlow(scratch, INFO).check()
    (tmp_path / "all.pth").write_bytes(b"")
    published = replace(whole, model=replace(whole.model, published=str(tmp_path / "all.pth")))
    RfbFlow(published, INFO).check()  # VGG16 and the flow network are in it
    assert all(config.model.pretrained is None for config in configs("ucf24", "tiny").values())
    with pytest.raises(ValueError, match=r"model\.pretrained: no file .*none\.pth"):
        RfbFlow(narrow.rfb_flow(pretrained=str(tmp_path / "none.pth")), INFO).check()
    with pytest.raises(ValueError, match="load the checkpoints"):
        RfbFlow(narrow.rfb_flow(), INFO).predict(noise(0), [0])


@pytest.mark.parametrize("row", configs("ucf24-mini", "tiny"))
def test_every_row_has_a_network(row: str) -> None:
    config = configs("ucf24-mini", "tiny")[row]
    with torch.device("meta"):
        network = RfbFlow(config, INFO).network()
    assert len(network.loc) == len(config.model.priors)
    assert (network.flow is None) == (row in ("brox", "dis"))


def test_ava_has_a_sigmoid_for_each_of_its_classes() -> None:
    info = Info(tuple(f"class {n}" for n in range(60)), multi_label=True)
    with torch.device("meta"):
        network = RfbFlow(configs("ava", "full")["default"], info).network()
    assert network.conf[0].out_channels == 6 * 60


def test_the_rows_of_the_paper() -> None:
    found = configs("ucf24", "full")
    flows = {row: found[row].model.flow for row in ("default", "flownet2", "flownet2-s", "brox")}
    assert flows == {"default": "pwc-net", "flownet2": "flownet2", "flownet2-s": "flownet2-s", "brox": "brox"}
    fusions = [found[row].model.fusion for row in ("default", "m-sum", "m-average", "stfp", "no-fusion")]
    assert fusions == ["concat", "sum", "average", "stfp", "none"]
    assert found["m-concat"] == found["default"]
    assert len(found["single-scale"].model.priors) == 1
    keys = [RfbFlow(config, INFO).training_config() for config in configs("ucf24-mini", "tiny").values()]
    fitted = [key["flow"] for key in keys if "flow" in key]
    assert len(fitted) > 8
    assert all(one == fitted[0] for one in fitted)  # one flow network for all rows
