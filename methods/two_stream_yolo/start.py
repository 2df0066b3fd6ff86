"""The networks, and the weights that training starts from."""

from __future__ import annotations

from pathlib import Path

from methods.nn import darknet_weights
from methods.nn.flow.inside import is_inside
from methods.nn.flow.named import build, load_published
from methods.nn.weights import check_tensors, read_tensors
from methods.two_stream_yolo.config import ModelConfig
from methods.two_stream_yolo.network import Detector, Recogniser, Streams

STREAMS = ("rgb.", "motion.")


def detector(model: ModelConfig, classes: int) -> Detector:
    """The detector as it is before any weights are loaded."""
    return Detector(model, build(model.flow) if is_inside(model.flow) else None, classes)


def started_recogniser(model: ModelConfig, classes: int, flow_weights: Path) -> Recogniser:
    """Both streams of Pascal VOC where they are named, and a flow network that does not learn."""
    network = Recogniser(model, build(model.flow), classes)
    _begin(network, flow_weights)
    assert network.flow is not None
    network.flow.requires_grad_(False)
    return network


def started_detector(
    model: ModelConfig, classes: int, flow_weights: Path | None, recognition: Path | None
) -> Detector:
    """Both streams as recognition left them, else of Pascal VOC where it is named."""
    network = detector(model, classes)
    _begin(network, flow_weights)
    if recognition is not None:
        _load_streams(network, recognition)
    return network


def _begin(network: Streams, flow_weights: Path | None) -> None:
    if network.flow is not None and flow_weights is not None:
        load_published(network.flow, flow_weights)
    if network.model.voc:
        for stream in (network.rgb, network.motion):
            darknet_weights.load_published(stream, network.model.voc)


def _load_streams(network: Streams, path: Path) -> None:
    """The streams of a checkpoint of recognition; YOLOv2's own heads, where they are fused, stay."""
    state = network.state_dict()
    found = {name: t for name, t in read_tensors(path).items() if name.startswith(STREAMS)}
    wanted = {n: tuple(t.shape) for n, t in state.items() if n.startswith(STREAMS) and ".head." not in n}
    check_tensors(wanted, {name: tuple(t.shape) for name, t in found.items()}, str(path))
    network.load_state_dict(state | found)
