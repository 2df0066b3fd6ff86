"""Flow sources (:mod:`bench.flow`) of the networks that methods hold. Imports without torch.

The weights are the authors' checkpoints as they are published. The size of the frames is free.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.flow import Flow, LearnedSource, UnavailableError
from bench.flow.base import Frames
from bench.flow.pairs import of_pairs
from methods.nn.flow.named import NETWORKS, build, load_published

if TYPE_CHECKING:
    from methods.nn.flow.network import FlowNetwork


@dataclass(frozen=True)
class NetworkSource(LearnedSource):
    """A network of :data:`methods.nn.flow.named.NETWORKS`, under the same name."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.advice = NETWORKS[cls.name].advice

    def load(self) -> FlowNetwork:
        """See :class:`LearnedSource`; on the GPU where there is one. One network is kept."""
        import torch

        return _network(self.name, self.weights, "cuda" if torch.cuda.is_available() else "cpu")

    def between(self, frames_THW3: Frames) -> Flow:
        """See :class:`FlowSource`."""
        network = self.load()
        return of_pairs(frames_THW3, network, next(network.parameters()).device)


@dataclass(frozen=True)
class FlowNet2(NetworkSource):
    """FlowNet 2.0, all of it."""

    name = "flownet2"


@dataclass(frozen=True)
class FlowNet2Css(NetworkSource):
    """FlowNetC and two FlowNetS."""

    name = "flownet2-css"


@dataclass(frozen=True)
class FlowNet2Cs(NetworkSource):
    """FlowNetC and one FlowNetS."""

    name = "flownet2-cs"


@dataclass(frozen=True)
class FlowNet2Sd(NetworkSource):
    """The network for small displacements."""

    name = "flownet2-sd"


@dataclass(frozen=True)
class FlowNet2S(NetworkSource):
    """FlowNetS, trained on FlowNet 2.0's schedule."""

    name = "flownet2-s"


@dataclass(frozen=True)
class FlowNet2C(NetworkSource):
    """FlowNetC, trained on FlowNet 2.0's schedule."""

    name = "flownet2-c"


@dataclass(frozen=True)
class PwcNet(NetworkSource):
    """PWC-Net with dense decoders."""

    name = "pwc-net"


@dataclass(frozen=True)
class PwcNetOld(NetworkSource):
    """The same with two convolutions a level of the pyramid."""

    name = "pwc-net-old"


@dataclass(frozen=True)
class Tiny(NetworkSource):
    """The narrow network for a CPU, fitted to rendered motion."""

    name = "tiny"


@lru_cache(maxsize=1)
def _network(name: str, weights: Path, device: str) -> FlowNetwork:
    network = build(name)
    try:
        load_published(network, weights)
    except ValueError as error:
        raise UnavailableError(str(error)) from error
    return network.requires_grad_(False).to(device).eval()
