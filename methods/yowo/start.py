"""The weights that training starts from."""

from __future__ import annotations

from methods.nn import darknet_weights
from methods.nn.resnext3d import ResNeXt3D
from methods.nn.weights import load_checked, read_tensors
from methods.yowo.config import ModelConfig
from methods.yowo.network import YowoNetwork, freeze_branches, load_official


def start(network: YowoNetwork, model: ModelConfig) -> YowoNetwork:
    """The network with the weights that ``model`` names loaded, and what it freezes frozen."""
    if model.pretrained:
        load_official(network, model.pretrained)
    if model.pretrained_3d and "3d" in model.branches:
        load_trunk(network.backbone_3d, model.pretrained_3d)
    if model.pretrained_2d and "2d" in model.branches:
        darknet_weights.load_published(network.backbone_2d, model.pretrained_2d)
    if model.frozen:
        freeze_branches(network)
    return network


def load_trunk(trunk: ResNeXt3D, path: str) -> None:
    """A classification network's checkpoint (kenshohara's, MARS's) without its classes."""
    load_checked(trunk, read_tensors(path), path, ignore=["fc."], hint="A 3D ResNeXt-101 is expected")
