"""What every flow network is: two pictures in, flow in pixels out, whatever its training saw."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FlowNetwork(nn.Module, ABC):
    """Optical flow from one picture to another, by learned weights.

    Pictures are RGB in [0, 255], float, of any size; scaling, normalisation and the order of channels that
    the weights expect are the network's own business. Gradients reach weights and pictures. There is no layer
    that does otherwise in training than in use: frozen is ``requires_grad_(False)`` and nothing more.

    A subclass gives :meth:`normalised` and :meth:`estimates`.
    """

    stride = 64
    """Sides of the pictures that :meth:`estimates` sees are multiples of it."""

    def forward(self, first_N3HW: Tensor, second_N3HW: Tensor) -> Tensor:
        """flow_N2HW: what is at (x, y) in the first picture is at (x + u, y + v) in the second."""
        finest = self.pyramid(first_N3HW, second_N3HW)[0]
        height, width = first_N3HW.shape[2:]
        return resized(finest, (height, width))

    def pyramid(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        """Flow at every scale that the network estimates, the finest first, (N, 2, h, w) each.

        Vectors are in pixels of the pictures whatever the scale, as a loss at several scales wants them.
        Raises ValueError if the pictures differ in shape or are not RGB.
        """
        if first_N3HW.shape != second_N3HW.shape or first_N3HW.dim() != 4 or first_N3HW.shape[1] != 3:
            shapes = f"{tuple(first_N3HW.shape)} and {tuple(second_N3HW.shape)}"
            raise ValueError(
                f"flow wants two batches of RGB pictures (N, 3, H, W) of one shape, not {shapes}"
            )
        height, width = first_N3HW.shape[2:]
        fitted = height + -height % self.stride, width + -width % self.stride
        pictures = self.normalised(resized(first_N3HW, fitted), resized(second_N3HW, fitted))
        flows = self.estimates(*pictures)
        if fitted == (height, width):
            return flows
        scale = flows[0].new_tensor([width / fitted[1], height / fitted[0]]).view(2, 1, 1)
        return [flow * scale for flow in flows]

    @abstractmethod
    def normalised(self, first_N3HW: Tensor, second_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        """The pictures as the weights expect them."""

    @abstractmethod
    def estimates(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        """Flow of normalised pictures at every scale, the finest first, in pixels of the pictures."""


def resized(map_NCHW: Tensor, size: tuple[int, int]) -> Tensor:
    """The map at another (height, width), bilinear; values stay as they are."""
    if tuple(map_NCHW.shape[2:]) == size:
        return map_NCHW
    return F.interpolate(map_NCHW, size, mode="bilinear", align_corners=False)


def centred(first_N3HW: Tensor, second_N3HW: Tensor) -> tuple[Tensor, Tensor]:
    """Both pictures less the mean colour of the two together, over 255: FlowNet 2's normalisation."""
    mean = torch.stack([first_N3HW, second_N3HW]).mean((0, 3, 4), keepdim=True)[0]
    return (first_N3HW - mean) / 255, (second_N3HW - mean) / 255
