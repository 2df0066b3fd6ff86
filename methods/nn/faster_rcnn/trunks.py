"""Trunks and heads of Faster R-CNN. Entries of a state dict are those of torchvision's networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import chain
from typing import ClassVar

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops import Conv2dNormActivation

from methods.nn.batch_norm import BatchNorm2d, freeze_batch_norm
from methods.nn.faster_rcnn.config import ResNet101Config, TinyConfig, Trunk, Vgg16Config
from methods.nn.vgg import BLOCKS


class FasterRcnnTrunk(nn.Module, ABC):
    """What all trunks have.

    stride: pixels a cell; channels: of a map; feature_size: numbers that describe a region.
    """

    stride: ClassVar[int] = 16
    channels: int
    feature_size: int

    @abstractmethod
    def maps(self, frames_BCHW: Tensor) -> Tensor:
        """Maps (B, channels, H / stride, W / stride) of normalised frames, three channels each."""

    @abstractmethod
    def described(self, regions_NCSS: Tensor) -> Tensor:
        """Features (N, feature_size), none below 0, of pooled regions."""


def build(config: Trunk, pooled: int) -> FasterRcnnTrunk:
    """The trunk of a config, with random weights, for regions of ``pooled`` x ``pooled`` cells."""
    if isinstance(config, Vgg16Config):
        return Vgg16(config, pooled)
    return ResNet101(config) if isinstance(config, ResNet101Config) else Tiny(config, pooled)


class Vgg16(FasterRcnnTrunk):
    """VGG16 (Simonyan and Zisserman, ICLR 2015) without its last pooling and its classifier's last layer."""

    channels = 512

    def __init__(self, config: Vgg16Config, pooled: int) -> None:
        super().__init__()
        self.feature_size = config.feature_size
        self.features = nn.Sequential()
        below = 3
        for block, (channels, count) in enumerate(BLOCKS):
            if block:
                self.features.append(nn.MaxPool2d(2))
            for _ in range(count):
                convolution = nn.Conv2d(below, channels, 3, padding=1)
                nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
                nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
                self.features.append(convolution.requires_grad_(block >= config.fixed_blocks))
                self.features.append(nn.ReLU(inplace=True))
                below = channels
        self.classifier = nn.Sequential(
            *_layer(below * pooled**2, self.feature_size), *_layer(self.feature_size, self.feature_size)
        )

    def maps(self, frames_BCHW: Tensor) -> Tensor:
        found: Tensor = self.features(frames_BCHW)
        return found

    def described(self, regions_NCSS: Tensor) -> Tensor:
        found: Tensor = self.classifier(regions_NCSS.flatten(1))
        return found


def _layer(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    """fc6 or fc7."""
    return nn.Linear(inputs, outputs), nn.ReLU(inplace=True), nn.Dropout()


class ResNet101(FasterRcnnTrunk, ResNet):
    """torchvision's ResNet-101 (He et al., CVPR 2016) without its last layer."""

    channels = 1024
    conv1: nn.Module
    bn1: nn.Module
    relu: nn.Module
    maxpool: nn.Module
    layer1: nn.Module
    layer2: nn.Module
    layer3: nn.Module
    layer4: nn.Module

    def __init__(self, config: ResNet101Config) -> None:
        super().__init__(Bottleneck, [3, 4, 23, 3], norm_layer=BatchNorm2d)
        del self.fc
        self.feature_size = config.feature_size
        if config.frozen_batch_norm:
            freeze_batch_norm(self, affine=True)
        blocks = (self.conv1, self.bn1), (self.layer1,), (self.layer2,), (self.layer3,), (self.layer4,)
        for part in chain(*blocks[: config.fixed_blocks]):
            part.requires_grad_(False)

    def maps(self, frames_BCHW: Tensor) -> Tensor:
        stem = self.maxpool(self.relu(self.bn1(self.conv1(frames_BCHW))))
        found: Tensor = self.layer3(self.layer2(self.layer1(stem)))
        return found

    def described(self, regions_NCSS: Tensor) -> Tensor:
        found: Tensor = self.layer4(regions_NCSS).mean(dim=(2, 3))
        return found


class Tiny(FasterRcnnTrunk):
    """Six convolutions, every other with stride 2, and one layer that describes a region."""

    stride = 8

    def __init__(self, config: TinyConfig, pooled: int) -> None:
        super().__init__()
        self.channels, self.feature_size = config.channels, config.feature_size
        half, whole = config.channels // 2, config.channels
        self.convolutions = nn.Sequential()
        for below, channels in ((3, half), (half, whole), (whole, whole)):
            for inputs, stride in ((below, 2), (channels, 1)):
                self.convolutions.append(
                    Conv2dNormActivation(inputs, channels, stride=stride, norm_layer=BatchNorm2d)
                )
        self.fc = nn.Linear(whole * pooled**2, config.features)

    def maps(self, frames_BCHW: Tensor) -> Tensor:
        found: Tensor = self.convolutions(frames_BCHW)
        return found

    def described(self, regions_NCSS: Tensor) -> Tensor:
        return self.fc(regions_NCSS.flatten(1)).relu()
