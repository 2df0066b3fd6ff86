"""Published weights of Darknet-19 with YOLOv2's layers, in three layouts.

* `yolo.weights`: the original program's binary file;
* state dicts of the network that YOWO is built on, keys such as `models.4.conv3.weight`;
* state dicts of yolo2-pytorch (`yolo-voc.weights.h5` as an `.npz`), keys such as `conv1s.2.1.conv.weight`.

All list the convolutions in the same order, the pass-through after the coarse layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from methods.nn.darknet import LAYERS, ConvBlock, Darknet19
from methods.nn.weights import load_checked, read_tensors

BN = ("weight", "bias", "running_mean", "running_var")
TRACKED = "num_batches_tracked"


def load_published(network: Darknet19, path: str | PathLike[str]) -> None:
    """Load a file of any of the layouts into a network of width 1.

    The head is loaded where the network has one of the file's shape, and left as it was where it has another
    or none. A network with more than three input channels takes the mean over the file's three for the rest.
    Raises FileNotFoundError, and ValueError naming the first difference.
    """
    path = Path(path)
    tensors = read_binary(network, path) if path.suffix == ".weights" else from_official(read_tensors(path))
    load_state(network, tensors, str(path))


def load_state(network: Darknet19, tensors: Mapping[str, Tensor], source: str) -> None:
    """Load tensors named as ours, adapting the first convolution and dropping a head of another shape."""
    tensors = dict(tensors)
    state = network.state_dict()
    first = "fine.0.conv.weight"
    if first in tensors and tensors[first].shape[1] < network.config.in_channels:
        tensors[first] = widened(tensors[first], network.config.in_channels)
    for name in ("head.weight", "head.bias"):
        if name in state and (name not in tensors or tensors[name].shape != state[name].shape):
            tensors[name] = state[name]
    load_checked(network, tensors, source, ["head."], "Published weights are for width 1")


def widened(weight_OIHW: Tensor, channels: int) -> Tensor:
    """The first convolution for more input channels: the new ones begin as the mean over the old."""
    mean = weight_OIHW.mean(dim=1, keepdim=True)
    return torch.cat([weight_OIHW, mean.expand(-1, channels - weight_OIHW.shape[1], -1, -1)], dim=1)


def from_official(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """State dict of either PyTorch layout, renamed to ours; what is not known keeps its name."""
    names = {official: ours for layout in (_cfg_names(), _voc_names()) for official, ours in layout.items()}
    renamed = {}
    for key, value in tensors.items():
        layer, _, kind = key.rpartition(".")
        renamed[f"{names.get(layer, layer)}.{kind}"] = value
    return renamed


def to_official(names: Mapping[str, Tensor], layout: str = "cfg") -> dict[str, Tensor]:
    """The other way: our state dict with the keys of `cfg` (as in YOWO's checkpoints) or `voc`."""
    official = {ours: name for name, ours in (_cfg_names() if layout == "cfg" else _voc_names()).items()}
    return {f"{official[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": v for key, v in names.items()}


def read_binary(network: Darknet19, path: Path) -> dict[str, Tensor]:
    """The original program's file: a header (major, minor, revision, images seen), then float32 numbers.

    The count of images has 4 bytes up to version 0.1 and 8 from 0.2 on. Each convolution with batch
    normalisation gives shift, scale, mean, variance and kernel; the last one bias and kernel. Raises
    ValueError when the numbers are not exactly those of the network.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}")
    version = np.fromfile(path, np.int32, 3)
    if len(version) < 3 or not (0 <= version[0] < 10 and 0 <= version[1] < 100):
        raise ValueError(f"{path} is no darknet weights file: its header is {version.tolist()}")
    header = 20 if version[0] * 10 + version[1] >= 2 else 16
    numbers = np.fromfile(path, np.float32, offset=header)
    tensors, place = {}, 0
    for name, shape in _binary_order(network):
        count = int(np.prod(shape))
        if place + count > len(numbers):
            raise ValueError(f"{path} ends within {name} {tuple(shape)}, at number {len(numbers)}")
        tensors[name] = torch.from_numpy(numbers[place : place + count].reshape(shape).copy())
        place += count
    if place != len(numbers):
        raise ValueError(f"{path} holds {len(numbers)} numbers, the network has {place}: not the same layers")
    return tensors


def _binary_order(network: Darknet19) -> list[tuple[str, tuple[int, ...]]]:
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    order: list[str] = []
    for prefix in block_names(network):
        order += [f"{prefix}.bn.{kind}" for kind in ("bias", "weight", "running_mean", "running_var")]
        order.append(f"{prefix}.conv.weight")
    if network.config.out_channels is not None:
        order += ["head.bias", "head.weight"]
    return [(name, shapes[name]) for name in order]


def block_names(network: nn.Module) -> list[str]:
    """Names of the convolution blocks in the order of the files: the pass-through after the coarse layers."""
    names = [name for name, module in network.named_modules() if isinstance(module, ConvBlock)]
    return sorted(names, key=lambda name: ("fine", "coarse", "passthrough", "fuse").index(name.split(".")[0]))


def _ours(passthrough: bool) -> list[str]:
    """Our names of the convolutions in file order, the head as ``head``."""
    names = []
    for number, layers in enumerate(LAYERS[:-1]):
        before = sum(len(group) for group in LAYERS[:number]) + number
        names += [f"fine.{before + i}" for i in range(len(layers))]
    names += [f"coarse.{1 + i}" for i in range(len(LAYERS[-1]))]
    return [*names, *(["passthrough"] if passthrough else []), "fuse", "head"]


def _renaming(official: list[tuple[str, str]], ours: list[str]) -> dict[str, str]:
    """Official (convolution, normalisation) names to ours."""
    names: dict[str, str] = {}
    for (conv, bn), mine in zip(official, ours, strict=True):
        names |= {conv: "head"} if mine == "head" else {conv: f"{mine}.conv", bn: f"{mine}.bn"}
    return names


def _cfg_names() -> dict[str, str]:
    """Of a network built from `yolo.cfg`: `models.<line of the file>.conv<n>`."""
    lines = [0, 2, *range(4, 7), *range(8, 11), *range(12, 17), *range(18, 25), 26, 29, 30]
    pairs = [(f"models.{line}.conv{n}", f"models.{line}.bn{n}") for n, line in enumerate(lines, 1)]
    return _renaming(pairs, _ours(passthrough=True))


def _voc_names() -> dict[str, str]:
    """Of yolo2-pytorch; a pooling is item 0 of its group."""
    places = ["conv1s.0.0"]
    places += [f"conv1s.{g}.{i + 1}" for g in range(1, 5) for i in range(len(LAYERS[g]))]
    places += [f"conv2.{i}" for i in range(1, 6)] + ["conv3.0", "conv3.1", "conv4.0", "conv5"]
    pairs = [(f"{place}.conv", f"{place}.bn") for place in places]
    return _renaming(pairs, _ours(passthrough=False))
