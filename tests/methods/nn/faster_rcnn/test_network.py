"""The detector as a whole, on one frame and on stacks."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou

from methods.nn.faster_rcnn.config import TINY, FasterRcnnConfig, TinyConfig
from methods.nn.faster_rcnn.matching import Truth
from methods.nn.faster_rcnn.network import FasterRCNN

CLASSES, HEIGHT, WIDTH = 3, 48, 64
NARROW = replace(
    TINY,
    trunk=TinyConfig(channels=16, features=24),
    proposals=replace(TINY.proposals, channels=16, anchor_sizes=(12, 24), training=(60, 12), testing=(60, 8)),
    regions=replace(TINY.regions, size=3, batch=12),
)


def network(frames: int = 1, config: FasterRcnnConfig = NARROW, seed: int = 0) -> FasterRCNN:
    torch.manual_seed(seed)
    return FasterRCNN(config, CLASSES, frames)


def images(clips: int, frames: int) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    size = (clips, frames, 3, HEIGHT, WIDTH)
    return torch.randint(0, 256, size, dtype=torch.uint8, generator=generator)


def truth(frames: int, *people: tuple[tuple[float, ...], int]) -> Truth:
    boxes = torch.tensor([box for box, _ in people]).view(-1, 1, 4).expand(-1, frames, 4)
    return Truth(boxes, torch.tensor([label for _, label in people], dtype=torch.int64))


STEPS = 80
ONE = ((10.0, 8.0, 30.0, 40.0), 2)


@pytest.mark.parametrize("frames", [1, 3])
def test_shapes(frames: int) -> None:
    found = network(frames).eval().detect(images(2, frames))
    assert len(found) == 2
    for clip in found:
        number = len(clip.scores_NC)
        assert 0 < number <= 8
        assert clip.scores_NC.shape == (number, CLASSES + 1)
        assert clip.class_boxes_NCK4.shape == (number, CLASSES + 1, frames, 4)
        torch.testing.assert_close(clip.scores_NC.sum(1), torch.ones(number))
        assert clip.class_boxes_NCK4.min() >= 0
        assert (clip.class_boxes_NCK4 <= torch.tensor([WIDTH, HEIGHT, WIDTH, HEIGHT])).all()


@pytest.mark.parametrize("frames", [1, 3])
def test_every_parameter_learns(frames: int) -> None:
    model = network(frames).train()
    losses = model(images(2, frames), [truth(frames, ONE), truth(frames)])
    assert set(losses) == {"rpn_class", "rpn_box", "region_class", "region_box"}
    sum(losses.values()).backward()  # type: ignore[union-attr]
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_it_learns_one_clip_by_heart() -> None:
    """Two people of different classes, one of whom walks."""
    boxes = torch.tensor([[[4.0, 6, 20, 42]] * 3, [[30.0 + 5 * k, 8, 44.0 + 5 * k, 40] for k in range(3)]])
    told, picture = Truth(boxes, torch.tensor([2, 0])), torch.full((1, 3, 3, HEIGHT, WIDTH), 90.0)
    for colour, track in enumerate(boxes.int().tolist()):
        for frame, (x1, y1, x2, y2) in enumerate(track):
            picture[0, frame, 2 * colour, y1:y2, x1:x2] = 230
    model = network(3).train()
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = 3e-3 * (1 - step / STEPS)
        optimiser.zero_grad()
        sum(model(picture, [told]).values()).backward()
        optimiser.step()
    (found,) = model.eval().detect(picture)
    for person, label in enumerate((2, 0)):
        best = int(found.scores_NC[:, label + 1].argmax())
        assert found.scores_NC[best, label + 1] > 0.8
        for frame in range(3):
            reached = found.class_boxes_NCK4[best, label + 1, frame]
            assert box_iou(boxes[person, frame][None], reached[None]) > 0.6


def test_clips_do_not_depend_on_their_batch() -> None:
    model, clips = network(2).eval(), images(3, 2)
    together, alone = model.detect(clips), [model.detect(clip[None])[0] for clip in clips]
    for a, b in zip(together, alone):
        torch.testing.assert_close(a.scores_NC, b.scores_NC)
        torch.testing.assert_close(a.class_boxes_NCK4, b.class_boxes_NCK4, rtol=1e-4, atol=1e-3)


def test_a_seed_repeats_the_losses() -> None:
    model, clips, told = network(2).eval(), images(2, 2), [truth(2, ONE)] * 2

    def losses(seed: int) -> list[float]:
        found = model(clips, told, torch.Generator().manual_seed(seed))
        return [float(value.detach()) for value in found.values()]

    assert losses(1) == losses(1) != losses(2)


def test_clips_without_anybody() -> None:
    model = network(2).train()
    losses = model(images(2, 2), [truth(2)] * 2)
    assert float(losses["rpn_box"].detach()) == float(losses["region_box"].detach()) == 0
    assert float(losses["rpn_class"].detach()) > 0
    sum(losses.values()).backward()  # type: ignore[union-attr]
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_bytes_and_numbers_are_the_same_picture() -> None:
    model, clips = network().eval(), images(1, 1)
    assert torch.equal(model.detect(clips)[0].scores_NC, model.detect(clips.float())[0].scores_NC)


@pytest.mark.parametrize("pooling", ["align", "pool"])
def test_given_boxes_are_described_in_their_order(pooling: str) -> None:
    config = replace(NARROW, regions=replace(NARROW.regions, pooling=pooling))
    model, clips = network(2, config).eval(), images(2, 2)
    first = torch.tensor([[[4.0, 4, 30, 40], [6.0, 4, 32, 40]], [[20.0, 10, 60, 44]] * 2])
    scores, features = model.describe(clips, [first, first[:0]])
    assert (scores.shape, features.shape) == ((2, CLASSES + 1), (2, 2 * 24))
    assert features.min() >= 0
    _, swapped = model.describe(clips, [first.flip(0), first[:1]])
    torch.testing.assert_close(swapped[:2], features.flip(0))
    assert [len(rows) for rows in model.describe(clips, [first[:0]] * 2)] == [0, 0]


def test_own_proposals_given_back_say_the_same() -> None:
    model, clips = network(2).eval(), images(1, 2)
    (own,) = model.detect(clips)
    _, outputs, anchors = model._anchored(clips)
    given = model._proposed(outputs, anchors, clips, NARROW.proposals.testing)
    assert torch.equal(model.describe(clips, given)[0], own.scores_NC)


def test_a_frame_is_described_by_itself_alone() -> None:
    """Features of K frames lie one after the other, each from its own frame and its own box."""
    model, clips = network(2).eval(), images(1, 2)
    boxes = torch.tensor([[[4.0, 4, 30, 40], [20.0, 10, 60, 44]]])
    before = model.describe(clips, [boxes])[1].unflatten(1, (2, 24))
    moved = boxes.clone()
    moved[:, 1] -= 4
    after = model.describe(clips, [moved])[1].unflatten(1, (2, 24))
    assert torch.equal(before[:, 0], after[:, 0])
    assert not torch.equal(before[:, 1], after[:, 1])
    other = clips.clone()
    other[:, 0] = 255 - other[:, 0]
    after = model.describe(other, [boxes])[1].unflatten(1, (2, 24))
    torch.testing.assert_close(before[:, 1], after[:, 1])
    assert not torch.allclose(before[:, 0], after[:, 0])


def test_without_any_proposal_nothing_is_detected_and_nothing_breaks() -> None:
    far = replace(NARROW.proposals, testing=(1, 0), training=(1, 0))
    model = network(2, replace(NARROW, proposals=far))
    assert len(model.eval().detect(images(1, 2))[0].scores_NC) == 0
    losses = model.train()(images(1, 2), [truth(2)])
    assert float(losses["region_class"].detach()) == 0


def test_anchors_larger_than_the_frame_are_refused() -> None:
    large = replace(NARROW.proposals, anchor_sizes=(100.0,), crossing=False)
    model = network(1, replace(NARROW, proposals=large))
    with pytest.raises(
        ValueError, match=r"no anchor lies inside a frame of 64x48.*\(100.0,\).*crossing=true"
    ):
        model(images(1, 1), [truth(1, ONE)])


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([truth(2, ONE)] * 2, "not 1 of 2 frames and 2 truths"),
        ([truth(3, ONE)], r"1 truths of \[3\]"),
    ],
)
def test_truth_of_other_clips_is_refused(told: list[Truth], said: str) -> None:
    with pytest.raises(ValueError, match=rf"clips of 2 frames, each with its truth, .*{said}"):
        network(2)(images(1, 2), told)
