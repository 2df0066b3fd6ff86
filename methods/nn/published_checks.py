"""Checks of published files: each is loaded as training loads it, into a network without memory of its own.

Every function takes the name of an entry of :mod:`methods.nn.published` and a path, and raises
FileNotFoundError, or ValueError naming the first difference.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from methods.nn import darknet_weights, i3d_weights
from methods.nn.darknet import Darknet19, DarknetConfig
from methods.nn.flow import named
from methods.nn.i3d import I3D, I3DConfig
from methods.nn.resnext3d import ResNeXt3D, ResNeXt3DConfig
from methods.nn.siamfc.config import PUBLISHED
from methods.nn.siamfc.network import SiamFC
from methods.nn.vgg import ReducedVgg16
from methods.nn.weights import load_checked, read_tensors

Network = TypeVar("Network", bound=nn.Module)
KINETICS, HMDB51 = 400, 51
"""Classes that the published classifiers end with."""
COCO_OUTPUTS, VOC_OUTPUTS = 425, 125
"""Five anchors, each five numbers and 80 or 20 classes."""
TORCHVISION = {
    "raft": "raft_large",
    "raft-small": "raft_small",
    "vgg16-imagenet": "vgg16",
    "resnet101-imagenet": "resnet101",
}


def shape_of(build: Callable[[], Network]) -> Network:
    """The network that ``build`` makes, its tensors shapes alone: loading into it copies nothing."""
    with torch.device("meta"):
        return build()


@contextmanager
def comparing() -> Iterator[None]:
    """Within the block torch does not warn that nothing is copied."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*copying from a non-meta parameter.*")
        yield


def _check(build: Callable[[], nn.Module], path: Path, hint: str = "") -> None:
    """A file of exactly the layout of a network."""
    tensors = read_tensors(path)
    with comparing():
        load_checked(shape_of(build), tensors, str(path), hint=hint)


def resnext(name: str, path: Path) -> None:
    """3D ResNeXt-101 of RGB or of flow, with its classes."""
    channels, what = (2, "flow") if name == "mars-flow-kinetics" else (3, "RGB")
    classes = HMDB51 if name == "resnext-101-hmdb51" else KINETICS
    config = ResNeXt3DConfig(in_channels=channels, num_classes=classes)
    _check(lambda: ResNeXt3D(config), path, f"A 3D ResNeXt-101 of {what} and {classes} classes is expected")


def darknet(name: str, path: Path) -> None:
    """Darknet-19 with YOLOv2's layers: the program's own file, or one of the two PyTorch layouts."""
    config = DarknetConfig(out_channels=COCO_OUTPUTS)
    if name == "yolo-voc":
        config = DarknetConfig(passthrough=None, out_channels=VOC_OUTPUTS)
    with comparing():
        darknet_weights.load_published(shape_of(lambda: Darknet19(config)), path)


def i3d(name: str, path: Path) -> None:
    """I3D of RGB or of flow, with the classes of Kinetics-400."""
    config = I3DConfig(in_channels=2 if name == "i3d-flow" else 3, num_classes=KINETICS)
    with comparing():
        i3d_weights.load_published(shape_of(lambda: I3D(config)), path)


def vgg16_reduced(name: str, path: Path) -> None:
    """VGG16 with reduced fully connected layers."""
    _check(ReducedVgg16, path)


def flow(name: str, path: Path) -> None:
    """A flow network of the suite."""
    _check(lambda: named.build(name), path)


def siamfc(name: str, path: Path) -> None:
    """SiamFC's network as wide as it was published."""
    SiamFC.of_file(path, PUBLISHED)


def torchvision(name: str, path: Path) -> None:
    """A network of torchvision."""
    from torchvision.models import get_model

    _check(lambda: get_model(TORCHVISION[name], weights=None), path)
