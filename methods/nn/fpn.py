"""Feature pyramid (Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import FeaturePyramidNetwork


class FeaturePyramid(nn.Module):
    """Lateral 1x1 convolutions, top-down sums with nearest up-sampling, a 3x3 convolution a level.

    in_channels: channels of the backbone's levels, finest first. torchvision's pyramid does the work: every
    coarser map is resized to the lateral's own size, so odd sizes are fine; all convolutions have a bias.
    (192, 480, 832, 1024) -> 256: 3,008,512 parameters, 648,192 of them lateral.
    """

    def __init__(self, in_channels: Sequence[int], channels: int = 256):
        super().__init__()
        self.channels = channels
        self.pyramid = FeaturePyramidNetwork(list(in_channels), channels)

    def forward(self, levels: Sequence[Tensor], extra: bool = False) -> list[Tensor]:
        """Levels C2.. (B, C_l, H_l, W_l), finest first -> P2.. (B, channels, H_l, W_l), in the same order.

        With `extra`, the last output sub-sampled by 2 is appended (P6 of the region proposal network).
        Raises ValueError where the number of levels is not that of `in_channels`.
        """
        if len(levels) != len(self.pyramid.inner_blocks):
            raise ValueError(
                f"this pyramid has {len(self.pyramid.inner_blocks)} levels, it was given {len(levels)}"
            )
        maps = list(self.pyramid({str(i): level for i, level in enumerate(levels)}).values())
        return [*maps, subsample(maps[-1])] if extra else maps


def subsample(x_BCHW: Tensor) -> Tensor:
    """Every second row and column, ceil(H / 2) x ceil(W / 2), by max pooling with kernel 1 and stride 2."""
    return F.max_pool2d(x_BCHW, kernel_size=1, stride=2)


def temporal_pool(x_BCTHW: Tensor) -> Tensor:
    """Mean over time, (B, C, T, H, W) -> (B, C, H, W).

    How Gu et al. ("AVA", CVPR 2018, section 5) make the map of a key-frame from the maps of an I3D clip.
    """
    return x_BCTHW.mean(dim=2)
