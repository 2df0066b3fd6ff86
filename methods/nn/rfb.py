"""RFB Net 300 (Liu, Huang and Wang, "Receptive Field Block Net for Accurate and Fast Object Detection", ECCV
2018): VGG16, receptive field blocks, SSD's heads. Attributes carry the names of the authors' weights.

Two flavours were published: ``rfb``, the paper's, and ``rfb-e``, with more branches and a first map that also
holds the features of conv7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from methods.nn.vgg import ReducedVgg16

Flavour = Literal["rfb", "rfb-e"]
PRIORS = (6, 6, 6, 6, 4, 4)
"""Priors of a cell of each map."""


@dataclass(frozen=True)
class RfbConfig:
    """Shape of the trunk: channels relative to the published ones, batch normalisation in VGG (ours, for
    training from scratch), and how many of the six maps there are, the finest first."""

    flavour: Flavour = "rfb"
    width: float = 1.0
    normalised: bool = False
    levels: int = 6

    @property
    def channels(self) -> tuple[int, ...]:
        """Of each map."""
        return tuple(round(n * self.width) for n in (512, 1024, 512, 256, 256, 256)[: self.levels])


class Step(NamedTuple):
    """A convolution of a branch; kernel is height and width."""

    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    dilation: int = 1


SQUARE, WIDE, HIGH = (3, 3), (1, 3), (3, 1)


class BasicConv(nn.Module):
    """Convolution without bias, batch normalisation and, unless ``linear``, ReLU. Same padding by default."""

    def __init__(self, in_channels: int, step: Step, linear: bool = False, padded: bool = True) -> None:
        super().__init__()
        high, wide = (step.dilation * (side // 2) if padded else 0 for side in step.kernel)
        self.conv = nn.Conv2d(
            in_channels, step.channels, step.kernel, step.stride, (high, wide), step.dilation, bias=False
        )
        self.bn = nn.BatchNorm2d(step.channels, momentum=0.01)
        self.linear = linear

    def forward(self, map_BCHW: Tensor) -> Tensor:
        found: Tensor = self.bn(self.conv(map_BCHW))
        return found if self.linear else F.relu(found, inplace=True)


class ReceptiveFieldBlock(nn.Module):
    """Branches of growing kernel and dilation, joined by a 1x1 convolution, and a shortcut (section 3.2)."""

    def __init__(self, in_channels: int, out_channels: int, branches: Sequence[Sequence[Step]], stride: int):
        super().__init__()
        self.count = len(branches)
        for number, steps in enumerate(branches):
            layers, below = nn.Sequential(), in_channels
            for step in steps:
                layers.append(BasicConv(below, step, linear=step is steps[-1]))
                below = step.channels
            self.add_module(f"branch{number}", layers)
        joined = sum(steps[-1].channels for steps in branches)
        self.ConvLinear = BasicConv(joined, Step(out_channels), linear=True)
        self.shortcut = BasicConv(in_channels, Step(out_channels, stride=stride), linear=True)

    def forward(self, map_BCHW: Tensor) -> Tensor:
        parts = [self.get_submodule(f"branch{number}")(map_BCHW) for number in range(self.count)]
        return F.relu(self.ConvLinear(torch.cat(parts, dim=1)) + self.shortcut(map_BCHW))


def block(in_channels: int, out_channels: int, stride: int, flavour: Flavour) -> ReceptiveFieldBlock:
    """RFB: dilations 2, 3, 5; of ``rfb-e`` 1, 3, 5, 7."""
    i, many = in_channels // 8, flavour == "rfb-e"
    dilations = (1, 3, 5, 7) if many else (2, 3, 5)
    last = [Step(2 * i, SQUARE, dilation=dilation) for dilation in dilations]
    branches = [
        [Step(2 * i, stride=stride), last[0]],
        [Step(i), Step(2 * i, SQUARE, stride), last[1]],
        [Step(i), Step(3 * i // 2, SQUARE), Step(2 * i, SQUARE, stride), last[2]],
    ]
    if many:
        branches.append([Step(i), Step(3 * i // 2, (1, 7)), Step(2 * i, (7, 1), stride), last[3]])
    return ReceptiveFieldBlock(in_channels, out_channels, branches, stride)


def small_block(channels: int, flavour: Flavour) -> ReceptiveFieldBlock:
    """RFB-s, for the finest map: kernels 1x3 and 3x1 before the dilated ones; of ``rfb-e`` seven branches."""
    i = channels // (8 if flavour == "rfb-e" else 4)
    dilations = (3, 5) if flavour == "rfb-e" else (3,)
    widest = 7 if flavour == "rfb-e" else 5
    branches = [[Step(i), Step(i, SQUARE)]]
    for dilation in dilations:
        branches += [[Step(i), Step(i, way), Step(i, SQUARE, dilation=dilation)] for way in (HIGH, WIDE)]
    ways = [(WIDE, HIGH), (HIGH, WIDE)] if flavour == "rfb-e" else [(WIDE, HIGH)]
    for first, second in ways:
        thin = [Step(i // 2), Step(3 * i // 4, first), Step(i, second)]
        branches.append([*thin, Step(i, SQUARE, dilation=widest)])
    return ReceptiveFieldBlock(channels, channels, branches, 1)


class RfbTrunk(nn.Module):
    """picture_B3HW to its feature maps, strides 8, 16, 32 and so on; of 300x300: 38, 19, 10, 5, 3 and 1."""

    def __init__(self, config: RfbConfig) -> None:
        super().__init__()
        self.config = config
        self.base = ReducedVgg16(config.width, config.normalised)
        fine, coarse = self.base.out_channels
        if config.flavour == "rfb-e":
            self.reduce = BasicConv(fine, Step(fine // 2))
            self.up_reduce = BasicConv(coarse, Step(fine // 2))
        self.Norm = small_block(fine, config.flavour)
        self.extras = _extras(config)

    def maps(self, picture_B3HW: Tensor) -> list[Tensor]:
        """The maps, the finest first."""
        conv4, below = self.base(picture_B3HW)
        found = [self.Norm(self._finest(conv4, below))]
        for number, layer in enumerate(self.extras):
            below = layer(below)
            if number < 3 or number % 2 == 0:
                found.append(below)
        return found

    def _finest(self, conv4_BCHW: Tensor, conv7_BCHW: Tensor) -> Tensor:
        if self.config.flavour == "rfb":
            return conv4_BCHW
        size = conv4_BCHW.shape[2:]
        up = F.interpolate(self.up_reduce(conv7_BCHW), size, mode="bilinear", align_corners=True)
        return torch.cat([self.reduce(conv4_BCHW), up], dim=1)


def _extras(config: RfbConfig) -> nn.ModuleList:
    """Blocks for maps 2 to 4; then for each map a 1x1 and an unpadded 3x3 convolution."""
    channels, layers = config.channels, nn.ModuleList()
    below = round(1024 * config.width)
    for level in range(1, config.levels):
        if level < 4:
            layers.append(block(below, channels[level], 1 if level == 1 else 2, config.flavour))
        else:
            layers.append(BasicConv(below, Step(below // 2)))
            layers.append(BasicConv(below // 2, Step(channels[level], SQUARE), padded=False))
        below = channels[level]
    return layers


class RfbDetector(RfbTrunk):
    """The trunk with SSD's heads: of every prior four offsets, and ``outputs`` logits."""

    def __init__(self, config: RfbConfig, outputs: int) -> None:
        super().__init__(config)
        self.outputs = outputs
        pairs = list(zip(config.channels, PRIORS))
        self.loc = nn.ModuleList(nn.Conv2d(c, 4 * priors, 3, padding=1) for c, priors in pairs)
        self.conf = nn.ModuleList(nn.Conv2d(c, outputs * priors, 3, padding=1) for c, priors in pairs)

    def heads(self, loc: Sequence[Tensor], conf: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """offsets_BP4 and logits_BPC from the maps of either head; priors by map, row, column."""
        offsets = [_by_prior(head(features), 4) for head, features in zip(self.loc, loc)]
        logits = [_by_prior(head(features), self.outputs) for head, features in zip(self.conf, conf)]
        return torch.cat(offsets, dim=1), torch.cat(logits, dim=1)

    def detect(self, picture_B3HW: Tensor) -> tuple[Tensor, Tensor]:
        """offsets_BP4 and logits_BPC of pictures: RFB Net itself."""
        maps = self.maps(picture_B3HW)
        return self.heads(maps, maps)


def _by_prior(map_BFHW: Tensor, values: int) -> Tensor:
    return map_BFHW.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, values))
