"""3-D convolution and max pooling with TensorFlow's SAME padding.

On a CPU `channels_last_3d` is by far the faster layout (batch 8, 2 threads: 3x3x3 convolutions up to 3 times,
3x3x3 max pooling 6 to 12 times faster than contiguous), but PyTorch leaves it in some cases: 1x1x1
convolutions on one thread, 3x3x3 convolutions of a single clip. Here the layout is kept; a 1x1x1 convolution
is a matrix product on it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

Size3 = tuple[int, int, int]


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding along one axis: (before, after), the odd one after.

    The output has ceil(size / stride) elements.
    """
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def same_conv3d(x_BCTHW: Tensor, weight: Tensor, bias: Tensor | None, stride: Size3) -> Tensor:
    """3-D convolution with SAME padding. On a CPU the result is in `channels_last_3d`."""
    on_cpu = x_BCTHW.device.type == "cpu"
    kernel = weight.shape[2:]
    if on_cpu and kernel == (1, 1, 1) and stride == (1, 1, 1):
        x_BTHWC = F.linear(x_BCTHW.permute(0, 2, 3, 4, 1), weight.flatten(1), bias)
        return x_BTHWC.permute(0, 4, 1, 2, 3)
    pads = [same_padding(n, k, s) for n, k, s in zip(x_BCTHW.shape[2:], kernel, stride, strict=True)]
    padding = [before for before, _ in pads]
    if any(before != after for before, after in pads):
        x_BCTHW = F.pad(x_BCTHW, [pad for pair in reversed(pads) for pad in pair])
        padding = [0, 0, 0]
    x_BCTHW = F.conv3d(x_BCTHW, weight, bias, stride, padding)
    # For a batch of one clip PyTorch may choose an implementation that forgets the layout.
    return x_BCTHW.contiguous(memory_format=torch.channels_last_3d) if on_cpu else x_BCTHW


def same_max_pool3d(x_BCTHW: Tensor, kernel: Size3, stride: Size3) -> Tensor:
    """3-D max pooling with SAME padding of a map without negative values.

    Only then do the zeros that TensorFlow's port pads with and the infinities used here give one result.
    """
    pads = [same_padding(n, k, s) for n, k, s in zip(x_BCTHW.shape[2:], kernel, stride, strict=True)]
    return F.max_pool3d(x_BCTHW, kernel, stride, [before for before, _ in pads], ceil_mode=True)
