"""The network of YOWO: two branches, channel fusion and attention, a region head.

State dicts hold the names of the official checkpoints but for the 2-D branch, whose layers are named as in
:mod:`methods.nn.darknet`, and ``anchors_A2``: :func:`to_official` and :func:`load_official` translate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from methods.nn import darknet_weights
from methods.nn.darknet import Darknet19, DarknetConfig
from methods.nn.region import Regions
from methods.nn.region_loss import RegionLoss
from methods.nn.resnext3d import ResNeXt3D, ResNeXt3DConfig, squeeze_time
from methods.nn.weights import load_checked, read_tensors
from methods.yowo.config import ModelConfig
from methods.yowo.folded import Folded3D, FoldedConfig

ANCHORS = "anchors_A2"
Trunk = ResNeXt3D | Folded3D
CONSTANT = 0.5
"""Bias of the last convolution but one where the objectness is given a start."""


class ChannelAttention(nn.Module):
    """Every channel gathers from all, weighted by how little alike they are to the most alike (DANet's CAM).

    Begins as the identity (section 3.2, eq. 1-3).
    """

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, map_BCHW: Tensor) -> Tensor:
        flat_BCN = map_BCHW.flatten(2)
        alike_BCC = flat_BCN @ flat_BCN.transpose(1, 2)
        weight_BCC = (alike_BCC.amax(dim=-1, keepdim=True) - alike_BCC).softmax(dim=-1)
        return self.gamma * (weight_BCC @ flat_BCN).view_as(map_BCHW) + map_BCHW


class Cfam(nn.Module):
    """Channel fusion and attention: (B, C, H, W) of both branches, stacked, to (B, C', H, W)."""

    def __init__(self, in_channels: int, channels: int, dropout: float):
        super().__init__()
        self.conv_bn_relu1 = _conv_bn_relu(in_channels, channels, 1)
        self.conv_bn_relu2 = _conv_bn_relu(channels, channels, 3)
        self.sc = ChannelAttention()
        self.conv_bn_relu3 = _conv_bn_relu(channels, channels, 3)
        self.conv_out = nn.Sequential(nn.Dropout2d(dropout), nn.Conv2d(channels, channels, 1))

    def forward(self, map_BCHW: Tensor) -> Tensor:
        map_BCHW = self.sc(self.conv_bn_relu2(self.conv_bn_relu1(map_BCHW)))
        fused: Tensor = self.conv_out(self.conv_bn_relu3(map_BCHW))
        return fused


def _conv_bn_relu(in_channels: int, out_channels: int, kernel: int) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


class YowoNetwork(nn.Module):
    """The whole network: ``regions`` for prediction, called with the truth it gives the losses.

    Inputs by name: ``clip`` (B, 3, T, H, W), RGB in 0..1, the key-frame last, where there is a 3-D branch;
    ``key`` (B, 3, H, W), the key-frame, where there is a 2-D branch. Subclasses change what a branch is given
    or makes of it by ``temporal`` and ``spatial_input``.
    """

    anchors_A2: Tensor

    def __init__(self, model: ModelConfig, num_classes: int, in_channels_2d: int = 3):
        super().__init__()
        self.model, channels = model, 0
        if "3d" in model.branches:
            self.backbone_3d = trunk_of(model)
            channels += self.backbone_3d.config.out_channels
        if "2d" in model.branches:
            self.backbone_2d = Darknet19(
                DarknetConfig(
                    in_channels=in_channels_2d,
                    out_channels=model.channels_2d,
                    width=model.width_2d,
                    pools=model.pools_2d,
                )
            )
            channels += model.channels_2d
        self.cfam = Cfam(channels, model.fusion_channels, model.dropout)
        self.num_anchors = len(model.anchors) or model.num_anchors
        outputs = self.num_anchors * (5 + num_classes)
        self.conv_final = nn.Conv2d(model.fusion_channels, outputs, 1, bias=False)
        if model.first_objectness != 0.5:
            self._begin_with(model.first_objectness)
        self.register_buffer(ANCHORS, torch.tensor(model.anchors or [[1.0, 1.0]] * self.num_anchors))

    def _begin_with(self, objectness: float) -> None:
        """Let the untrained head say about this objectness everywhere (Lin et al. 2017, section 4.1).

        The last convolution has no bias, so the one before it gets the constant part that objectness reads.
        """
        bias, weight = self.cfam.conv_out.get_parameter("1.bias"), self.conv_final.weight
        share = math.log(objectness / (1 - objectness)) / len(bias)
        with torch.no_grad():
            bias.fill_(CONSTANT)
            weight.view(self.num_anchors, -1, len(bias))[:, 4] = share / CONSTANT

    def head_map(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """The map of the last convolution."""
        maps = []
        if "3d" in self.model.branches:
            maps.append(self.temporal(inputs["clip"]))
        if "2d" in self.model.branches:
            maps.append(self.backbone_2d(self.spatial_input(inputs)))
        head: Tensor = self.conv_final(self.cfam(torch.cat(maps, dim=1)))
        return head

    def temporal(self, clip_BCTHW: Tensor) -> Tensor:
        """The map of the 3-D branch, (B, C, H, W)."""
        return squeeze_time(self.backbone_3d(clip_BCTHW))

    def spatial_input(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """What the 2-D branch sees, (B, C, H, W)."""
        return inputs["key"]

    def regions(self, inputs: Mapping[str, Tensor]) -> Regions:
        """The head's map taken apart."""
        return Regions.of(self.head_map(inputs).float(), self.num_anchors)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        loss: RegionLoss,
        prior: bool = False,
    ) -> dict[str, Tensor]:
        """Mean over the batch of the region loss; boxes in pixels of the network's frame, x1 y1 x2 y2."""
        regions = self.regions(inputs)
        height = regions.objectness_BAHW.shape[2]
        stride = self.model.frame_size[1] / height
        cells = [_centred(b) / stride for b in boxes]
        parts = loss(regions, self.anchors_A2, cells, labels, prior)
        return {name: value / len(boxes) for name, value in parts.items()}


def trunk_of(model: ModelConfig, in_channels: int = 3) -> Trunk:
    """The 3-D branch."""
    if model.kind_3d == "folded":
        return Folded3D(FoldedConfig(in_channels, model.clip_length, model.width_3d))
    return ResNeXt3D(ResNeXt3DConfig(in_channels, width=model.width_3d, groups=model.groups_3d))


def _centred(boxes_G4: Tensor) -> Tensor:
    """Corners to centre and size."""
    return torch.cat([(boxes_G4[:, :2] + boxes_G4[:, 2:]) / 2, boxes_G4[:, 2:] - boxes_G4[:, :2]], dim=1)


def freeze_branches(network: YowoNetwork) -> None:
    """Layer 4, the last two convolutions of the 2-D branch, CFAM and head learn (the program, J-HMDB)."""
    learnt = ("backbone_3d.layer4.", "backbone_2d.fuse.", "backbone_2d.head.")
    for name, parameter in network.named_parameters():
        parameter.requires_grad = not name.startswith("backbone_") or name.startswith(learnt)


def load_official(network: YowoNetwork, path: str | Path) -> None:
    """Load an official checkpoint of the whole network.

    Raises FileNotFoundError, and ValueError naming missing and unexpected keys or differing shapes.
    """
    tensors = from_official(read_tensors(path)) | {ANCHORS: network.anchors_A2}
    load_checked(network, tensors, str(path), hint="An official YOWO of these classes is expected")


def from_official(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The names of an official state dict as ours."""
    prefix = "backbone_2d."
    spatial = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
    rest = {n: t for n, t in tensors.items() if not n.startswith(prefix)}
    return rest | {prefix + n: t for n, t in darknet_weights.from_official(spatial).items()}


def to_official(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The other way; the anchors, which official checkpoints lack, are left out."""
    prefix = "backbone_2d."
    spatial = {n.removeprefix(prefix): t for n, t in state.items() if n.startswith(prefix)}
    rest = {n: t for n, t in state.items() if not n.startswith(prefix) and n != ANCHORS}
    return rest | {prefix + n: t for n, t in darknet_weights.to_official(spatial).items()}
