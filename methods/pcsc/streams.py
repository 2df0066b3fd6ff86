"""One stream of PCSC up to its proposals: I3D, feature pyramid, region proposal network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from methods.nn.batch_norm import freeze_batch_norm
from methods.nn.fpn import FeaturePyramid, subsample, temporal_pool
from methods.nn.i3d import I3D, I3DConfig
from methods.pcsc.config import ModelConfig, TrainingConfig
from methods.pcsc.regions import Target

ENDPOINTS = {2: "Conv3d_2c_3x3", 3: "Mixed_3c", 4: "Mixed_4f", 5: "Mixed_5c"}
"""C2..C5. The paper's "Mixed3d" does not exist in I3D; C3 is Mixed_3c (stride 8)."""
IN_CHANNELS = {"rgb": 3, "flow": 2}
Pyramid = list[Tensor]


class Anchors(AnchorGenerator):
    """torchvision's anchors with one cell every 2^l pixels at level l.

    The base class divides the frame by the map, which is wrong where the frame is no multiple of 2^l.
    """

    def __init__(self, model: ModelConfig) -> None:
        super().__init__(model.anchor_sizes, (model.anchor_ratios,) * len(model.anchor_sizes))
        self.strides = [2 ** (model.levels[0] + i) for i in range(len(model.anchor_sizes))]

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        first = feature_maps[0]
        self.set_cell_anchors(first.dtype, first.device)
        strides = [[first.new_tensor(s, dtype=torch.int64)] * 2 for s in self.strides]
        grid = torch.cat(self.grid_anchors([list(m.shape[-2:]) for m in feature_maps], strides))
        return [grid] * len(image_list.image_sizes)


class Stream(nn.Module):
    """One stream up to its proposals: I3D, FPN over time-averaged levels, RPN."""

    def __init__(self, name: str, model: ModelConfig, training: TrainingConfig) -> None:
        super().__init__()
        self.endpoints = [ENDPOINTS[level] for level in model.levels]
        shape = I3DConfig(
            in_channels=IN_CHANNELS[name],
            num_classes=None,
            width=model.width,
            stem_kernel=model.stem_kernel,
            last_endpoint=self.endpoints[-1],
        )
        self.backbone = I3D(shape)
        if model.frozen_batch_norm:
            freeze_batch_norm(self.backbone)
        self.channels = [shape.channels(e) for e in self.endpoints]
        self.pyramid = FeaturePyramid(self.channels, model.pyramid_channels)
        self.extra = len(model.anchor_sizes) - len(model.levels)
        anchors = Anchors(model)
        self.rpn = RegionProposalNetwork(
            anchors,
            RPNHead(model.pyramid_channels, anchors.num_anchors_per_location()[0]),
            fg_iou_thresh=0.7,
            bg_iou_thresh=0.3,
            batch_size_per_image=training.rpn_batch,
            positive_fraction=0.5,
            pre_nms_top_n={"training": model.proposals_train[0], "testing": model.proposals_test[0]},
            post_nms_top_n={"training": model.proposals_train[1], "testing": model.proposals_test[1]},
            nms_thresh=0.7,
        )

    def levels(self, clip_BCTHW: Tensor) -> Pyramid:
        """C2..C5 (those the config uses), averaged over time. BCHW each."""
        found = self.backbone.forward_endpoints(clip_BCTHW, self.endpoints)
        return [temporal_pool(found[name]) for name in self.endpoints]

    def propose(
        self, pyramid: Pyramid, clip_BCTHW: Tensor, targets: Sequence[Target] | None
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Proposals of every image and, with targets, the RPN's losses."""
        maps = list(pyramid)
        for _ in range(self.extra):
            maps.append(subsample(maps[-1]))
        height, width = clip_BCTHW.shape[-2:]
        images = ImageList(clip_BCTHW[:, :, 0], [(height, width)] * len(clip_BCTHW))
        truth = None if targets is None else [{"boxes": t.boxes, "labels": t.labels} for t in targets]
        return self.rpn(images, {str(i): m for i, m in enumerate(maps)}, truth)
