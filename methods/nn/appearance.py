"""Persistence of appearance (Zhang, Zou, Chen and Gan, "PAN: Towards Fast Action Recognition via Learning
Persistence of Appearance", 2020): motion between neighbouring frames from one shallow convolution.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

EPS = 1e-6


class PersistenceOfAppearance(nn.Module):
    """frames_BTCHW to maps (B, T - 1, H, W): map i is how far the features of frames i and i + 1 lie apart.

    The distance is Euclidean over the 8 feature channels, `EPS` added to every difference as the authors'
    pairwise distance does. 1,184 parameters.
    """

    def __init__(self, in_channels: int = 3, features: int = 8):
        super().__init__()
        self.shallow_conv = nn.Conv2d(in_channels, features, 7, padding=3)
        nn.init.normal_(self.shallow_conv.weight, std=0.001)
        if self.shallow_conv.bias is not None:
            nn.init.zeros_(self.shallow_conv.bias)

    def forward(self, frames_BTCHW: Tensor) -> Tensor:
        """The convolution is linear, so it is applied to differences of frames, where its bias is gone."""
        steps = frames_BTCHW[:, :-1] - frames_BTCHW[:, 1:]
        convolution = self.shallow_conv
        features = F.conv2d(steps.flatten(0, 1), convolution.weight, padding=convolution.padding)
        distances: Tensor = (features + EPS).square().sum(dim=1).sqrt()
        return distances.unflatten(0, steps.shape[:2])
