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
    """A network of :data:`methods.nn.flow.named.NETWORKS`, under the same name; each is a class."""

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


def _named(name: str) -> type[NetworkSource]:
    inside = {"name": name, "__module__": __name__, "__doc__": f"{name}: {NETWORKS[name].entry}."}
    return type(_attribute(name), (NetworkSource,), inside)


def _attribute(name: str) -> str:
    return name.replace("-", "_")


SOURCES = {_attribute(name): _named(name) for name in NETWORKS}
"""A class for every network, by the attribute of this module that it is: ``flownet2_css``."""


def __getattr__(attribute: str) -> type[NetworkSource]:
    try:
        return SOURCES[attribute]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}") from None


@lru_cache(maxsize=1)
def _network(name: str, weights: Path, device: str) -> FlowNetwork:
    network = build(name)
    try:
        load_published(network, weights)
    except ValueError as error:
        raise UnavailableError(str(error)) from error
    return network.requires_grad_(False).to(device).eval()
