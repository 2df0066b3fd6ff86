"""Persistence of appearance (Zhang, Zou, Chen and Gan, "PAN: Towards Fast Action Recognition via Learning
Persistence of Appearance", 2020): motion between neighbouring frames from one shallow convolution.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

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
        batch, length = frames_BTCHW.shape[:2]
        features = self.shallow_conv(frames_BTCHW.flatten(0, 1)).unflatten(0, (batch, length))
        step = features[:, :-1] - features[:, 1:] + EPS
        return torch.linalg.vector_norm(step, dim=2)
