"""The losses of Faster R-CNN: class and box of the chosen anchors, class and box of the chosen regions.

A box costs the sum over its four offsets, averaged over its K frames, as in RecLNet's program. All losses are
over the number of anchors or regions that were chosen in the batch, 0 where there is none.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from methods.nn.faster_rcnn.matching import AnchorSample, RegionSample
from methods.nn.faster_rcnn.proposals import AnchorOutputs

ANCHOR_BETA, REGION_BETA = 1 / 9, 1.0
"""Offsets from which smooth L1 is linear (sigma 3 and 1 in the published programs)."""


def anchor_losses(outputs: AnchorOutputs, samples: Sequence[AnchorSample]) -> dict[str, Tensor]:
    """``rpn_class`` and ``rpn_box``; samples: of every clip."""
    chosen = [(image, sample.row_S) for image, sample in enumerate(samples)]
    positive = [(image, sample.row_S[: len(sample.offsets_PK4)]) for image, sample in enumerate(samples)]
    logits_S2 = torch.cat([outputs.logits_BA2[image, row] for image, row in chosen])
    offsets_PK4 = torch.cat([outputs.offsets_BAK4[image, row] for image, row in positive])
    class_S = torch.cat([sample.class_S for sample in samples])
    wanted_PK4 = torch.cat([sample.offsets_PK4 for sample in samples])
    return _losses("rpn", (logits_S2, class_S), (offsets_PK4, wanted_PK4), ANCHOR_BETA)


def region_losses(
    logits_SC: Tensor, offsets_SCK4: Tensor, samples: Sequence[RegionSample]
) -> dict[str, Tensor]:
    """``region_class``, and ``region_box`` of each region's class; rows are the samples' in their order."""
    class_S = torch.cat([sample.class_S for sample in samples])
    positive_P = class_S.nonzero()[:, 0]
    offsets_PK4 = offsets_SCK4[positive_P, class_S[positive_P]]
    wanted_PK4 = torch.cat([sample.offsets_PK4 for sample in samples])
    return _losses("region", (logits_SC, class_S), (offsets_PK4, wanted_PK4), REGION_BETA)


def _losses(
    name: str, classes: tuple[Tensor, Tensor], offsets: tuple[Tensor, Tensor], beta: float
) -> dict[str, Tensor]:
    """Of (logits, classes) and (offsets, wanted offsets)."""
    number, frames = max(1, len(classes[1])), offsets[0].shape[1]
    wrong = F.cross_entropy(classes[0].float(), classes[1], reduction="sum")
    apart = F.smooth_l1_loss(offsets[0].float(), offsets[1], beta=beta, reduction="sum")
    return {f"{name}_class": wrong / number, f"{name}_box": apart / frames / number}
