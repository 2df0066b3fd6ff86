"""The trunk from ImageNet weights, as torchvision stores them."""

from __future__ import annotations

from os import PathLike

from methods.nn.faster_rcnn.network import FasterRCNN
from methods.nn.weights import load_checked, read_tensors

LAST_LAYER = {"vgg16": "classifier.6.", "resnet101": "fc."}
"""Of the published classifiers by the trunk's name: what the detector lacks."""


def load_imagenet(network: FasterRCNN, path: str | PathLike[str]) -> None:
    """Load the trunk, fc6 and fc7 of VGG16 and the last stage of ResNet-101 with it; all else is kept.

    Raises FileNotFoundError, and ValueError naming the first difference, or that the trunk has no such file.
    """
    name = network.config.trunk.name
    if name not in LAST_LAYER:
        raise ValueError(f"trunk={name} starts from random weights; {path} is for {' or '.join(LAST_LAYER)}")
    hint = f"The state dict of torchvision's {name} is expected"
    load_checked(network.trunk, read_tensors(path), str(path), ignore=(LAST_LAYER[name],), hint=hint)
