"""The weights that training starts from."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from methods.nn.flow.named import build, load_published
from methods.nn.flow.pwc import PwcNet
from methods.nn.weights import load_checked, read_tensors
from methods.rfb_flow.config import ModelConfig
from methods.rfb_flow.network import RfbFlowNetwork


def build_network(model: ModelConfig, outputs: int, flow_inside: bool) -> RfbFlowNetwork:
    """The network as it is before any weights are loaded."""
    flow = build(model.flow) if flow_inside else None
    if isinstance(flow, PwcNet):
        flow.blue_first = not model.flow_rgb
    return RfbFlowNetwork(model, outputs, flow)


def start(network: RfbFlowNetwork, flow_weights: Path | None) -> RfbFlowNetwork:
    """Begin with random numbers of torch's generator, then with the weights that are named.

    Those of flow, of VGG, of the whole network, in this order. Raises ValueError naming what does not fit.
    """
    initialise(network)
    model = network.model
    if network.flow is not None and flow_weights is not None:
        load_published(network.flow, flow_weights)
    if model.pretrained:
        hint = "VGG16 with reduced fully connected layers is expected, keys 0.weight to 33.bias"
        load_checked(network.base, read_tensors(model.pretrained), model.pretrained, hint=hint)
    if model.published:
        hint = "A checkpoint of the published program is expected; --variant released is its network"
        load_checked(network, read_tensors(model.published), model.published, hint=hint)
    return network


def initialise(network: RfbFlowNetwork) -> None:
    """Biases 0; convolutions by Xavier as in the published program, those of VGG by He.

    The latter are ours, for training without VGG's weights."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and not name.startswith("flow."):
            if name.startswith("base."):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            else:
                nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
