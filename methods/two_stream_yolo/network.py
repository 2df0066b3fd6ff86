"""The network: flow, two streams of Darknet-19, early fusion, and the heads of both training stages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from methods.nn.darknet import Darknet19, DarknetConfig
from methods.nn.flow.network import FlowNetwork
from methods.nn.region import Regions
from methods.nn.yolov2 import ReleasedLoss, Yolov2Loss
from methods.two_stream_yolo.config import ModelConfig

STILL = 1e-6
"""Added to the square of flow's length, whose root has a slope at no motion so."""


class Streams(nn.Module):
    """Both streams up to their fused maps.

    ``rgb`` and ``motion`` share no weight. ``flow``: the network that estimates flow; None where flow is
    computed before. Inputs by name: ``frames`` (B, 1 + 2 * steps, 3, H, W), RGB in 0..255: the frame, and the
    two that each flow is between; where it is known already also ``flow`` (B, 2 * steps, H, W), in pixels.
    """

    def __init__(self, model: ModelConfig, flow: FlowNetwork | None, outputs: int | None = None) -> None:
        super().__init__()
        self.model = model
        shape = DarknetConfig(passthrough=None, width=model.width, pools=model.pools, out_channels=outputs)
        self.rgb = Darknet19(shape)
        self.motion = Darknet19(replace(shape, in_channels=3 * len(model.flow_steps)))
        self.fused_channels = 2 * (outputs or shape.features)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = model.momentum
        self.flow = flow

    def flow_of(self, inputs: Mapping[str, Tensor], learns: bool = False) -> Tensor:
        """flow_BFHW in pixels, two channels a step; ``learns``: gradients reach the flow network."""
        if "flow" in inputs:
            return inputs["flow"]
        assert self.flow is not None
        frames = inputs["frames"].float()
        first, second = (frames[:, place::2].flatten(0, 1) for place in (1, 2))
        with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
            found: Tensor = self.flow(first, second)
        return found.unflatten(0, (len(frames), -1)).flatten(1, 2)

    def known(self, inputs: dict[str, Tensor], device: str) -> dict[str, Tensor]:
        """The inputs with flow of a flow network that does not learn. On a CPU: batches are made beside the
        steps, so that another core estimates it."""
        return inputs | {"flow": self.flow_of(inputs)} if device == "cpu" else inputs

    def fused(self, inputs: Mapping[str, Tensor], flow_BFHW: Tensor) -> Tensor:
        """The last maps of both streams, one behind the other in the channels."""
        key = inputs["frames"][:, 0].float() / 255
        return torch.cat([self.rgb(key), self.motion(self.motion_image(flow_BFHW))], dim=1)

    def motion_image(self, flow_BFHW: Tensor) -> Tensor:
        """u, v and their length, for a stream that knows pictures of three channels. (B, 3 * steps, H, W)"""
        if self.model.flow_centred:
            flow_BFHW = flow_BFHW - flow_BFHW.flatten(2).median(dim=2).values[..., None, None]
        scaled_BS2HW = (flow_BFHW / self.model.flow_scale).unflatten(1, (-1, 2))
        length_BS1HW = scaled_BS2HW.square().sum(2, keepdim=True).add(STILL).sqrt()
        return torch.cat([scaled_BS2HW, length_BS1HW], dim=2).flatten(1, 2)


class Recogniser(Streams):
    """What an action is, of the whole frame."""

    def __init__(self, model: ModelConfig, flow: FlowNetwork, classes: int) -> None:
        super().__init__(model, flow)
        self.classify = nn.Conv2d(self.fused_channels, classes, 1)

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """logits_BC: the mean over the frame of what every cell says."""
        logits: Tensor = self.classify(self.fused(inputs, self.flow_of(inputs))).mean(dim=(2, 3))
        return logits


class Detector(Streams):
    """Who does what, where."""

    anchors_A2: Tensor

    def __init__(self, model: ModelConfig, flow: FlowNetwork | None, classes: int) -> None:
        self.num_anchors = len(model.anchors) or model.num_anchors
        outputs = self.num_anchors * (5 + classes)
        super().__init__(model, flow, outputs if model.fusion == "heads" else None)
        self.head = nn.Conv2d(self.fused_channels, outputs, 1)
        known = model.anchors or [[1.0, 1.0]] * self.num_anchors
        self.register_buffer("anchors_A2", torch.tensor(known))
        if model.first_objectness != 0.5:
            bias = self.head.get_parameter("bias").data.view(self.num_anchors, -1)
            bias[:, 4] = math.log(model.first_objectness / (1 - model.first_objectness))

    def regions(self, inputs: Mapping[str, Tensor], flow_BFHW: Tensor) -> Regions:
        """The head's map taken apart."""
        return Regions.of(self.head(self.fused(inputs, flow_BFHW)).float(), self.num_anchors)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        boxes: Sequence[Tensor],
        labels: Sequence[Tensor],
        loss: Yolov2Loss | ReleasedLoss,
        prior: bool = False,
        flow_learns: bool = False,
    ) -> dict[str, Tensor]:
        """Parts of the loss. boxes: corners in pixels of the network's frame; labels: (G, C)."""
        regions = self.regions(inputs, self.flow_of(inputs, flow_learns))
        stride = self.rgb.config.stride
        return loss(regions, self.anchors_A2, [_centred(b) / stride for b in boxes], labels, prior)


def _centred(boxes_G4: Tensor) -> Tensor:
    """Corners to centre and size."""
    return torch.cat([(boxes_G4[:, :2] + boxes_G4[:, 2:]) / 2, boxes_G4[:, 2:] - boxes_G4[:, :2]], dim=1)
