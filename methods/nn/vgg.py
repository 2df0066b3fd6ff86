"""VGG16 with reduced fully connected layers (Chen et al., "DeepLab", 2015): the trunk of SSD and RFB Net.

Entries of a state dict are those of ``vgg16_reducedfc.pth``, ``0.weight`` to ``33.bias``.
"""

from __future__ import annotations

from torch import Tensor, nn

BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Channels and 3x3 convolutions of the five blocks."""
DILATION = 6
"""Of conv6, which stands for the first fully connected layer."""


class ReducedVgg16(nn.ModuleList):
    """picture_B3HW to the maps of conv4_3, stride 8, and conv7, stride 16.

    width: channels relative to the published ones. normalised: batch normalisation after every convolution,
    for training from scratch; the published network has none, and other indices then.
    """

    def __init__(self, width: float = 1.0, normalised: bool = False) -> None:
        super().__init__()
        self.normalised, below = normalised, 3
        self.conv4_end = 0
        for block, (channels, count) in enumerate(BLOCKS, 1):
            for _ in range(count):
                self._add(nn.Conv2d(below, round(channels * width), 3, padding=1))
                below = round(channels * width)
            if block == 4:
                self.conv4_end = len(self)
            self.append(nn.MaxPool2d(2, ceil_mode=block == 3) if block < 5 else nn.MaxPool2d(3, 1, 1))
        self.out_channels = below, 2 * below
        self._add(nn.Conv2d(below, 2 * below, 3, padding=DILATION, dilation=DILATION))
        self._add(nn.Conv2d(2 * below, 2 * below, 1))

    def _add(self, convolution: nn.Conv2d) -> None:
        self.append(convolution)
        if self.normalised:
            self.append(nn.BatchNorm2d(convolution.out_channels))
        self.append(nn.ReLU(inplace=True))

    def forward(self, picture_B3HW: Tensor) -> tuple[Tensor, Tensor]:
        conv4 = picture_B3HW
        layers = list(self)
        for layer in layers[: self.conv4_end]:
            conv4 = layer(conv4)
        conv7 = conv4
        for layer in layers[self.conv4_end :]:
            conv7 = layer(conv7)
        return conv4, conv7
