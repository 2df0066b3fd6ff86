"""3D ResNeXt: the 3-D branch of YOWO and the networks of MARS (Crasto et al., CVPR 2019).

Hara, Kataoka and Satoh, "Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?", CVPR 2018.

Faithful to the authors' network: stem 7x7x7 of stride (1, 2, 2), max pooling of stride 2, grouped bottlenecks
with expansion 2, projection shortcuts. Module names are theirs, so their state dicts load unchanged.
Added: `width`, `groups`, `blocks`, `stem_kernel` and `strides`, which make a network for a CPU.
Sizes at the defaults: 47,521,216 parameters without classes, 48,340,816 with 400.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Size3 = tuple[int, int, int]
STRIDED: Size3 = (2, 2, 2)


@dataclass(frozen=True)
class ResNeXt3DConfig:
    """Shape of a 3D ResNeXt; the defaults are ResNeXt-101.

    in_channels: 3 for RGB; 2 for flow (u, v).
    num_classes: outputs of the layer `fc` on the pooled features; None builds no such layer.
    width: multiplies every channel count; it must leave whole groups.
    blocks: bottlenecks of layers 1 to 4.
    stem_kernel: (time, height, width) of the first convolution.
    pool_stride, strides: strides (time, height, width) of the max pooling and of layers 2, 3 and 4.
    """

    in_channels: int = 3
    num_classes: int | None = None
    width: float = 1.0
    groups: int = 32
    blocks: tuple[int, int, int, int] = (3, 4, 23, 3)
    stem_kernel: Size3 = (7, 7, 7)
    pool_stride: Size3 = STRIDED
    strides: tuple[Size3, Size3, Size3] = (STRIDED, STRIDED, STRIDED)

    def __post_init__(self) -> None:
        if self.scaled(128) % self.groups or self.scaled(128) < self.groups:
            raise ValueError(
                f"width {self.width} leaves {self.scaled(128)} channels in layer 1, no multiple of "
                f"{self.groups} groups"
            )

    def scaled(self, channels: int) -> int:
        return round(channels * self.width)

    @property
    def out_channels(self) -> int:
        """Channels of the last map."""
        return self.scaled(2048)


class Bottleneck(nn.Module):
    """1x1x1, grouped 3x3x3, 1x1x1 to twice the planes; the shortcut is projected where shapes differ."""

    def __init__(self, in_channels: int, planes: int, groups: int, stride: Size3):
        super().__init__()
        out_channels = 2 * planes
        self.conv1 = nn.Conv3d(in_channels, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(planes)
        self.conv2 = nn.Conv3d(planes, planes, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm3d(planes)
        self.conv3 = nn.Conv3d(planes, out_channels, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(out_channels)
        self.downsample: nn.Sequential | None = None
        if stride != (1, 1, 1) or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv3d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm3d(out_channels)
            )

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        shortcut = x_BCTHW if self.downsample is None else self.downsample(x_BCTHW)
        x_BCTHW = F.relu(self.bn1(self.conv1(x_BCTHW)), inplace=True)
        x_BCTHW = F.relu(self.bn2(self.conv2(x_BCTHW)), inplace=True)
        return F.relu(self.bn3(self.conv3(x_BCTHW)) + shortcut, inplace=True)


class ResNeXt3D(nn.Module):
    """clip_BCTHW -> map (B, out_channels, T / 16, H / 32, W / 32) at the default strides, rounded up."""

    def __init__(self, config: ResNeXt3DConfig):
        super().__init__()
        self.config = config
        channels = config.scaled(64)
        kernel = config.stem_kernel
        padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
        self.conv1 = nn.Conv3d(config.in_channels, channels, kernel, (1, 2, 2), padding, bias=False)
        self.bn1 = nn.BatchNorm3d(channels)
        self.layer1 = _layer(config, 0, channels, (1, 1, 1))
        self.layer2 = _layer(config, 1, config.scaled(256), config.strides[0])
        self.layer3 = _layer(config, 2, config.scaled(512), config.strides[1])
        self.layer4 = _layer(config, 3, config.scaled(1024), config.strides[2])
        if config.num_classes is not None:
            self.fc = nn.Linear(config.out_channels, config.num_classes)
        _initialise(self)

    def forward(self, clip_BCTHW: Tensor) -> Tensor:
        map_BCTHW: Tensor = self.layer4(self.layer3_map(clip_BCTHW))
        return map_BCTHW

    def layer3_map(self, clip_BCTHW: Tensor) -> Tensor:
        """The map before layer 4, with twice its resolution in time and space."""
        x_BCTHW = F.relu(self.bn1(self.conv1(clip_BCTHW)), inplace=True)
        x_BCTHW = F.max_pool3d(x_BCTHW, 3, self.config.pool_stride, 1)
        map_BCTHW: Tensor = self.layer3(self.layer2(self.layer1(x_BCTHW)))
        return map_BCTHW

    @staticmethod
    def pooled(map_BCTHW: Tensor) -> Tensor:
        """Global average, (B, C): the features that MARS distils."""
        return map_BCTHW.mean(dim=(2, 3, 4))

    def classify(self, clip_BCTHW: Tensor) -> Tensor:
        """Logits (B, K). Raises ValueError where num_classes is None."""
        if self.config.num_classes is None:
            raise ValueError("this network has no classes (num_classes=None)")
        logits: Tensor = self.fc(self.pooled(self.forward(clip_BCTHW)))
        return logits


def _layer(config: ResNeXt3DConfig, number: int, channels: int, stride: Size3) -> nn.Sequential:
    """Layer ``number`` + 1: its first bottleneck has the stride."""
    planes = config.scaled(128 << number)
    rest = [
        Bottleneck(2 * planes, planes, config.groups, (1, 1, 1)) for _ in range(config.blocks[number] - 1)
    ]
    return nn.Sequential(Bottleneck(channels, planes, config.groups, stride), *rest)


def _initialise(network: nn.Module) -> None:
    """Convolutions normal with the fan of their outputs (He et al. 2015), as the authors begin."""
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")


def squeeze_time(map_BCTHW: Tensor) -> Tensor:
    """(B, C, T, H, W) to (B, C, H, W): one frame is taken as it is, more are averaged (a 32-frame clip)."""
    return map_BCTHW[:, :, 0] if map_BCTHW.shape[2] == 1 else torch.mean(map_BCTHW, dim=2)
