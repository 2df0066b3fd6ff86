"""FlowNet's encoder-decoders (Dosovitskiy et al., "FlowNet: Learning Optical Flow with Convolutional
Networks", ICCV 2015) as FlowNet 2.0 uses them (Ilg et al., CVPR 2017).

Attributes carry the names of NVIDIA's PyTorch weights. Each decoder estimates flow at strides 64 to 4, as a
twentieth of pixels.
"""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor, cat, nn
from torch.nn import functional as F

from methods.nn.flow.matching import correlation
from methods.nn.flow.network import FlowNetwork, centred

FLOW_SCALE = 20.0
"""Pixels that the networks call 1."""
LEVELS = (6, 5, 4, 3, 2)
"""Levels whose flow is estimated; level n has stride 2 to the power of n."""
DECODED = {5: 512, 4: 256, 3: 128, 2: 64}
"""Channels that come up from the level below."""


def conv(in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution with bias and LeakyReLU 0.1."""
    padding = kernel // 2
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding), nn.LeakyReLU(0.1, inplace=True)
    )


def deconv(in_channels: int, out_channels: int) -> nn.Sequential:
    """Transposed convolution to twice the size, and LeakyReLU 0.1."""
    return nn.Sequential(doubling(in_channels, out_channels), nn.LeakyReLU(0.1, inplace=True))


def doubling(in_channels: int, out_channels: int, bias: bool = True) -> nn.ConvTranspose2d:
    """The transposed convolution 4x4 of stride 2 that makes a map twice as large."""
    return nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1, bias=bias)


def flow_head(in_channels: int) -> nn.Conv2d:
    """The convolution that reads flow off a map."""
    return nn.Conv2d(in_channels, 2, 3, padding=1)


class Decoder(FlowNetwork):
    """The refinement that the three encoders share: up from level 6, joined with their maps at each level.

    smoothed: a linear convolution before every head (FlowNetSD). up_bias: of the flow's way up.
    """

    def __init__(self, smoothed: bool = False, up_bias: bool = True) -> None:
        super().__init__()
        self.smoothed = smoothed
        below, skips = 1024, {5: 512, 4: 512, 3: 256, 2: 128}
        self.predict_flow6 = flow_head(below)
        for level, decoded in DECODED.items():
            joined = skips[level] + decoded + 2
            self.add_module(f"deconv{level}", deconv(below, decoded))
            self.add_module(f"upsampled_flow{level + 1}_to_{level}", doubling(2, 2, up_bias))
            if smoothed:
                self.add_module(f"inter_conv{level}", nn.Sequential(nn.Conv2d(joined, decoded, 3, padding=1)))
            self.add_module(f"predict_flow{level}", flow_head(decoded if smoothed else joined))
            below = joined

    def normalised(self, first_N3HW: Tensor, second_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        return centred(first_N3HW, second_N3HW)

    def estimates(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        return [FLOW_SCALE * flow for flow in self.raw(cat([first_N3HW, second_N3HW], 1))]

    def raw(self, input_NCHW: Tensor) -> list[Tensor]:
        """Flow at strides 4, 8 ... 64 as the weights know it, in units of 20 pixels."""
        return self.decoded(self.encoded(input_NCHW))

    @abstractmethod
    def encoded(self, input_NCHW: Tensor) -> list[Tensor]:
        """The encoder's maps of levels 6, 5, 4, 3 and 2."""

    def decoded(self, maps: list[Tensor]) -> list[Tensor]:
        """Flow of every level, the finest first."""
        parts = dict(self.named_children())
        features = maps[0]
        flows = [self.predict_flow6(features)]
        for level, skip in zip(LEVELS[1:], maps[1:]):
            up = parts[f"upsampled_flow{level + 1}_to_{level}"](flows[-1])
            features = cat([skip, parts[f"deconv{level}"](features), up], 1)
            seen = parts[f"inter_conv{level}"](features) if self.smoothed else features
            flows.append(parts[f"predict_flow{level}"](seen))
        return flows[::-1]


class _Encoder(Decoder):
    """Levels 3 to 6, the same in C and S."""

    def __init__(self, merged: int, up_bias: bool) -> None:
        super().__init__(up_bias=up_bias)
        self.conv3_1 = conv(merged, 256)
        self.conv4, self.conv4_1 = conv(256, 512, stride=2), conv(512, 512)
        self.conv5, self.conv5_1 = conv(512, 512, stride=2), conv(512, 512)
        self.conv6, self.conv6_1 = conv(512, 1024, stride=2), conv(1024, 1024)

    def upper(self, level2: Tensor, merged: Tensor) -> list[Tensor]:
        level3 = self.conv3_1(merged)
        level4 = self.conv4_1(self.conv4(level3))
        level5 = self.conv5_1(self.conv5(level4))
        return [self.conv6_1(self.conv6(level5)), level5, level4, level3, level2]


class FlowNetC(_Encoder):
    """Two pictures go through one encoder; their maps of level 3 are correlated over 20 pixels of it."""

    def __init__(self) -> None:
        super().__init__(merged=32 + 441, up_bias=True)
        self.conv1, self.conv2, self.conv3 = conv(3, 64, 7, 2), conv(64, 128, 5, 2), conv(128, 256, 5, 2)
        self.conv_redir = conv(256, 32, 1)

    def encoded(self, input_NCHW: Tensor) -> list[Tensor]:
        """Of both pictures, one behind the other in the channels."""
        level2, second2 = (self.conv2(self.conv1(picture)) for picture in input_NCHW.split(3, 1))
        level3 = self.conv3(level2)
        matched = F.leaky_relu(correlation(level3, self.conv3(second2), 20, 2), 0.1)
        return self.upper(level2, cat([self.conv_redir(level3), matched], 1))


class FlowNetS(_Encoder):
    """One encoder of both pictures behind each other; further channels in a stack."""

    def __init__(self, in_channels: int = 6) -> None:
        super().__init__(merged=256, up_bias=False)
        self.conv1 = conv(in_channels, 64, 7, 2)
        self.conv2, self.conv3 = conv(64, 128, 5, 2), conv(128, 256, 5, 2)

    def encoded(self, input_NCHW: Tensor) -> list[Tensor]:
        level2 = self.conv2(self.conv1(input_NCHW))
        return self.upper(level2, self.conv3(level2))


class FlowNetSD(Decoder):
    """FlowNetS for small displacements: small kernels, and a linear convolution before every head."""

    def __init__(self) -> None:
        super().__init__(smoothed=True)
        self.conv0 = conv(6, 64)
        below = 64
        for level, (first, second) in enumerate(
            [(64, 128), (128, 128), (256, 256), (512, 512), (512, 512), (1024, 1024)], 1
        ):
            self.add_module(f"conv{level}", conv(below, first, stride=2))
            self.add_module(f"conv{level}_1", conv(first, second))
            below = second

    def encoded(self, input_NCHW: Tensor) -> list[Tensor]:
        parts, maps = dict(self.named_children()), [self.conv0(input_NCHW)]
        for level in range(1, 7):
            maps.append(parts[f"conv{level}_1"](parts[f"conv{level}"](maps[-1])))
        return maps[:1:-1]
