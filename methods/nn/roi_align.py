"""RoIAlign (He et al., "Mask R-CNN", ICCV 2017) over the levels of a feature pyramid.

On a CPU: bilinear sampling and the average over the sampling points are both products of one weight along
the rows and one along the columns, so a region is Wy F Wx^T, two matrix products. The values are those of
`torchvision.ops.roi_align(aligned=True)`, which is used elsewhere, but for rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import roi_align as torchvision_roi_align


@dataclass(frozen=True)
class LevelRule:
    """The level a box is pooled from, FPN eq. 1: floor(level + log2(sqrt(area) / size)).

    Level l has stride 2^l.
    """

    size: float = 224.0
    level: int = 4

    def __call__(self, boxes_N4: Tensor, strides: Sequence[int]) -> Tensor:
        """Index into `strides` (finest first) of every box; the ends where no such level is there."""
        sides_N2 = (boxes_N4[:, 2:] - boxes_N4[:, :2]).clamp(min=0)
        level_N = torch.floor(self.level + torch.log2(sides_N2.prod(dim=1).sqrt() / self.size) + 1e-6)
        first, last = (stride.bit_length() - 1 for stride in (strides[0], strides[-1]))
        return (level_N.clamp(first, last) - first).long()


def roi_align(
    features: Sequence[Tensor],
    boxes_N4: Tensor,
    image_index_N: Tensor,
    strides: Sequence[int],
    size: int = 7,
    sampling_ratio: int = 2,
    rule: LevelRule = LevelRule(),
) -> Tensor:
    """Pool every box from its level: (N, C, size, size).

    features: the pyramid's maps (B, C, H_l, W_l), finest first. strides: pixels a cell of each, powers of 2,
    each twice the one before. boxes_N4: x1, y1, x2, y2 in pixels of the image (continuous, width x2 - x1).
    image_index_N: int64, the image in the batch that a box belongs to. No gradient flows to the boxes.
    Raises ValueError for strides that are no such pyramid and for an image index without an image.
    """
    _check(features, boxes_N4, image_index_N, strides)
    boxes_N4 = boxes_N4.detach().to(features[0].dtype)
    level_N = rule(boxes_N4, strides)
    pool = _pool_separably if boxes_N4.device.type == "cpu" else _pool_torchvision
    rows, pooled = [], []
    for index, (map_BCHW, stride) in enumerate(zip(features, strides, strict=True)):
        row_n = torch.nonzero(level_N == index).flatten()
        if len(row_n):
            rows.append(row_n)
            pooled.append(
                pool(map_BCHW, boxes_N4[row_n] / stride, image_index_N[row_n], size, sampling_ratio)
            )
    if not rows:
        return features[0].new_zeros((0, features[0].shape[1], size, size))
    if len(rows) == 1:
        return pooled[0]
    return torch.cat(pooled)[torch.cat(rows).argsort()]


def _check(features: Sequence[Tensor], boxes_N4: Tensor, image_N: Tensor, strides: Sequence[int]) -> None:
    is_pyramid = all(s > 0 and s & (s - 1) == 0 and s == strides[0] << i for i, s in enumerate(strides))
    if not strides or len(strides) != len(features) or not is_pyramid:
        raise ValueError(
            f"{len(features)} maps need as many strides, doubling powers of 2, not {list(strides)}"
        )
    if boxes_N4.ndim != 2 or boxes_N4.shape[1] != 4 or image_N.shape != boxes_N4.shape[:1]:
        raise ValueError(
            f"boxes must be (N, 4) and image_index (N,), not {tuple(boxes_N4.shape)} and "
            f"{tuple(image_N.shape)}"
        )
    if len(image_N) and not 0 <= int(image_N.min()) <= int(image_N.max()) < len(features[0]):
        raise ValueError(
            f"image_index must be in 0 .. {len(features[0]) - 1}, it has "
            f"{int(image_N.min())} .. {int(image_N.max())}"
        )


def _pool_torchvision(
    map_BCHW: Tensor, boxes_N4: Tensor, image_N: Tensor, size: int, sampling_ratio: int
) -> Tensor:
    rois_N5 = torch.cat([image_N[:, None].to(boxes_N4), boxes_N4], dim=1)
    pooled: Tensor = torchvision_roi_align(map_BCHW, rois_N5, size, 1.0, sampling_ratio, aligned=True)
    return pooled


def _pool_separably(
    map_BCHW: Tensor, boxes_N4: Tensor, image_N: Tensor, size: int, sampling_ratio: int
) -> Tensor:
    """Boxes in cells of the map -> (N, C, size, size). Boxes of one image share the first product."""
    channels, height, width = map_BCHW.shape[1:]
    wy_NPH = _sampling_weights(boxes_N4[:, 1], boxes_N4[:, 3], height, size, sampling_ratio)
    wx_NQW = _sampling_weights(boxes_N4[:, 0], boxes_N4[:, 2], width, size, sampling_ratio)
    map_BHF = map_BCHW.permute(0, 2, 3, 1).flatten(2)
    slot_N, slots = _slots(image_N, len(map_BHF))
    wy_SPH = wy_NPH.new_zeros(slots, size, height).index_copy(0, slot_N, wy_NPH)
    wx_SQW = wx_NQW.new_zeros(slots, size, width).index_copy(0, slot_N, wx_NQW)
    rows_BRF = wy_SPH.view(len(map_BHF), -1, height) @ map_BHF
    pooled_SPQC = wx_SQW.unsqueeze(1) @ rows_BRF.view(slots, size, width, channels)
    return pooled_SPQC.permute(0, 3, 1, 2)[slot_N]


def _slots(image_N: Tensor, images: int) -> tuple[Tensor, int]:
    """(slot of every box, number of slots): every image gets as many slots as the fullest has boxes."""
    counts_B = image_N.bincount(minlength=images)
    most = int(counts_B.max())
    order_N = image_N.argsort(stable=True)
    rank_N = torch.empty_like(order_N)
    first_B = counts_B.cumsum(0) - counts_B
    rank_N[order_N] = torch.arange(len(image_N), device=image_N.device) - first_B[image_N[order_N]]
    return image_N * most + rank_N, images * most


def _sampling_weights(start_N: Tensor, end_N: Tensor, cells: int, size: int, sampling_ratio: int) -> Tensor:
    """Weights (N, size, cells) of the cells in each bin along one axis; start and end in cells.

    Cell i's centre is at i + 0.5. A sample more than one cell outside counts as 0, one nearer takes the
    border's value, as in torchvision.
    """
    offset_S = (torch.arange(size * sampling_ratio, device=start_N.device) + 0.5) / sampling_ratio
    at_NS = (start_N - 0.5)[:, None] + ((end_N - start_N) / size)[:, None] * offset_S.to(start_N)
    inside_NS = (at_NS >= -1) & (at_NS <= cells)
    distance_NSK = at_NS.clamp(0, cells - 1)[..., None] - torch.arange(cells).to(start_N)
    weight_NSK = (1 - distance_NSK.abs()).clamp(min=0) * inside_NS[..., None]
    return weight_NSK.view(-1, size, sampling_ratio, cells).mean(dim=2)
