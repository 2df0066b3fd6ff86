"""Darknet-19 as YOLOv2 builds on it (Redmon and Farhadi, "YOLO9000: Better, Faster, Stronger", CVPR 2017).

One trunk serves two papers: with the 64-channel pass-through of the newer configuration (`yolo.cfg`, COCO) as
YOWO's 2-D branch, and without it (`yolo-voc`, as in yolo2-pytorch) as both streams of the two-stream YOLO.
Convolutions have no bias, batch normalisation and LeakyReLU 0.1; the last, linear one (`head`) has a bias.
Added: `width` and `pools`, which make a network for a CPU.

Published weights: `methods.nn.darknet_weights`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LAYERS: tuple[tuple[tuple[int, int], ...], ...] = (
    ((32, 3),),
    ((64, 3),),
    ((128, 3), (64, 1), (128, 3)),
    ((256, 3), (128, 1), (256, 3)),
    ((512, 3), (256, 1), (512, 3), (256, 1), (512, 3)),
    ((1024, 3), (512, 1), (1024, 3), (512, 1), (1024, 3), (1024, 3), (1024, 3)),
)
"""(channels, kernel) of the convolutions; each group but the first begins with a max pooling of stride 2."""


@dataclass(frozen=True)
class DarknetConfig:
    """Shape of a Darknet-19 trunk.

    in_channels: 3 for RGB in 0..1; more for what is stacked behind it.
    passthrough: channels that the fine map is reduced to before it joins the coarse one; None: as it is.
    out_channels: of the linear `head`; None: the trunk ends before it.
    width: multiplies every channel count but that of the head.
    pools: which of the five poolings are there; the last must be, the fine map lies before it.
    """

    in_channels: int = 3
    passthrough: int | None = 64
    out_channels: int | None = None
    width: float = 1.0
    pools: tuple[bool, bool, bool, bool, bool] = (True, True, True, True, True)

    def __post_init__(self) -> None:
        if not self.pools[-1]:
            raise ValueError(
                "the last pooling separates the fine map from the coarse one: pools[-1] is False"
            )

    def scaled(self, channels: int) -> int:
        return max(4, round(channels * self.width))

    @property
    def features(self) -> int:
        """Channels of the trunk's last map."""
        return self.scaled(1024)

    @property
    def stride(self) -> int:
        """Pixels of the input to a cell of the last map."""
        return 2 ** sum(self.pools)


class ConvBlock(nn.Module):
    """Convolution, batch normalisation, LeakyReLU 0.1; the map keeps its size."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return F.leaky_relu(self.bn(self.conv(x_BCHW)), 0.1, inplace=True)


class Darknet19(nn.Module):
    """image_BCHW, sides multiples of the stride, -> map_BCHW at 1 / stride."""

    def __init__(self, config: DarknetConfig):
        super().__init__()
        self.config = config
        self.fine = nn.Sequential()
        self.coarse = nn.Sequential()
        channels = config.in_channels
        pools = (False, *config.pools)
        for layers, pool in zip(LAYERS, pools):
            part = self.coarse if layers is LAYERS[-1] else self.fine
            if pool:
                part.append(nn.MaxPool2d(2))
            for out, kernel in layers:
                part.append(ConvBlock(channels, config.scaled(out), kernel))
                channels = config.scaled(out)
        passed = config.scaled(512)
        if config.passthrough is not None:
            self.passthrough = ConvBlock(passed, config.scaled(config.passthrough), 1)
            passed = config.scaled(config.passthrough)
        self.fuse = ConvBlock(4 * passed + channels, channels, 3)
        if config.out_channels is not None:
            self.head = nn.Conv2d(channels, config.out_channels, 1)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """The head's map, or the trunk's where there is no head. Raises ValueError for an odd size."""
        if any(side % self.config.stride for side in image_BCHW.shape[2:]):
            raise ValueError(
                f"sides of the picture must be multiples of {self.config.stride}, "
                f"got {image_BCHW.shape[3]}x{image_BCHW.shape[2]}"
            )
        fine_BCHW = self.fine(image_BCHW)
        passed_BCHW = fine_BCHW if self.config.passthrough is None else self.passthrough(fine_BCHW)
        joined_BCHW = torch.cat([space_to_depth(passed_BCHW), self.coarse(fine_BCHW)], dim=1)
        features_BCHW = self.fuse(joined_BCHW)
        return features_BCHW if self.config.out_channels is None else self.head(features_BCHW)


def space_to_depth(map_BCHW: Tensor) -> Tensor:
    """(B, C, H, W) to (B, 4C, H / 2, W / 2), channel ``(dy * 2 + dx) * C + c``: YOLOv2's reorganisation.

    The original darknet program permutes otherwise; the PyTorch networks and their weights use this form.
    """
    batch, channels, height, width = map_BCHW.shape
    blocks = map_BCHW.view(batch, channels, height // 2, 2, width // 2, 2)
    return blocks.permute(0, 3, 5, 1, 2, 4).reshape(batch, 4 * channels, height // 2, width // 2)
