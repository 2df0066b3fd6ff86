"""What a stage makes of pooled features: classes and boxes.

Labels are 1-based with 0 for background and the classes a softmax; with several labels a person they are
vectors of 0 and 1, none set for background, and every class is a sigmoid (ours: the paper has no such data).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from methods.pcsc.config import ModelConfig


class Head(nn.Module):
    """Two fully connected layers, class scores and box offsets (FPN's head). One for every stage."""

    def __init__(self, config: ModelConfig, num_classes: int, multi_label: bool = False) -> None:
        super().__init__()
        self.multi_label = multi_label
        size = config.pyramid_channels * config.roi_size**2
        self.fc6 = nn.Linear(size, config.head_channels)
        self.fc7 = nn.Linear(config.head_channels, config.head_channels)
        self.cls = nn.Linear(config.head_channels, num_classes + (not multi_label))
        # Class-specific offsets include the background's, as in Faster R-CNN: 4 * (classes + 1).
        self.box = nn.Linear(
            config.head_channels, 4 * (num_classes + 1 if config.class_specific_boxes else 1)
        )

    def features(self, rois_NCHW: Tensor) -> Tensor:
        """The output of the second layer, [N, head_channels]."""
        return F.relu(self.fc7(F.relu(self.fc6(rois_NCHW.flatten(1)))))

    def forward(self, rois_NCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Class logits [N, classes + 1] (background first; [N, classes] of several) and offsets [N, K, 4]."""
        features = self.features(rois_NCHW)
        return self.cls(features), self.box(features).unflatten(1, (-1, 4))

    def scores(self, logits: Tensor) -> Tensor:
        """Probability of every class, [N, classes]."""
        return logits.sigmoid() if self.multi_label else logits.softmax(1)[:, 1:]

    def class_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the regions' labels, its mean; a batch without any region costs 0."""
        if self.multi_label:
            loss = F.binary_cross_entropy_with_logits(logits, labels, reduction="sum")
        else:
            loss = F.cross_entropy(logits, labels, reduction="sum")
        return loss / max(1, len(labels))
