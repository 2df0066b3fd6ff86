from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.ops import roi_align as torchvision_roi_align
from torchvision.ops.poolers import LevelMapper

from methods.nn.roi_align import LevelRule, roi_align

STRIDES = (4, 8, 16, 32)


def pyramid(images: int, channels: int, height: int = 96, width: int = 128) -> list[Tensor]:
    torch.manual_seed(0)
    return [
        torch.randn(images, channels, -(-height // s), -(-width // s), requires_grad=True) for s in STRIDES
    ]


def boxes_inside(count: int) -> Tensor:
    torch.manual_seed(1)
    corner, size = torch.rand(count, 2) * torch.tensor([128.0, 96.0]), torch.rand(count, 2).exp2() * 60 - 55
    return torch.cat([corner, corner + size], dim=1)


EDGE_CASES = torch.tensor(
    [
        [-40.0, -30, 20, 25],  # samples more than a cell outside
        [100, 70, 160, 130],
        [-300, -300, -200, -200],  # wholly outside
        [0, 0, 128, 96],  # the image
        [-2, -2, 2, 2],
        [126, 94, 130, 98],
        [50, 50, 50, 50],  # no area
        [60, 60, 55, 58],  # turned round
        [3.99, 4, 4.01, 90],
    ]
)


def reference(features: list[Tensor], boxes: Tensor, image: Tensor, level: Tensor, size: int) -> Tensor:
    rois = torch.cat([image[:, None].float(), boxes], dim=1)
    pooled = [
        torchvision_roi_align(x, rois, size, 1 / stride, 2, aligned=True)
        for x, stride in zip(features, STRIDES, strict=True)
    ]
    return torch.stack(pooled)[level, torch.arange(len(boxes))]


@pytest.mark.parametrize("boxes", [boxes_inside(60), EDGE_CASES], ids=["inside", "edges"])
@pytest.mark.parametrize("size", [7, 3])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_equal_to_torchvision(boxes: Tensor, size: int, layout: torch.memory_format) -> None:
    features = pyramid(3, 5)
    image = torch.arange(len(boxes)) * 2 % 3
    rule = LevelRule(size=40, level=3)
    laid = [x.contiguous(memory_format=layout) for x in features]
    ours = roi_align(laid, boxes, image, STRIDES, size, rule=rule)
    theirs = reference(features, boxes, image, rule(boxes, STRIDES), size)
    assert ours.shape == (len(boxes), 5, size, size)
    assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max()
    seed = torch.randn_like(theirs)
    for mine, other in zip(
        torch.autograd.grad(ours, features, seed, retain_graph=True, allow_unused=True),
        torch.autograd.grad(theirs, features, seed),
        strict=True,
    ):
        if mine is None:
            assert not other.any()
        else:
            assert (mine - other).abs().max() <= 1e-5 * other.abs().max().clamp(min=1)


def test_levels_are_torchvisions() -> None:
    boxes = torch.cat([boxes_inside(200) * scale for scale in (1.0, 4.0, 10.0)])
    boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) > 0).all(1)]
    level = LevelRule()(boxes, STRIDES)
    assert torch.equal(level, LevelMapper(2, 5)([boxes]))
    assert set(level.tolist()) >= {0, 1, 2}


@pytest.mark.parametrize(
    ("side", "level"), [(1, 0), (111, 0), (112, 1), (223, 1), (224, 2), (448, 3), (5000, 3)]
)
def test_level_of_a_square(side: float, level: int) -> None:
    assert LevelRule()(torch.tensor([[10.0, 20, 10 + side, 20 + side]]), STRIDES).tolist() == [level]


def test_no_boxes_and_one_level() -> None:
    features = pyramid(2, 4)
    nothing = torch.zeros(0, dtype=torch.int64)
    assert roi_align(features, torch.zeros(0, 4), nothing, STRIDES).shape == (0, 4, 7, 7)
    one = roi_align(features[:1], EDGE_CASES, torch.ones(len(EDGE_CASES), dtype=torch.int64), STRIDES[:1])
    assert one.shape == (len(EDGE_CASES), 4, 7, 7)
    assert not one[2].any()


def test_errors() -> None:
    features, boxes, image = pyramid(2, 4), EDGE_CASES[:2], torch.tensor([0, 1])
    with pytest.raises(ValueError, match="doubling powers of 2"):
        roi_align(features, boxes, image, (4, 8, 16, 30))
    with pytest.raises(ValueError, match="4 maps need as many strides"):
        roi_align(features, boxes, image, (4, 8))
    with pytest.raises(ValueError, match=r"image_index must be in 0 .. 1, it has 0 .. 2"):
        roi_align(features, boxes, image * 2, STRIDES)
    with pytest.raises(ValueError, match=r"boxes must be \(N, 4\)"):
        roi_align(features, boxes[:, :3], image, STRIDES)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_cpu() -> None:
    features, image = pyramid(3, 5), torch.arange(len(EDGE_CASES)) % 3
    expected = roi_align(features, EDGE_CASES, image, STRIDES)
    actual = roi_align([x.cuda() for x in features], EDGE_CASES.cuda(), image.cuda(), STRIDES).cpu()
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)
