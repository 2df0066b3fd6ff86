"""Faster R-CNN on stacks of K consecutive frames (RecLNet, section 5.4); with K = 1 the ordinary one.

The trunk sees every frame alone. Proposals are boxes in all K frames with one score; a region's K features,
one after the other, give its class scores, once, and for every class its box in each frame.
Boxes are x1, y1, x2, y2 in pixels of the frames given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.ops import clip_boxes_to_image

from methods.nn.faster_rcnn.boxes import REGION_CODER, anchor_grid, decoded, inside
from methods.nn.faster_rcnn.config import FasterRcnnConfig
from methods.nn.faster_rcnn.losses import anchor_losses, region_losses
from methods.nn.faster_rcnn.matching import Truth, sampled_anchors, sampled_regions
from methods.nn.faster_rcnn.pooling import pooled
from methods.nn.faster_rcnn.proposals import AnchorOutputs, ProposalNetwork, Selection, proposed
from methods.nn.faster_rcnn.trunks import build

MEAN = (123.675, 116.28, 103.53)
DEVIATION = (58.395, 57.12, 57.375)
"""Of ImageNet's pixels, as torchvision's weights expect them."""


@dataclass(frozen=True)
class Detected:
    """Regions of one clip, C = classes + 1 with background first.

    class_boxes_NCK4: the box that every class has of a region; scores_NC: softmax.
    """

    class_boxes_NCK4: Tensor
    scores_NC: Tensor


class FasterRCNN(nn.Module):
    """The detector of one stream. ``forward`` is :meth:`losses`.

    images_BK3HW: uint8 or float in 0..255, RGB or a flow image of three channels; K is ``frames``.
    In evaluation mode a clip's result does not depend on the others of its batch.
    """

    def __init__(self, config: FasterRcnnConfig, num_classes: int, frames: int = 1) -> None:
        super().__init__()
        self.config, self.num_classes, self.frames = config, num_classes, frames
        self.trunk = build(config.trunk, config.regions.size)
        self.proposals = ProposalNetwork(config.proposals, self.trunk.channels, frames)
        size, classes = frames * self.trunk.feature_size, num_classes + 1
        self.classes = nn.Linear(size, classes)
        self.boxes = nn.Linear(size, frames * classes * 4)
        for layer, deviation in ((self.classes, 0.01), (self.boxes, 0.001)):
            nn.init.normal_(layer.weight, std=deviation)
            nn.init.zeros_(layer.bias)
        self.mean: Tensor = nn.Buffer(torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.deviation: Tensor = nn.Buffer(torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)

    def losses(
        self, images_BK3HW: Tensor, truth: Sequence[Truth], generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """``rpn_class``, ``rpn_box``, ``region_class`` and ``region_box``; truth: of every clip.

        generator: on the CPU, for the choice of anchors and regions; None: torch's global one.
        Raises ValueError for truth of another number of clips or frames, and where no anchor lies inside the
        frame and others may not be trained.
        """
        self._check(images_BK3HW, truth)
        config = self.config
        maps_BKCHW, outputs, anchors_A4 = self._anchored(images_BK3HW)
        row_U = self._usable(anchors_A4, _frame_size(images_BK3HW))
        anchors = [sampled_anchors(anchors_A4, row_U, t, config.proposals, generator) for t in truth]
        proposals = self._proposed(outputs, anchors_A4, images_BK3HW, config.proposals.training)
        regions = [sampled_regions(p, t, config.regions, generator) for p, t in zip(proposals, truth)]
        features_SD = self._described(maps_BKCHW, [r.boxes_SK4 for r in regions])
        logits_SC, offsets_SCK4 = self._said(features_SD)
        return anchor_losses(outputs, anchors) | region_losses(logits_SC, offsets_SCK4, regions)

    forward = losses

    @torch.no_grad()
    def detect(self, images_BK3HW: Tensor) -> list[Detected]:
        """The regions of every clip before any non-maximum suppression of classes, boxes cut to the frame."""
        maps_BKCHW, outputs, anchors_A4 = self._anchored(images_BK3HW)
        proposals = self._proposed(outputs, anchors_A4, images_BK3HW, self.config.proposals.testing)
        logits_NC, offsets_NCK4 = self._said(self._described(maps_BKCHW, proposals))
        boxes_NCK4 = decoded(offsets_NCK4.float(), torch.cat(proposals)[:, None], REGION_CODER)
        boxes_NCK4 = clip_boxes_to_image(boxes_NCK4, _frame_size(images_BK3HW))
        found = boxes_NCK4, logits_NC.float().softmax(dim=1)
        counts = [len(boxes) for boxes in proposals]
        return [Detected(*rows) for rows in zip(*(column.split(counts) for column in found))]

    @torch.no_grad()
    def describe(self, images_BK3HW: Tensor, boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Softmax (N, C) and features (N, D) of given boxes (n, K, 4) of every clip, as in Fast R-CNN.

        One clip's rows lie after the other's. Features are what the softmax is made from: of VGG16 fc7 after
        its ReLU, 4096 a frame; of ResNet-101 the mean of its last stage, 2048.
        """
        features_ND = self._described(self._maps(images_BK3HW), boxes)
        logits_NC: Tensor = self.classes(features_ND)
        return logits_NC.float().softmax(dim=1), features_ND

    def _check(self, images_BK3HW: Tensor, truth: Sequence[Truth]) -> None:
        clips, frames = images_BK3HW.shape[:2]
        of_truth = {t.boxes_GK4.shape[1] for t in truth}
        if len(truth) != clips or of_truth | {frames} != {self.frames}:
            raise ValueError(
                f"clips of {self.frames} frames, each with its truth, are expected, not {clips} of {frames} "
                f"frames and {len(truth)} truths of {sorted(of_truth)}"
            )

    def _maps(self, images_BK3HW: Tensor) -> Tensor:
        normal_BK3HW = (images_BK3HW - self.mean) / self.deviation
        return self.trunk.maps(normal_BK3HW.flatten(0, 1)).unflatten(0, images_BK3HW.shape[:2])

    def _anchored(self, images_BK3HW: Tensor) -> tuple[Tensor, AnchorOutputs, Tensor]:
        """Maps (B, K, C, H, W), what is said of the anchors, and the anchors."""
        maps_BKCHW = self._maps(images_BK3HW)
        config, (height, width) = self.config.proposals, maps_BKCHW.shape[3:]
        anchors_A4 = anchor_grid(
            (height, width), self.trunk.stride, config.anchor_sizes, config.anchor_ratios
        )
        return maps_BKCHW, self.proposals(maps_BKCHW), anchors_A4.to(maps_BKCHW.device)

    def _usable(self, anchors_A4: Tensor, frame_size: tuple[int, int]) -> Tensor:
        """Rows of the anchors that may be trained."""
        if self.config.proposals.crossing:
            return torch.arange(len(anchors_A4), device=anchors_A4.device)
        row_U = inside(anchors_A4, frame_size).nonzero()[:, 0]
        if not len(row_U):
            height, width = frame_size
            raise ValueError(
                f"no anchor lies inside a frame of {width}x{height}: give smaller ones than "
                f"proposals.anchor_sizes={self.config.proposals.anchor_sizes}, or proposals.crossing=true"
            )
        return row_U

    def _proposed(
        self, outputs: AnchorOutputs, anchors_A4: Tensor, images_BK3HW: Tensor, counts: tuple[int, int]
    ) -> list[Tensor]:
        selection = Selection(*counts, self.config.proposals.nms)
        return proposed(outputs, anchors_A4, _frame_size(images_BK3HW), selection)

    def _described(self, maps_BKCHW: Tensor, boxes: Sequence[Tensor]) -> Tensor:
        """Features (N, D) of the boxes (n, K, 4) of every clip."""
        regions_NKCSS = pooled(maps_BKCHW, boxes, self.trunk.stride, self.config.regions)
        if not len(regions_NKCSS):  # batch normalisation refuses a batch of none
            return regions_NKCSS.new_zeros(0, self.classes.in_features)
        features_RD = self.trunk.described(regions_NKCSS.flatten(0, 1))
        return features_RD.unflatten(0, regions_NKCSS.shape[:2]).flatten(1)

    def _said(self, features_ND: Tensor) -> tuple[Tensor, Tensor]:
        """Class logits (N, C) and offsets (N, C, K, 4)."""
        offsets_NKC4 = self.boxes(features_ND).unflatten(1, (self.frames, self.num_classes + 1, 4))
        return self.classes(features_ND), offsets_NKC4.transpose(1, 2)


def _frame_size(images_BK3HW: Tensor) -> tuple[int, int]:
    """Height and width."""
    height, width = images_BK3HW.shape[3:]
    return height, width
