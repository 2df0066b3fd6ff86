"""How two frames are compared: correlation of feature maps, and warping one frame to the other by flow."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

NEAR = 2
"""Reach up to which products are summed one displacement after the other: on a CPU in a third of the time at
48x40, where a reach of 4 takes half as much again."""
INSIDE = 0.9999
"""Share of a sampled pixel that must lie in the map for :func:`warped_inside` to keep it."""


def correlation(first_NCHW: Tensor, second_NCHW: Tensor, reach: int, stride: int = 1) -> Tensor:
    """Mean over channels of the product of the first map with the second, displaced: (N, K * K, H, W).

    Displacements (dx, dy) go from ``-reach`` to ``reach`` by ``stride``, K each; channel ``row * K + column``
    holds first(x, y) * second(x + dx, y + dy) of row dy and column dx. Zero beyond the border (FlowNet's
    correlation layer with kernel 1; PWC-Net's cost volume). Raises ValueError if ``stride`` does not divide
    ``reach``.
    """
    if reach % stride:
        raise ValueError(f"reach {reach} of the correlation is no multiple of its stride {stride}")
    height, width = first_NCHW.shape[2:]
    if stride == 1:
        return (_displaced if reach <= NEAR else _dense)(first_NCHW, second_NCHW, reach)
    edges = [0, -width % stride, 0, -height % stride]
    first, second = (_phases(F.pad(x, edges), stride) for x in (first_NCHW, second_NCHW))
    found = F.pixel_shuffle(_phases_last(_dense(first, second, reach // stride), stride), stride)
    return found[:, :, :height, :width]


def _phases(map_NCHW: Tensor, stride: int) -> Tensor:
    """(N * stride * stride, C, H / stride, W / stride): each phase of the grid is a map of its own."""
    batch, channels, height, width = map_NCHW.shape
    parts = map_NCHW.view(batch, channels, height // stride, stride, width // stride, stride)
    return parts.permute(0, 3, 5, 1, 2, 4).reshape(-1, channels, height // stride, width // stride)


def _phases_last(map_NCHW: Tensor, stride: int) -> Tensor:
    """The phases that :func:`_phases` made a part of the batch as the last part of the channels."""
    parts = map_NCHW.unflatten(0, (-1, stride * stride))
    return parts.transpose(1, 2).flatten(1, 2)


def _displaced(first_NCHW: Tensor, second_NCHW: Tensor, reach: int) -> Tensor:
    """The correlation at every displacement, one after the other."""
    height, width = first_NCHW.shape[2:]
    first, second = first_NCHW / first_NCHW.shape[1], F.pad(second_NCHW, [reach] * 4)
    places = range(2 * reach + 1)
    found = [(first * second[:, :, y : y + height, x : x + width]).sum(dim=1) for y in places for x in places]
    return torch.stack(found, dim=1)


def _dense(first_NCHW: Tensor, second_NCHW: Tensor, reach: int) -> Tensor:
    """The correlation at every displacement. Row by row: all pairs of a row of the first and a row of the
    second map by one matrix product, of which the band around the diagonal is kept."""
    batch, channels, height, width = first_NCHW.shape
    side = 2 * reach + 1
    rows_NHWC = (first_NCHW / channels).permute(0, 2, 3, 1).contiguous()
    others_NHCW = F.pad(second_NCHW, [reach] * 4).permute(0, 2, 1, 3).contiguous()
    found = []
    for row in range(side):
        pairs = torch.matmul(rows_NHWC, others_NHCW[:, row : row + height])
        strides = (*pairs.stride()[:2], pairs.stride(2) + 1, 1)
        found.append(pairs.as_strided((batch, height, width, side), strides).permute(0, 3, 1, 2))
    return torch.cat(found, dim=1)


def warped(map_NCHW: Tensor, flow_N2HW: Tensor) -> Tensor:
    """The map at (x + u, y + v) for every (x, y), bilinear, the border repeated: FlowNet2's Resample2d."""
    return _sampled(map_NCHW, flow_N2HW, "border")


def warped_inside(map_NCHW: Tensor, flow_N2HW: Tensor) -> Tensor:
    """As :func:`warped`, but zero wherever a pixel beyond the border takes part: PWC-Net's warping."""
    cover = _sampled(torch.ones_like(map_NCHW[:, :1]), flow_N2HW.detach(), "zeros")
    return _sampled(map_NCHW, flow_N2HW, "zeros") * (cover >= INSIDE)


def _sampled(map_NCHW: Tensor, flow_N2HW: Tensor, beyond: str) -> Tensor:
    """In float32 at least: half precision cannot tell the columns of a frame apart."""
    exact = torch.promote_types(flow_N2HW.dtype, torch.float32)
    height, width = map_NCHW.shape[2:]
    rows, columns = (torch.arange(n, dtype=exact, device=flow_N2HW.device) for n in (height, width))
    x_NHW = columns + flow_N2HW[:, 0].to(exact)
    y_NHW = rows[:, None] + flow_N2HW[:, 1].to(exact)
    grid = torch.stack([2 * x_NHW / max(width - 1, 1) - 1, 2 * y_NHW / max(height - 1, 1) - 1], dim=-1)
    found = F.grid_sample(map_NCHW.to(exact), grid, padding_mode=beyond, align_corners=True)
    return found.to(map_NCHW.dtype)
