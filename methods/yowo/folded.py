"""A small 3-D branch for a CPU: the first convolution spans the whole clip, those after it see space alone.

Not of the paper. From scratch and few videos it learns how people move better than a narrow 3D ResNeXt does.
It can stand in for :class:`methods.nn.resnext3d.ResNeXt3D`.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class FoldedConfig:
    """in_channels: 3 for RGB, 2 for flow."""

    in_channels: int = 3
    clip_length: int = 8
    width: float = 1.0

    def scaled(self, channels: int) -> int:
        return round(channels * self.width)

    @property
    def out_channels(self) -> int:
        """Channels of the last map."""
        return self.scaled(128)


class Folded3D(nn.Module):
    """clip_BCTHW -> map (B, out_channels, 1, H / 16, W / 16), rounded down; T is the config's."""

    def __init__(self, config: FoldedConfig):
        super().__init__()
        self.config = config
        narrow, middle, wide = (config.scaled(channels) for channels in (32, 64, 128))
        self.layer1 = _layer(config.in_channels, narrow, 2, config.clip_length)
        self.layer2 = _layer(narrow, middle, 2)
        self.layer3 = _layer(middle, middle, 1)
        self.layer4 = nn.Sequential(*_layer(middle, wide, 2), *_layer(wide, wide, 1), nn.AvgPool3d((1, 2, 2)))

    def forward(self, clip_BCTHW: Tensor) -> Tensor:
        map_BCTHW: Tensor = self.layer4(self.layer3_map(clip_BCTHW))
        return map_BCTHW

    def layer3_map(self, clip_BCTHW: Tensor) -> Tensor:
        """The map before layer 4, with four times its resolution and half its channels."""
        map_BCTHW: Tensor = self.layer3(self.layer2(self.layer1(clip_BCTHW)))
        return map_BCTHW


def _layer(in_channels: int, out_channels: int, stride: int, frames: int = 1) -> nn.Sequential:
    convolution = nn.Conv3d(
        in_channels, out_channels, (frames, 3, 3), (1, stride, stride), (0, 1, 1), bias=False
    )
    return nn.Sequential(convolution, nn.BatchNorm3d(out_channels), nn.ReLU(inplace=True))
