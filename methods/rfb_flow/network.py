"""The network: flow, one trunk for both streams, fusion at every scale, SSD's heads.

With the config of the row ``released`` a state dict is that of the published program's checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from methods.nn.flow.network import FlowNetwork, resized
from methods.nn.multibox import corners
from methods.nn.priors import priors, rfb_map_sizes
from methods.nn.rfb import BasicConv, RfbConfig, RfbDetector, Step
from methods.rfb_flow.clips import MEAN
from methods.rfb_flow.config import PAIRS, ModelConfig, offsets
from methods.rfb_flow.fusion import ElementWise, Maps, TopDown

LAYOUT = torch.channels_last
"""Of the trunk's maps and weights: on a CPU the narrow trunk takes 0.7 of the time so, 0.15 s a step."""


class RfbFlowNetwork(RfbDetector):
    """``flow``: the network that estimates flow; None where flow is computed before.

    The key-frame and the image made of the flows go through the trunk in one batch, so that its batch
    normalisation sees the statistics of both in training as it does in use (the published program runs it
    twice). Frames are RGB in 0..255.
    """

    priors_P4: Tensor
    mean_311: Tensor

    def __init__(self, model: ModelConfig, outputs: int, flow: FlowNetwork | None) -> None:
        shape = RfbConfig(model.flavour, model.width, model.normalised, len(model.priors))
        super().__init__(shape, outputs)
        self.to(memory_format=LAYOUT)
        self.model, self.flow = model, flow
        self._add_fusion(shape.channels)
        fields = 2 * len(PAIRS[model.flow_pairs])
        self.pointwise_conv_ = (
            BasicConv(fields, Step(3)) if model.flow_normalised else nn.Conv2d(fields, 3, 1)
        )
        sizes = rfb_map_sizes(model.frame_size, len(model.priors))
        known = torch.from_numpy(priors(model.priors, model.frame_size, sizes))
        self.register_buffer("priors_P4", corners(known), persistent=False)
        self.register_buffer("mean_311", torch.tensor(MEAN).view(3, 1, 1), persistent=False)

    def _add_fusion(self, channels: tuple[int, ...]) -> None:
        """One fusion, or one for each of the heads."""
        fusion = self.model.fusion
        self.blocks = ("loc_", "conf_") if self.model.separate_fusion else ("fuse",)
        if fusion != "none":
            for name in self.blocks:
                made = TopDown(channels) if fusion == "stfp" else ElementWise(channels, fusion)
                self.add_module(name, made)

    def forward(self, inputs: Mapping[str, Tensor], flow_learns: bool = False) -> tuple[Tensor, Tensor]:
        """offsets_BP4 and logits_BPC.

        inputs: as :meth:`seen` says. flow_learns: gradients reach the flow network.
        """
        return self.detections(*self.seen(inputs, flow_learns))

    def seen(self, inputs: Mapping[str, Tensor], flow_learns: bool = False) -> tuple[Tensor, Tensor]:
        """key_B3HW and flow_BFHW.

        inputs: ``frames`` (B, T, 3, H, W), those of ``config.offsets``, without a flow network inside the
        key-frame alone; where it is known already also ``flow`` (B, 2 * pairs, H, W).
        """
        frames = inputs["frames"].float()
        key = offsets(self.model.flow_pairs).index(0) if self.flow is not None else 0
        flow = inputs["flow"] if "flow" in inputs else self.flows(frames, flow_learns)
        return frames[:, key], flow

    def known(self, inputs: dict[str, Tensor], device: str) -> dict[str, Tensor]:
        """The inputs with flow of a flow network that does not learn. On a CPU: batches are made beside the
        steps, so that another core estimates it."""
        return inputs | {"flow": self.seen(inputs)[1]} if device == "cpu" else inputs

    def flows(self, frames_BT3HW: Tensor, learns: bool = False) -> Tensor:
        """The fields of all pairs, one behind the other: (B, 2 * pairs, H, W)."""
        wanted, places = PAIRS[self.model.flow_pairs], offsets(self.model.flow_pairs)
        first = torch.cat([frames_BT3HW[:, places.index(a)] for a, _ in wanted])
        second = torch.cat([frames_BT3HW[:, places.index(b)] for _, b in wanted])
        with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
            found = self.estimate(first, second)
        return torch.cat(found.chunk(len(wanted)), dim=1)

    def estimate(self, first_N3HW: Tensor, second_N3HW: Tensor) -> Tensor:
        """flow_N2HW, its vectors in pixels of ``flow_size``, as the published program leaves them.

        Crops of frames are enlarged as whole frames are.
        """
        assert self.flow is not None
        height, width = first_N3HW.shape[2:]
        across, down = (to / of for to, of in zip(self.model.flow_size, self.model.frame_size))
        size = round(height * down), round(width * across)
        flow = self.flow.pyramid(*(resized(picture, size) for picture in (first_N3HW, second_N3HW)))[0]
        return resized(flow, (height, width))

    def detections(self, key_B3HW: Tensor, flow_BFHW: Tensor) -> tuple[Tensor, Tensor]:
        """offsets_BP4 and logits_BPC from the key-frame and the fields around it."""
        fused = self.fused(key_B3HW, flow_BFHW)
        return self.heads(fused[0], fused[-1])

    def fused(self, key_B3HW: Tensor, flow_BFHW: Tensor) -> list[Maps]:
        """The maps of both streams as one: those of the one fusion, or those for boxes and those for classes.

        Without fusion their mean: the heads are linear, so the mean of what both streams detect.
        """
        picture = (key_B3HW - self.mean_311) / self.model.pixel_scale
        both = self.maps(torch.cat([picture, self.motion_image(flow_BFHW)]).contiguous(memory_format=LAYOUT))
        appearance, motion = ([pair[i] for pair in (found.chunk(2) for found in both)] for i in (0, 1))
        if self.model.fusion == "none":
            return [[(one + other) / 2 for one, other in zip(appearance, motion)]]
        return [self.get_submodule(name)(appearance, motion) for name in self.blocks]

    def motion_image(self, flow_BFHW: Tensor) -> Tensor:
        """Three channels made of the fields, for a trunk that knows pictures (section 3.2)."""
        if self.model.flow_centred:
            flow_BFHW = flow_BFHW - flow_BFHW.flatten(2).median(dim=2).values[..., None, None]
        found: Tensor = self.pointwise_conv_(flow_BFHW)
        return found
