"""The region proposal network (Ren et al., section 3.1) on the maps of K frames (RecLNet, section 5.4)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import clip_boxes_to_image, nms

from methods.nn.faster_rcnn.boxes import ANCHOR_CODER, decoded
from methods.nn.faster_rcnn.config import ProposalConfig

LEAST_SIDE = 1.0
"""Pixels; a proposal that is smaller in some frame is dropped."""


class AnchorOutputs(NamedTuple):
    """What is said of every anchor: logits_BA2, of background and object, and offsets_BAK4 in each frame."""

    logits_BA2: Tensor
    offsets_BAK4: Tensor


class ProposalNetwork(nn.Module):
    """The K maps together to one objectness an anchor and its box in each frame.

    Objectness are two numbers an anchor, as published, those of background of all shapes first.
    """

    def __init__(self, config: ProposalConfig, channels: int, frames: int) -> None:
        super().__init__()
        shapes = len(config.anchor_sizes) * len(config.anchor_ratios)
        self.frames, self.shapes = frames, shapes
        self.conv = nn.Conv2d(frames * channels, config.channels, 3, padding=1)
        self.objectness = nn.Conv2d(config.channels, 2 * shapes, 1)
        self.boxes = nn.Conv2d(config.channels, 4 * shapes * frames, 1)
        for layer in (self.conv, self.objectness, self.boxes):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, maps_BKCHW: Tensor) -> AnchorOutputs:
        """Anchors by row, column and shape, as :func:`anchor_grid` orders them."""
        hidden_BCHW = F.relu(self.conv(maps_BKCHW.flatten(1, 2)))
        logits_B2SHW = self.objectness(hidden_BCHW).unflatten(1, (2, self.shapes))
        offsets_BKS4HW = self.boxes(hidden_BCHW).unflatten(1, (self.frames, self.shapes, 4))
        return AnchorOutputs(
            logits_B2SHW.permute(0, 3, 4, 2, 1).flatten(1, 3).float(),
            offsets_BKS4HW.permute(0, 4, 5, 2, 1, 3).flatten(1, 3).float(),
        )


class Selection(NamedTuple):
    """Proposals before and after non-maximum suppression, and its threshold."""

    before: int
    after: int
    threshold: float


@torch.no_grad()
def proposed(
    outputs: AnchorOutputs, anchors_A4: Tensor, frame_size: tuple[int, int], selection: Selection
) -> list[Tensor]:
    """Proposals (N, K, 4) of every clip, best first, cut to a frame of (height, width).

    Non-maximum suppression looks at the middle frame (K // 2) alone; what it keeps is kept in all.
    """
    score_BA = outputs.logits_BA2[..., 1] - outputs.logits_BA2[..., 0]
    best = score_BA.topk(min(selection.before, score_BA.shape[1]), dim=1)
    found = []
    for score_N, row_N, offsets_AK4 in zip(best.values, best.indices, outputs.offsets_BAK4):
        boxes_NK4 = decoded(offsets_AK4[row_N], anchors_A4[row_N, None], ANCHOR_CODER)
        boxes_NK4 = clip_boxes_to_image(boxes_NK4, frame_size)
        sides_NK2 = boxes_NK4[..., 2:] - boxes_NK4[..., :2]
        large_N = (sides_NK2 >= LEAST_SIDE).flatten(1).all(dim=1)
        boxes_NK4, score_N = boxes_NK4[large_N], score_N[large_N]
        middle_N4 = boxes_NK4[:, boxes_NK4.shape[1] // 2]
        found.append(boxes_NK4[nms(middle_N4, score_N, selection.threshold)[: selection.after]])
    return found
