"""Flow networks by name, and where the published weights of each are to be had. Imports without torch."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING

from bench.names import choose

if TYPE_CHECKING:
    from methods.nn.flow.network import FlowNetwork

FLOWNET2 = (
    "the weights that NVIDIA converted, named in the README of https://github.com/NVIDIA/flownet2-pytorch; "
    "their authors, https://lmb.informatik.uni-freiburg.de, allow research alone, no commercial use"
)
PWC = "in folder PyTorch of https://github.com/NVlabs/PWC-Net, licence CC BY-NC-SA 4.0, no commercial use"


@dataclass(frozen=True)
class Known:
    """A network: ``module:attribute`` and arguments that make it, its published file and where that is."""

    entry: str
    file: str
    origin: str
    arguments: tuple[tuple[str, object], ...] = ()

    @property
    def advice(self) -> str:
        """Where the file is to be had and under which terms, for the message that says it is missing."""
        return f"It is {self.file}: {self.origin}"


NETWORKS = {
    "flownet2": Known("flownet2:FlowNet2", "FlowNet2_checkpoint.pth.tar", FLOWNET2),
    "flownet2-css": Known(
        "flownet2:FlowNet2CSS",
        "FlowNet2-CSS_checkpoint.pth.tar (or FlowNet2-CSS-ft-sd, tuned to small displacements)",
        FLOWNET2,
    ),
    "flownet2-cs": Known("flownet2:FlowNet2CS", "FlowNet2-CS_checkpoint.pth.tar", FLOWNET2),
    "flownet2-sd": Known("flownet:FlowNetSD", "FlowNet2-SD_checkpoint.pth.tar", FLOWNET2),
    "flownet2-s": Known("flownet:FlowNetS", "FlowNet2-S_checkpoint.pth.tar", FLOWNET2),
    "flownet2-c": Known("flownet:FlowNetC", "FlowNet2-C_checkpoint.pth.tar", FLOWNET2),
    "pwc-net": Known("pwc:PwcNet", "pwc_net.pth.tar", PWC),
    "pwc-net-old": Known("pwc:PwcNet", "a file of the older layout PWCDCNet_old", PWC, (("deep", False),)),
    "tiny": Known(
        "tiny:TinyFlow",
        "no published file",
        "what a method's stage `flow` leaves, or python tests/benchmarks/tiny_flow.py FOLDER",
    ),
}
"""Everything that can be built, by name."""


def build(name: str) -> FlowNetwork:
    """The network of that name, its weights random. Raises ValueError that names near ones."""
    known = NETWORKS[choose(name, NETWORKS, "flow network")]
    module, _, attribute = known.entry.partition(":")
    return getattr(importlib.import_module(f"methods.nn.flow.{module}"), attribute)(**dict(known.arguments))


def load_published(network: FlowNetwork, path: str | PathLike[str]) -> None:
    """Load a file of exactly the network's layout: the authors' checkpoint or one saved from the network.

    Raises FileNotFoundError, and ValueError naming what is missing, unexpected or of another shape.
    """
    from methods.nn.weights import load_checked, read_tensors

    load_checked(network, read_tensors(path), str(path))
