"""The non-local block (Wang, Girshick, Gupta and He, "Non-local Neural Networks", CVPR 2018), 3-D.

The embedded Gaussian form: every place attends to all places of the clip's map, and what it gathers is added
to it. Module names are those of the widespread PyTorch implementation. It begins as the identity.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class NonLocal3d(nn.Module):
    """(B, C, T, H, W) to the same shape. 8,397,824 parameters at 2048 channels.

    subsample: keys and values are max pooled by (1, 2, 2) first, a quarter of the work (section 3.3).
    """

    def __init__(self, channels: int, subsample: bool = True):
        super().__init__()
        inner = channels // 2
        self.theta = nn.Conv3d(channels, inner, 1)
        self.phi: nn.Module = nn.Conv3d(channels, inner, 1)
        self.g: nn.Module = nn.Conv3d(channels, inner, 1)
        if subsample:
            self.phi = nn.Sequential(self.phi, nn.MaxPool3d((1, 2, 2)))
            self.g = nn.Sequential(self.g, nn.MaxPool3d((1, 2, 2)))
        normalise = nn.BatchNorm3d(channels)
        nn.init.zeros_(normalise.weight)
        nn.init.zeros_(normalise.bias)
        self.W = nn.Sequential(nn.Conv3d(inner, channels, 1), normalise)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        query_BNC = self.theta(x_BCTHW).flatten(2).transpose(1, 2)
        weight_BNM = torch.softmax(query_BNC @ self.phi(x_BCTHW).flatten(2), dim=-1)
        gathered_BNC = weight_BNM @ self.g(x_BCTHW).flatten(2).transpose(1, 2)
        gathered_BCTHW = gathered_BNC.transpose(1, 2).reshape(len(x_BCTHW), -1, *x_BCTHW.shape[2:])
        return x_BCTHW + self.W(gathered_BCTHW)
