"""Which stream helps which, at what stage, with which proposals, parameters and losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from methods.pcsc.config import ModelConfig, TrainingConfig
from methods.pcsc.network import PcscNetwork, assisted, last_heads, other
from methods.pcsc.regions import StageBoxes, Target, sample
from methods.pcsc.streams import IN_CHANNELS


def changed(module: nn.Module) -> None:
    """Other weights for a part of a network."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 + torch.rand(parameter.shape))


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_rgb_is_assisted_at_odd_stages_and_flow_at_even_ones() -> None:
    assert [assisted(stage) for stage in (1, 2, 3, 4)] == ["rgb", "flow", "rgb", "flow"]
    assert [other(assisted(stage)) for stage in (1, 2)] == ["flow", "rgb"]


def test_actionness_reads_the_last_head_of_each_stream() -> None:
    assert last_heads(ModelConfig()) == [(3, "rgb"), (4, "flow")]
    assert last_heads(ModelConfig(stages=1)) == [(1, "rgb"), (0, "flow")]
    assert last_heads(ModelConfig(stages=0, streams=("flow",))) == [(0, "flow")]


class Asked(dict[tuple[int, str], list[Tensor]]):
    """Boxes that say which head they are from: x1 is ten times the stage, y1 is 1 for flow."""

    def __init__(self) -> None:
        heads = [(0, "rgb"), (0, "flow"), (1, "rgb"), (2, "flow"), (3, "rgb")]
        super().__init__({head: [self.box(*head)] for head in heads})

    @staticmethod
    def box(stage: int, stream: str) -> Tensor:
        x, y = 10.0 * stage, float(stream == "flow")
        return torch.tensor([[x, y, x + 5, y + 5]])


PROPOSALS = {
    1: [(0, "rgb"), (0, "flow")],
    2: [(0, "flow"), (1, "rgb")],
    3: [(1, "rgb"), (2, "flow")],
    4: [(2, "flow"), (3, "rgb")],
}
"""Figure 1: P_t = B_{t-2} of the stream itself and B_{t-1} of the other."""


@pytest.mark.parametrize("stage", PROPOSALS)
def test_proposals_are_the_last_boxes_of_both_streams(kit: Any, stage: int) -> None:
    joined = kit.network()._joined(stage, Asked(), None)
    assert same(joined, [torch.cat([Asked.box(*head) for head in PROPOSALS[stage]])])


@pytest.mark.parametrize("stage", PROPOSALS)
def test_without_proposal_cooperation_only_its_own(kit: Any, stage: int) -> None:
    joined = kit.network(proposal_cooperation=False)._joined(stage, Asked(), None)
    assert same(joined, [Asked.box(*PROPOSALS[stage][0])])


def test_the_other_streams_boxes_pass_a_lower_nms_threshold(kit: Any) -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 6]])  # IoU 0.6
    scores = [torch.tensor([0.5, 0.9])]
    handed = {(0, "rgb"): [boxes], (0, "flow"): [boxes + 20]}
    joined = kit.network()._joined(1, handed, {(0, "rgb"): scores, (0, "flow"): scores})
    assert sorted(joined[0].tolist()) == sorted([*boxes.tolist(), (boxes[1] + 20).tolist()])


def test_detection_joins_what_the_heads_handed_on(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    network = kit.network()
    asked: dict[int, list[Tensor]] = {}
    original = network._joined

    def recording(stage: int, handed: Any, scores: Any) -> list[Tensor]:
        asked[stage] = original(stage, handed, scores)
        return asked[stage]

    monkeypatch.setattr(network, "_joined", recording)
    found, _ = network.detect(kit.clips())
    by_head = [{(s.stage, s.stream): s for s in image} for image in found]
    assert [set(image) for image in by_head] == 2 * [
        {(0, "rgb"), *(h for p in PROPOSALS.values() for h in p), (4, "flow")}
    ]
    for stage, heads in PROPOSALS.items():
        for image, proposals in zip(by_head, asked[stage], strict=True):
            sources = torch.cat([image[head].best_boxes() for head in heads])
            assert len(proposals)
            assert (proposals[:, None] == sources).all(2).any(1).all()
            assert len(image[stage, assisted(stage)].scores_NC) == len(proposals)


def test_image_messages_go_from_flow_to_rgb_only(kit: Any) -> None:
    network, one, two = kit.network(), kit.clips(seed=0), kit.clips(seed=1)
    before = network.pyramids(one)
    other_rgb = network.pyramids({"rgb": two["rgb"], "flow": one["flow"]})
    other_flow = network.pyramids({"rgb": one["rgb"], "flow": two["flow"]})
    assert same(before["flow"], other_rgb["flow"])
    assert not any(torch.equal(a, b) for a, b in zip(before["rgb"], other_flow["rgb"]))
    apart = kit.network(feature_cooperation=False)
    assert same(apart.pyramids(one)["rgb"], apart.pyramids({"rgb": one["rgb"], "flow": two["flow"]})["rgb"])


def pooled(network: PcscNetwork, pyramids: Mapping[str, list[Tensor]]) -> dict[tuple[int, str], Tensor]:
    boxes = [torch.tensor([[2.0, 3.0, 40.0, 30.0]]), torch.tensor([[10.0, 3.0, 60.0, 45.0]])]
    heads = [(0, "rgb"), (0, "flow"), *((t, assisted(t)) for t in range(1, 5))]
    return {head: network.roi_features(*head, pyramids, boxes) for head in heads}


def test_roi_messages_go_to_the_assisted_stream(kit: Any) -> None:
    network = kit.network()
    one, two = network.pyramids(kit.clips(seed=0)), network.pyramids(kit.clips(seed=1))
    before = pooled(network, one)
    new_flow = pooled(network, {"rgb": one["rgb"], "flow": two["flow"]})
    unchanged = {head for head in before if torch.equal(before[head], new_flow[head])}
    assert unchanged == {(0, "rgb")}
    new_rgb = pooled(network, {"rgb": two["rgb"], "flow": one["flow"]})
    unchanged = {head for head in before if torch.equal(before[head], new_rgb[head])}
    assert unchanged == {(0, "flow")}
    apart = kit.network(feature_cooperation=False)
    before, after = pooled(apart, one), pooled(apart, {"rgb": one["rgb"], "flow": two["flow"]})
    assert {h for h in before if torch.equal(before[h], after[h])} == {(0, "rgb"), (1, "rgb"), (3, "rgb")}


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_every_stage_has_a_message_of_its_own(kit: Any, stage: int) -> None:
    network = kit.network()
    pyramids = network.pyramids(kit.clips())
    before = pooled(network, pyramids)
    changed(network.roi_messages[stage - 1])
    after = pooled(network, pyramids)
    assert [head for head in before if not torch.equal(before[head], after[head])] == [
        (stage, assisted(stage))
    ]


@pytest.mark.parametrize("head", ["2_flow", "4_flow"])
def test_later_heads_leave_earlier_stages_as_they_are(kit: Any, head: str) -> None:
    """So that all stages can be reported from one set of predictions."""
    network, clips = kit.network(), kit.clips()
    before = network.detect(clips)[0]
    changed(network.heads[head])
    after = network.detect(clips)[0]
    for a, b in zip(before[0], after[0], strict=True):
        if a.stage < int(head[0]):
            assert torch.equal(a.boxes_NK4, b.boxes_NK4)
            assert torch.equal(a.scores_NC, b.scores_NC)
        elif f"{a.stage}_{a.stream}" == head:
            assert not torch.equal(a.scores_NC, b.scores_NC)


@pytest.mark.parametrize("model", [{}, {"class_specific_boxes": True}, {"feature_cooperation": False}])
def test_every_stage_has_losses_that_reach_every_parameter(kit: Any, model: dict[str, Any]) -> None:
    network = kit.network(**model).train()
    torch.manual_seed(0)
    losses = network(kit.clips(), kit.targets())
    heads = ["stage0_rgb", "stage0_flow", "stage1_rgb", "stage2_flow", "stage3_rgb", "stage4_flow"]
    wanted = {f"{head}/{part}" for head in heads for part in ("cls", "box")}
    wanted |= {f"rpn_{s}/{part}" for s in ("rgb", "flow") for part in ("objectness", "rpn_box_reg")}
    assert set(losses) == wanted
    assert all(torch.isfinite(loss) and loss > 0 for loss in losses.values())
    sum(losses.values()).backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not without


def test_losses_of_a_stage_train_its_own_head_and_the_shared_trunk(kit: Any) -> None:
    """Boxes are handed on without gradients: a later head does not move an earlier one."""
    network = kit.network().train()
    network(kit.clips(), kit.targets())["stage3_rgb/cls"].backward()
    moved = {name.split(".")[1] for name, p in network.named_parameters()
             if name.startswith("heads") and p.grad is not None and p.grad.abs().sum() > 0}  # fmt: skip
    assert moved == {"3_rgb"}
    trunks = {name.split(".")[1] for name, p in network.named_parameters()
              if name.startswith("streams") and p.grad is not None and p.grad.abs().sum() > 0}  # fmt: skip
    assert trunks == {"rgb", "flow"}


def test_one_stream_is_a_detector_of_its_own(kit: Any) -> None:
    for stream in ("rgb", "flow"):
        alone = {"stages": 0, "feature_cooperation": False, "proposal_cooperation": False}
        network = kit.network(streams=(stream,), **alone)
        found, _ = network.detect({stream: kit.clips()[stream]})
        assert [(s.stage, s.stream) for image in found for s in image] == 2 * [(0, stream)]
        losses = network.train()({stream: kit.clips()[stream]}, kit.targets())
        assert {name.split("/")[0] for name in losses} == {f"rpn_{stream}", f"stage0_{stream}"}


def test_boxes_lie_inside_the_frame_and_scores_are_probabilities(kit: Any) -> None:
    for image in kit.network().detect(kit.clips())[0]:
        for stage in image:
            assert stage.boxes_NK4.min() >= 0
            assert (stage.boxes_NK4[..., 2].max(), stage.boxes_NK4[..., 3].max()) <= (64, 48)
            assert stage.scores_NC.min() >= 0
            assert stage.scores_NC.sum(1).max() <= 1
            assert stage.scores_NC.shape[1] == len(kit.info.classes)


def test_detection_of_an_image_does_not_depend_on_its_batch(kit: Any) -> None:
    network, clips = kit.network(), kit.clips(3)
    together = network.detect(clips)[0][1]
    alone = network.detect({name: clip[1:2] for name, clip in clips.items()})[0][0]
    for a, b in zip(together, alone, strict=True):
        torch.testing.assert_close(a.boxes_NK4, b.boxes_NK4)
        torch.testing.assert_close(a.scores_NC, b.scores_NC)


@pytest.mark.parametrize("size", [(400, 300), (160, 120), (128, 96)])
def test_anchors_lie_where_their_features_look(kit: Any, size: tuple[int, int]) -> None:
    """Level l has one cell every 2^l pixels, whether or not the frame divides by it."""
    network = kit.network(frame_size=size)
    stream, (width, height) = network.streams["rgb"], size
    clip = torch.zeros(1, 3, 4, height, width)
    grids = [m.shape[-2:] for m in network.pyramids({"rgb": clip, "flow": clip[:, :2]})["rgb"]]
    seen: list[Tensor] = []
    stream.rpn.anchor_generator.register_forward_hook(lambda module, inputs, found: seen.append(found[0]))
    stream.propose([torch.zeros(1, 16, *grid) for grid in grids], clip, None)
    first = 0
    for level, (rows, columns) in zip(network.model.levels, grids):
        per_cell = stream.rpn.anchor_generator.num_anchors_per_location()[0]
        anchors = seen[0][first : first + rows * columns * per_cell].reshape(rows, columns, per_cell, 4)
        first += rows * columns * per_cell
        step = anchors[1, 1, 0] - anchors[0, 0, 0]
        assert step.tolist() == [2**level] * 4
        assert (rows, columns) == (-(-height // 2**level), -(-width // 2**level))


def test_handing_on_takes_the_confident_boxes_and_at_least_one(kit: Any) -> None:
    network = kit.network(confident=0.3, handed_boxes=2)
    boxes = torch.arange(16.0).reshape(4, 1, 4)
    scores = torch.tensor([[0.1, 0.35, 0.0], [0.9, 0.0, 0.0], [0.0, 0.0, 0.4], [0.2, 0.1, 0.1]])
    chosen, falling = network._handed_on(StageBoxes(0, "rgb", boxes, scores))
    assert chosen.tolist() == boxes[[1, 2], 0].tolist()
    assert falling.tolist() == pytest.approx([0.9, 0.4])
    chosen, _ = network._handed_on(StageBoxes(0, "rgb", boxes, scores / 10))
    assert chosen.tolist() == boxes[[1], 0].tolist()
    nothing, _ = network._handed_on(StageBoxes(0, "rgb", boxes[:0], scores[:0]))
    assert nothing.shape == (0, 4)


def test_rows_are_the_best_pairs_of_box_and_label() -> None:
    boxes = torch.arange(24.0).reshape(2, 3, 4)
    scores = torch.tensor([[0.1, 0.6, 0.3], [0.5, 0.05, 0.2]])
    at, label, score = StageBoxes(0, "rgb", boxes, scores).rows(0.15, 3)
    assert score.tolist() == pytest.approx([0.6, 0.5, 0.3])
    assert label.tolist() == [1, 0, 2]
    assert at.tolist() == [boxes[0, 1].tolist(), boxes[1, 0].tolist(), boxes[0, 2].tolist()]
    agnostic, _, _ = StageBoxes(0, "rgb", boxes[:, :1], scores).rows(0.15, 3)
    assert agnostic.tolist() == boxes[[0, 1, 0], 0].tolist()
    none, _, _ = StageBoxes(0, "rgb", boxes[:0], scores[:0]).rows(0.15, 3)
    assert none.shape == (0, 4)


class TestSample:
    """Regions for a head: IoU > 0.5 is positive (section 3.3)."""

    target = Target(torch.tensor([[0.0, 0, 10, 10], [20, 20, 40, 40]]), torch.tensor([2, 3]))

    def test_positive_is_strictly_above_one_half(self) -> None:
        proposals = torch.tensor([[0.0, 0, 10, 5], [0, 0, 10, 5.1], [20, 20, 40, 40], [50, 50, 60, 60]])
        found = sample(proposals, self.target, 12, 0.5)
        labels = {tuple(box.tolist()): int(label) for box, label in zip(found.boxes, found.labels)}
        assert labels[0.0, 0.0, 10.0, 5.0] == 0
        assert [int(n) for n in sorted(labels.values())] == [0, 0, 2, 2, 3]
        assert len(found.boxes) == 6  # the truth boxes are among the regions, one of them twice
        for box, label, matched in zip(found.boxes, found.labels, found.matched):
            if label:
                assert matched.tolist() == self.target.boxes[int(label) - 2].tolist(), box

    def test_at_most_the_fraction_is_positive_and_negatives_fill_up(self) -> None:
        torch.manual_seed(0)
        good = torch.tensor([[0.0, 0, 10, 10]]).repeat(30, 1)
        bad = torch.tensor([[60.0, 60, 80, 80]]).repeat(30, 1)
        found = sample(torch.cat([good, bad]), self.target, 16, 0.25)
        assert (len(found.boxes), int((found.labels > 0).sum())) == (16, 4)
        few = sample(torch.cat([good[:1], bad]), self.target, 16, 0.5)
        assert (len(few.boxes), int((few.labels > 0).sum())) == (16, 3)
        assert int((sample(good, self.target, 16, 0.25).labels > 0).sum()) == 4

    def test_without_truth_all_regions_are_background(self) -> None:
        empty = Target(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
        found = sample(torch.rand(9, 4), empty, 4, 0.5)
        assert found.labels.tolist() == [0] * 4
        assert sample(torch.zeros(0, 4), empty, 4, 0.5).boxes.shape == (0, 4)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_full_network_has_the_published_layers_parameters() -> None:
    """I3D trunks to Mixed_5c, FPN, message passing at r = 4 and heads for 24 classes, as counted by hand."""
    with torch.device("meta"):
        network = PcscNetwork(ModelConfig(), TrainingConfig(), 24)
    stem_saving = 7**3 * 64 * (IN_CHANNELS["rgb"] - IN_CHANNELS["flow"])
    for name, trunk in (("rgb", 12_287_264), ("flow", 12_287_264 - stem_saving)):
        assert parameters(network.streams[name].backbone) == trunk
        assert parameters(network.streams[name].pyramid) == 3_008_512
    assert [parameters(m) for m in network.image_messages] == [18_672, 115_800, 347_152, 525_568]
    assert [parameters(m) for m in network.roi_messages] == [33_088] * 4
    assert {key: parameters(head) for key, head in network.heads.items()} == dict.fromkeys(
        ["0_rgb", "0_flow", "1_rgb", "2_flow", "3_rgb", "4_flow"], 14_023_805
    )
