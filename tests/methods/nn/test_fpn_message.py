from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from methods.nn.fpn import FeaturePyramid, subsample, temporal_pool
from methods.nn.message import MessagePassing


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_parameters_of_the_pyramid() -> None:
    pyramid = FeaturePyramid((192, 480, 832, 1024))
    assert count(pyramid) == 3_008_512
    assert count(pyramid.pyramid.inner_blocks) == 648_192
    assert count(pyramid.pyramid.layer_blocks) == 2_360_320


def test_pyramid_by_hand_with_odd_sizes() -> None:
    torch.manual_seed(0)
    pyramid = FeaturePyramid((6, 10, 12), 8)
    levels = [torch.randn(2, 6, 19, 25), torch.randn(2, 10, 10, 13), torch.randn(2, 12, 5, 7)]
    maps = pyramid(levels, extra=True)
    assert [tuple(m.shape) for m in maps] == [(2, 8, 19, 25), (2, 8, 10, 13), (2, 8, 5, 7), (2, 8, 3, 4)]
    assert torch.equal(maps[3], maps[2][:, :, ::2, ::2])
    merged = None
    for index in (2, 1, 0):
        lateral = pyramid.pyramid.inner_blocks[index][0](levels[index])
        if merged is not None:
            height, width = lateral.shape[2:]
            rows = torch.arange(height) * merged.shape[2] // height
            columns = torch.arange(width) * merged.shape[3] // width
            lateral = lateral + merged[:, :, rows][:, :, :, columns]
        merged = lateral
        torch.testing.assert_close(maps[index], pyramid.pyramid.layer_blocks[index][0](merged))
    assert len(pyramid(levels)) == 3
    with pytest.raises(ValueError, match="3 levels, it was given 2"):
        pyramid(levels[:2])


def test_subsample_and_temporal_pool() -> None:
    x = torch.arange(15.0).view(1, 1, 3, 5)
    assert subsample(x).flatten().tolist() == [0, 2, 4, 10, 12, 14]
    clip = torch.stack([x, 3 * x], dim=2)
    assert torch.equal(temporal_pool(clip), 2 * x)


@pytest.mark.parametrize(
    ("channels", "parameters"),
    [(192, 18_672), (480, 115_800), (832, 347_152), (1024, 525_568), (256, 33_088)],
)
def test_parameters_of_a_message(channels: int, parameters: int) -> None:
    assert count(MessagePassing(channels)) == parameters


def test_message_is_added_to_the_assisted_stream() -> None:
    torch.manual_seed(1)
    message = MessagePassing(8, reduction=2)
    assisted, assistant = torch.randn(3, 8, 5, 4), torch.randn(3, 8, 5, 4)
    flat = assistant.movedim(1, -1)
    hidden = F.relu(flat @ message.reduce.weight[:, :, 0, 0].T + message.reduce.bias)
    sent = hidden @ message.expand.weight[:, :, 0, 0].T + message.expand.bias
    torch.testing.assert_close(message(assisted, assistant), assisted + sent.movedim(-1, 1))
    with pytest.raises(ValueError, match="differ in shape"):
        message(assisted, assistant[:2])
    with pytest.raises(ValueError, match="reduction"):
        MessagePassing(4, 5)
