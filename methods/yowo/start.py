"""The weights that training starts from."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from methods.nn import darknet_weights
from methods.nn.published_checks import comparing, shape_of
from methods.nn.weights import load_checked, read_tensors
from methods.yowo.config import JHMDB_ANCHORS, UCF24_ANCHORS, ModelConfig
from methods.yowo.network import YowoNetwork, freeze_branches, load_official

CLASSES = {"yowo-ucf24": (24, UCF24_ANCHORS), "yowo-jhmdb": (21, JHMDB_ANCHORS)}
"""Number of classes and anchors of the official checkpoints."""


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


def load_trunk(trunk: nn.Module, path: str) -> None:
    """A classification network's checkpoint (kenshohara's, MARS's) without its classes."""
    load_checked(trunk, read_tensors(path), path, ignore=["fc."], hint="A 3D ResNeXt-101 is expected")


def check(name: str, path: Path) -> None:
    """An official checkpoint of the whole network, for the classes of UCF101-24 or of J-HMDB-21.

    Raises FileNotFoundError, and ValueError naming the first difference.
    """
    classes, anchors = CLASSES[name]
    with comparing():
        load_official(shape_of(lambda: YowoNetwork(ModelConfig(anchors=anchors), classes)), path)
