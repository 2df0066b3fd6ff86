"""PWC-Net with dense decoders (Sun et al., "PWC-Net: CNNs for Optical Flow Using Pyramid, Warping, and Cost
Volume", CVPR 2018). Attributes carry the names of the authors' PyTorch weights.

From level 6 (stride 64) to level 2 (stride 4): the second picture's features are warped by the flow so far,
correlated with the first picture's over 4 pixels, and decoded; dilated convolutions refine the last flow.
"""

from __future__ import annotations

from torch import Tensor, cat, nn
from torch.nn import functional as F

from methods.nn.flow.flownet import conv, doubling, flow_head
from methods.nn.flow.matching import correlation, warped_inside
from methods.nn.flow.network import FlowNetwork

FLOW_SCALE = 20.0
"""Pixels that the network calls 1."""
CHANNELS = (3, 16, 32, 64, 96, 128, 196)
"""Of the picture and of the six levels of the pyramid."""
REACH = 4
DENSE = (128, 128, 96, 64, 32)
"""Channels that each convolution of a decoder puts before its input."""
CONTEXT = ((128, 1), (128, 2), (128, 4), (96, 8), (64, 16), (32, 1))
"""(channels, dilation) of the convolutions that refine the last flow."""


class PwcNet(FlowNetwork):
    """PWC-DC-Net; ``deep``: three convolutions a level as in the published weights, not two as before.

    The authors' weights see blue, green, red in [0, 1]; so do these, made from RGB here, unless
    ``blue_first`` is taken back for weights that were tuned on RGB. ``deconv2`` is in the weights and never
    used.
    """

    def __init__(self, deep: bool = True) -> None:
        super().__init__()
        self.deep, self.blue_first = deep, True
        for level in range(1, 7):
            for name, stride in zip(self._names(level), (2, 1, 1)):
                below = CHANNELS[level - 1] if stride == 2 else CHANNELS[level]
                self.add_module(name, conv(below, CHANNELS[level], stride=stride))
        for level in range(6, 1, -1):
            self._add_decoder(level)
        below = self._decoder_input(2) + sum(DENSE)
        for number, (channels, dilation) in enumerate(CONTEXT, 1):
            dilated = nn.Conv2d(below, channels, 3, padding=dilation, dilation=dilation)
            self.add_module(f"dc_conv{number}", nn.Sequential(dilated, nn.LeakyReLU(0.1, inplace=True)))
            below = channels
        self.dc_conv7 = flow_head(below)

    def _names(self, level: int) -> tuple[str, ...]:
        """The convolutions of a level of the pyramid, in order; the sixth level's names are in another."""
        kinds = ("a", "b") if not self.deep else ("aa", "a", "b") if level == 6 else ("a", "aa", "b")
        return tuple(f"conv{level}{kind}" for kind in kinds)

    @staticmethod
    def _decoder_input(level: int) -> int:
        """Channels: the correlation and, below level 6, the first picture's features and both ways up."""
        return (2 * REACH + 1) ** 2 + (CHANNELS[level] + 4 if level < 6 else 0)

    def _add_decoder(self, level: int) -> None:
        channels = self._decoder_input(level)
        for number, more in enumerate(DENSE):
            self.add_module(f"conv{level}_{number}", conv(channels, more))
            channels += more
        self.add_module(f"predict_flow{level}", flow_head(channels))
        self.add_module(f"deconv{level}", doubling(2, 2))
        if level > 2:
            self.add_module(f"upfeat{level}", doubling(channels, 2))

    def normalised(self, first_N3HW: Tensor, second_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        pair = first_N3HW / 255, second_N3HW / 255
        return (pair[0].flip(1), pair[1].flip(1)) if self.blue_first else pair

    def estimates(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        return [FLOW_SCALE * flow for flow in self.raw(first_N3HW, second_N3HW)]

    def raw(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        """Flow at strides 4, 8 ... 64 as the weights know it, in units of 20 pixels."""
        parts = dict(self.named_children())
        levels = list(zip(self._features(first_N3HW), self._features(second_N3HW)))
        features, flow = self._decoded(6, self._matched(*levels[5]))
        flows = [flow]
        for level in range(5, 1, -1):
            first, second = levels[level - 1]
            up = parts[f"deconv{level + 1}"](flow)
            matched = self._matched(first, warped_inside(second, up * (FLOW_SCALE / 2**level)))
            context = [matched, first, up, parts[f"upfeat{level + 1}"](features)]
            features, flow = self._decoded(level, cat(context, 1))
            flows.append(flow)
        for number in range(1, 8):
            features = parts[f"dc_conv{number}"](features)
        return [flow + features, *flows[-2::-1]]

    def _features(self, picture_N3HW: Tensor) -> list[Tensor]:
        """The maps of levels 1 to 6."""
        parts, maps = dict(self.named_children()), [picture_N3HW]
        for level in range(1, 7):
            below = maps[-1]
            for name in self._names(level):
                below = parts[name](below)
            maps.append(below)
        return maps[1:]

    @staticmethod
    def _matched(first_NCHW: Tensor, second_NCHW: Tensor) -> Tensor:
        return F.leaky_relu(correlation(first_NCHW, second_NCHW, REACH), 0.1)

    def _decoded(self, level: int, input_NCHW: Tensor) -> tuple[Tensor, Tensor]:
        """(features, flow) of a level."""
        parts, features = dict(self.named_children()), input_NCHW
        for number in range(len(DENSE)):
            features = cat([parts[f"conv{level}_{number}"](features), features], 1)
        return features, parts[f"predict_flow{level}"](features)
