"""Inception-v1 I3D (Carreira and Zisserman, "Quo Vadis, Action Recognition?", CVPR 2017).

Faithful to the authors' network: TensorFlow's SAME padding (worked out for each input size, the odd one at
the end), batch normalisation with eps 1e-3, the order of the branches, the pooling before the logits. Module
names are those of the widespread PyTorch port, so its state dicts load unchanged; its batch normalisation
has a scale that the authors' checkpoints lack (there it is 1).
Added: `width`, `stem_kernel` and `last_endpoint`, which make a network small enough to be trained on a CPU.
Sizes at width 1: 12,697,264 parameters (RGB, 400 classes), 12,287,264 without the logits.

Published weights: `methods.nn.i3d_weights`. On a CPU all maps are in `channels_last_3d` (`methods.nn.same`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from methods.nn.batch_norm import BatchNorm3d
from methods.nn.same import Size3, same_conv3d, same_max_pool3d

# Kernel and stride of the pooling layers.
POOLS: dict[str, tuple[Size3, Size3]] = {
    "MaxPool3d_2a_3x3": ((1, 3, 3), (1, 2, 2)),
    "MaxPool3d_3a_3x3": ((1, 3, 3), (1, 2, 2)),
    "MaxPool3d_4a_3x3": ((3, 3, 3), (2, 2, 2)),
    "MaxPool3d_5a_2x2": ((2, 2, 2), (2, 2, 2)),
}
# Channels of an inception block: 1x1 | 1x1 > 3x3 | 1x1 > 3x3 | max pool > 1x1.
INCEPTION: dict[str, tuple[int, int, int, int, int, int]] = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
ENDPOINTS = (
    *("Conv3d_1a_7x7", "MaxPool3d_2a_3x3", "Conv3d_2b_1x1", "Conv3d_2c_3x3", "MaxPool3d_3a_3x3"),
    *("Mixed_3b", "Mixed_3c", "MaxPool3d_4a_3x3"),
    *("Mixed_4b", "Mixed_4c", "Mixed_4d", "Mixed_4e", "Mixed_4f", "MaxPool3d_5a_2x2"),
    *("Mixed_5b", "Mixed_5c"),
)


@dataclass(frozen=True)
class I3DConfig:
    """Shape of an I3D network.

    in_channels: 3 for RGB in [-1, 1]; 2 for flow (u, v), in pixels clipped at +-20 and divided by 20.
    num_classes: outputs of the logits layer; None builds no such layer.
    width: multiplies every channel count, rounded to a multiple of 4 and at least 4.
    stem_kernel: (time, height, width) of the first convolution.
    last_endpoint: the network ends there (one of ENDPOINTS).
    dropout: probability of zeroing a pooled feature before the logits, in training only.
    """

    in_channels: int = 3
    num_classes: int | None = 400
    width: float = 1.0
    stem_kernel: Size3 = (7, 7, 7)
    last_endpoint: str = ENDPOINTS[-1]
    dropout: float = 0.5

    def __post_init__(self) -> None:
        if self.in_channels < 1 or self.width <= 0:
            raise ValueError(
                f"in_channels and width must be positive, not {self.in_channels} and {self.width}"
            )
        if self.last_endpoint not in ENDPOINTS:
            raise ValueError(f"last_endpoint {self.last_endpoint!r} is none of {', '.join(ENDPOINTS)}")
        if self.num_classes is not None and self.last_endpoint != ENDPOINTS[-1]:
            raise ValueError(
                f"logits need the whole network: num_classes must be None to end at {self.last_endpoint}"
            )

    def channels(self, endpoint: str) -> int:
        """Channels of the map that `endpoint` gives, at this width."""
        if endpoint in INCEPTION:
            c = [self.scaled(n) for n in INCEPTION[endpoint]]
            return c[0] + c[2] + c[4] + c[5]
        if endpoint in POOLS:
            return self.channels(ENDPOINTS[ENDPOINTS.index(endpoint) - 1])
        return self.scaled(192 if endpoint == "Conv3d_2c_3x3" else 64)

    def scaled(self, channels: int) -> int:
        return max(4, int(channels * self.width / 4 + 0.5) * 4)


class Unit3D(nn.Module):
    """Convolution without bias, batch normalisation, ReLU. Shapes (B, C, T, H, W) -> (B, C', T', H', W')."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: Size3 = (1, 1, 1), stride: Size3 = (1, 1, 1)
    ):
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, out_channels, kernel, stride, bias=False)
        self.bn = BatchNorm3d(out_channels, eps=1e-3, momentum=0.01)
        self.stride = stride

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        if self.bn.training:
            x_BCTHW = self.bn(same_conv3d(x_BCTHW, self.conv3d.weight, None, self.stride))
        else:
            x_BCTHW = same_conv3d(x_BCTHW, *self._folded(), self.stride)
        return F.relu(x_BCTHW, inplace=True)

    def _folded(self) -> tuple[Tensor, Tensor]:
        """The convolution's weight and bias with the fixed normalisation multiplied in."""
        mean, var = self.bn.running_mean, self.bn.running_var
        assert mean is not None
        assert var is not None
        scale = self.bn.weight * (var + self.bn.eps).rsqrt()
        return self.conv3d.weight * scale.view(-1, 1, 1, 1, 1), self.bn.bias - mean * scale


class InceptionBlock(nn.Module):
    """Four branches, concatenated: 1x1 | 1x1 > 3x3 | 1x1 > 3x3 | max pool 3x3x3 > 1x1 (all 3-D)."""

    def __init__(self, in_channels: int, channels: list[int]):
        super().__init__()
        self.b0 = Unit3D(in_channels, channels[0])
        self.b1a = Unit3D(in_channels, channels[1])
        self.b1b = Unit3D(channels[1], channels[2], (3, 3, 3))
        self.b2a = Unit3D(in_channels, channels[3])
        self.b2b = Unit3D(channels[3], channels[4], (3, 3, 3))
        self.b3b = Unit3D(in_channels, channels[5])

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        pooled = same_max_pool3d(x_BCTHW, (3, 3, 3), (1, 1, 1))
        branches = self.b0(x_BCTHW), self.b1b(self.b1a(x_BCTHW)), self.b2b(self.b2a(x_BCTHW))
        return torch.cat((*branches, self.b3b(pooled)), dim=1)


class MaxPool3d(nn.Module):
    """`same_max_pool3d` as a layer."""

    def __init__(self, kernel: Size3, stride: Size3):
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        return same_max_pool3d(x_BCTHW, self.kernel, self.stride)


class Logits(nn.Module):
    """Average over 2 frames and all places, dropout, 1x1x1 convolution: (B, C, T, H, W) -> (B, K, T - 1).

    A map of one frame is averaged over that frame. The authors' class score is the mean over time.
    """

    def __init__(self, in_channels: int, num_classes: int, dropout: float):
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, num_classes, 1)
        self.dropout = dropout

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        frames, height, width = x_BCTHW.shape[2:]
        pooled = F.avg_pool3d(x_BCTHW, (min(2, frames), height, width), stride=1)
        logits: Tensor = self.conv3d(F.dropout(pooled, self.dropout, self.training))
        return logits[..., 0, 0]


class I3D(nn.Module):
    """The network of one stream. Input: clip_BCTHW, float, in the range that `I3DConfig` states."""

    def __init__(self, config: I3DConfig):
        super().__init__()
        self.config = config
        channels = config.in_channels
        for name in ENDPOINTS[: ENDPOINTS.index(config.last_endpoint) + 1]:
            self.add_module(name, _endpoint(name, channels, config))
            channels = config.channels(name)
        if config.num_classes is not None:
            self.logits = Logits(channels, config.num_classes, config.dropout)

    def forward(self, clip_BCTHW: Tensor) -> Tensor:
        """Logits (B, K, T'), T' = max(1, ceil(T / 8) - 1). Raises ValueError where num_classes is None."""
        if self.config.num_classes is None:
            raise ValueError("this I3D has no logits layer (num_classes=None): call forward_endpoints")
        last = self.config.last_endpoint
        logits: Tensor = self.logits(self.forward_endpoints(clip_BCTHW, [last])[last])
        return logits

    def forward_endpoints(self, clip_BCTHW: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The maps (B, C, T', H', W') of the named endpoints; nothing after the last of them is computed.

        Raises ValueError for a name that the network does not have and for a clip of another shape.
        """
        wanted = set(names)
        has = ENDPOINTS[: ENDPOINTS.index(self.config.last_endpoint) + 1]
        if unknown := wanted - set(has):
            raise ValueError(f"no endpoint {', '.join(sorted(unknown))}; there are {', '.join(has)}")
        if clip_BCTHW.ndim != 5 or clip_BCTHW.shape[1] != self.config.in_channels:
            raise ValueError(
                f"clip must be (B, {self.config.in_channels}, T, H, W), not {tuple(clip_BCTHW.shape)}"
            )
        x_BCTHW = clip_BCTHW
        maps: dict[str, Tensor] = {}
        if clip_BCTHW.device.type == "cpu":
            x_BCTHW = clip_BCTHW.contiguous(memory_format=torch.channels_last_3d)
        for name in has:
            if len(maps) == len(wanted):
                break
            x_BCTHW = getattr(self, name)(x_BCTHW)
            if name in wanted:
                maps[name] = x_BCTHW
        return maps


def _endpoint(name: str, in_channels: int, config: I3DConfig) -> nn.Module:
    if name in POOLS:
        return MaxPool3d(*POOLS[name])
    if name in INCEPTION:
        return InceptionBlock(in_channels, [config.scaled(n) for n in INCEPTION[name]])
    if name == "Conv3d_1a_7x7":
        return Unit3D(in_channels, config.channels(name), config.stem_kernel, (2, 2, 2))
    kernel = (3, 3, 3) if name == "Conv3d_2c_3x3" else (1, 1, 1)
    return Unit3D(in_channels, config.channels(name), kernel)
