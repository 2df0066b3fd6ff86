"""Published I3D weights.

Two layouts are read:

* a `.pt`/`.pth` state dict of the PyTorch port (`rgb_imagenet.pt`, `flow_imagenet.pt`);
* an `.npz` of the authors' own TensorFlow variables, name -> array. Export it where TensorFlow is installed:

      import numpy, tensorflow
      read = tensorflow.train.load_checkpoint("data/checkpoints/rgb_imagenet/model.ckpt")
      numpy.savez("rgb_imagenet.npz", **{n: read.get_tensor(n) for n in read.get_variable_to_shape_map()})

The TensorFlow variables differ from the port's in this: kernels are (time, height, width, in, out); there is
no scale (1); statistics and shifts may be (1, 1, 1, 1, C); names begin with `RGB/inception_i3d/` or
`Flow/inception_i3d/` (not in the Kinetics-600 checkpoint, which also holds the optimiser's `/Momentum`);
the 3x3 convolution of the third branch is called `Conv3d_0a_3x3` in Mixed_5b, `Conv3d_0b_3x3` elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import PathLike

import torch
from torch import Tensor

from methods.nn.i3d import ENDPOINTS, I3D, I3DConfig
from methods.nn.weights import check_tensors, load_checked, read_tensors

SCOPE = re.compile(r"^(RGB|Flow)/inception_i3d/")
BRANCHES = {
    "b0": "Branch_0/Conv3d_0a_1x1",
    "b1a": "Branch_1/Conv3d_0a_1x1",
    "b1b": "Branch_1/Conv3d_0b_3x3",
    "b2a": "Branch_2/Conv3d_0a_1x1",
    "b2b": "Branch_2/Conv3d_0b_3x3",
    "b3b": "Branch_3/Conv3d_0b_1x1",
}
VARIABLES = {
    "conv3d.weight": "conv_3d/w",
    "conv3d.bias": "conv_3d/b",
    "bn.bias": "batch_norm/beta",
    "bn.running_mean": "batch_norm/moving_mean",
    "bn.running_var": "batch_norm/moving_variance",
}


def load_published(network: I3D, path: str | PathLike[str]) -> None:
    """Load a checkpoint of either layout into `network`, which must have width 1 and a 7x7x7 stem.

    A network that ends early or has no logits takes the part that it has; with logits, the number of classes
    must be the checkpoint's. Raises FileNotFoundError, and ValueError naming missing and unexpected keys,
    differing shapes, or a file that is no checkpoint.
    """
    tensors = read_tensors(path)
    beyond = [f"{name}." for name in ENDPOINTS if not hasattr(network, name)]
    if network.config.num_classes is None:
        beyond.append("logits.")
    if any("conv_3d/" in name for name in tensors):
        tensors = from_tensorflow(tensors, str(path))
    load_checked(network, tensors, str(path), beyond, _hint(network))


def from_tensorflow(variables: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """The authors' variables as a state dict of the PyTorch port (without the batch counters).

    Raises ValueError naming variables that the published network does not have or that are missing.
    """
    values = {SCOPE.sub("", n): v for n, v in variables.items() if not n.endswith("/Momentum")}
    with torch.device("meta"):
        layout = I3D(I3DConfig()).state_dict()
    names = {key: tensorflow_name(key) for key in layout if not key.endswith(("bn.weight", "tracked"))}
    check_tensors(
        dict.fromkeys(names.values(), ()),
        dict.fromkeys(values, ()),
        source,
        "Variables of I3D expected",
    )
    state = {key: _as_torch(values[name]) for key, name in names.items()}
    for key in [key for key in layout if key.endswith("bn.weight")]:
        state[key] = torch.ones_like(state[key.replace("weight", "bias")])
    return state


def tensorflow_name(key: str) -> str:
    """The TensorFlow variable, without its scope, of a key of the port: `Mixed_3b.b0.bn.bias` -> ..."""
    layer, part, kind = key.rsplit(".", 2)
    if layer == "logits":
        layer = "Logits/Conv3d_0c_1x1"
    elif "." in layer:
        block, branch = layer.split(".")
        layer = f"{block}/{BRANCHES[branch]}"
    layer = layer.replace("Mixed_5b/Branch_2/Conv3d_0b_3x3", "Mixed_5b/Branch_2/Conv3d_0a_3x3")
    return f"{layer}/{VARIABLES[f'{part}.{kind}']}"


def _as_torch(value: Tensor) -> Tensor:
    """A kernel (T, H, W, I, O) as (O, I, T, H, W); a vector, perhaps of shape (1, 1, 1, 1, C), as (C,)."""
    if value.ndim == 5 and value.shape[:4] != (1, 1, 1, 1):
        return value.permute(4, 3, 0, 1, 2).contiguous()
    return value.flatten()


def _hint(network: I3D) -> str:
    config = network.config
    hints = []
    if config.width != 1 or config.stem_kernel != (7, 7, 7):
        hints.append(
            f"Published weights are for width 1 and stem 7x7x7; this has {config.width}, {config.stem_kernel}"
        )
    if config.num_classes is not None:
        hints.append("For another number of classes build the network with num_classes=None")
    return ". ".join(hints)
