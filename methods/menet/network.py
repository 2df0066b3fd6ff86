"""The networks of MENet: YOWO's with motion added, and the classifier that its 3-D branch is distilled in."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from methods.menet.config import MotionConfig
from methods.nn.appearance import PersistenceOfAppearance
from methods.nn.non_local import NonLocal3d
from methods.nn.resnext3d import ResNeXt3D, squeeze_time
from methods.yowo.config import ModelConfig
from methods.yowo.network import Trunk, YowoNetwork, trunk_of


def spatial_channels(motion: MotionConfig) -> int:
    """Input channels of the 2-D branch: RGB, and one a map of SRM or two of flow."""
    return 3 + {"rgb": 0, "flow": 2, "srm": motion.maps}[motion.spatial]


class MenetNetwork(YowoNetwork):
    """YOWO's network whose 3-D branch has a non-local block and whose 2-D branch sees motion.

    Inputs beyond YOWO's: ``recent`` (B, N, 3, H, W), the frames of SRM, the key-frame last; or ``flow``
    (B, 2, H, W), clipped and scaled to -1..1.
    """

    def __init__(self, model: ModelConfig, motion: MotionConfig, num_classes: int):
        super().__init__(model, num_classes, spatial_channels(motion))
        self.motion = motion
        if "3d" in model.branches:
            self.non_local = non_local_block(self.backbone_3d, motion)
        if "2d" in model.branches and motion.spatial == "srm":
            self.srm = PersistenceOfAppearance()

    def temporal(self, clip_BCTHW: Tensor) -> Tensor:
        return squeeze_time(long_range(self.backbone_3d, self.non_local, self.motion, clip_BCTHW))

    def spatial_input(self, inputs: Mapping[str, Tensor]) -> Tensor:
        if self.motion.spatial == "srm":
            return torch.cat([inputs["key"], self.srm(inputs["recent"])], dim=1)
        if self.motion.spatial == "flow":
            return torch.cat([inputs["key"], inputs["flow"]], dim=1)
        return inputs["key"]


class ClipClassifier(nn.Module):
    """The 3-D branch with its non-local block and a layer of classes: flow teacher and RGB student."""

    def __init__(self, model: ModelConfig, motion: MotionConfig, num_classes: int, in_channels: int):
        super().__init__()
        self.motion = motion
        self.backbone_3d = trunk_of(model, in_channels=in_channels)
        self.non_local = non_local_block(self.backbone_3d, motion)
        self.fc = nn.Linear(self.backbone_3d.config.out_channels, num_classes)

    def features(self, clip_BCTHW: Tensor) -> Tensor:
        """Globally averaged features (B, C)."""
        return ResNeXt3D.pooled(long_range(self.backbone_3d, self.non_local, self.motion, clip_BCTHW))

    def forward(
        self, clip_BCTHW: Tensor, label_BC: Tensor, taught_BF: Tensor | None, multi_label: bool
    ) -> dict[str, Tensor]:
        """Losses of a batch: cross-entropy, and the mean squared error to the teacher's features (eq. 1).

        ``label_BC``: 1 for every class of the clip; on multi-label data each class is a sigmoid, ours.
        """
        features = self.features(clip_BCTHW)
        logits = self.fc(features)
        if multi_label:
            losses = {"class": F.binary_cross_entropy_with_logits(logits, label_BC)}
        else:
            losses = {"class": F.cross_entropy(logits, label_BC)}
        if taught_BF is not None:
            losses["features"] = F.mse_loss(features, taught_BF)
        return losses


def non_local_block(trunk: Trunk, motion: MotionConfig) -> NonLocal3d | None:
    """The block for the layer that the config names, None where it names none."""
    if not motion.non_local:
        return None
    return NonLocal3d(trunk.config.out_channels // (2 if motion.non_local == "layer3" else 1))


def long_range(trunk: Trunk, block: NonLocal3d | None, motion: MotionConfig, clip_BCTHW: Tensor) -> Tensor:
    """The last map of the 3-D branch, with the non-local block where the config puts it."""
    map_BCTHW = trunk.layer3_map(clip_BCTHW)
    if block is not None and motion.non_local == "layer3":
        map_BCTHW = block(map_BCTHW)
    map_BCTHW = trunk.layer4(map_BCTHW)
    return block(map_BCTHW) if block is not None and motion.non_local == "layer4" else map_BCTHW
