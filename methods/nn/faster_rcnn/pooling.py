"""Pooling of regions from the maps of K frames."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import roi_pool

from methods.nn.faster_rcnn.config import RegionConfig
from methods.nn.roi_align import roi_align


def pooled(maps_BKCHW: Tensor, boxes: Sequence[Tensor], stride: int, config: RegionConfig) -> Tensor:
    """Every box from its own frame's map, (N, K, C, size, size), in float32.

    boxes: (n, K, 4) of every clip, in pixels of the frame. No gradient flows to them.
    """
    clips, frames = maps_BKCHW.shape[:2]
    boxes_NK4 = torch.cat(list(boxes)).detach()
    clip_N = torch.arange(clips).repeat_interleave(torch.tensor([len(b) for b in boxes]))
    frame_NK = (clip_N[:, None] * frames + torch.arange(frames)).to(boxes_NK4.device)
    maps_FCHW, boxes_R4, frame_R = (
        maps_BKCHW.flatten(0, 1).float(),
        boxes_NK4.flatten(0, 1),
        frame_NK.flatten(),
    )
    if config.pooling == "align":
        regions_RCSS = roi_align([maps_FCHW], boxes_R4, frame_R, [stride], config.size)
    else:
        rois_R5 = torch.cat([frame_R[:, None].to(boxes_R4), boxes_R4], dim=1)
        regions_RCSS = roi_pool(maps_FCHW, rois_R5, config.size, 1 / stride)
    return regions_RCSS.unflatten(0, boxes_NK4.shape[:2])
