"""Prediction: the best boxes of a key-frame with the probabilities of their classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from bench.footage import Footage
from bench.records import Array, Detections
from bench.speed.marks import FLOW, NETWORK, compiled, part
from methods.base import Info
from methods.common.windows import to_annotation
from methods.nn.multibox import decoded
from methods.rfb_flow import clips
from methods.rfb_flow.config import RfbFlowConfig
from methods.rfb_flow.network import RfbFlowNetwork

Known = dict[tuple[int, int], Tensor]
"""flow_2HW by the numbers of the frames that it is between."""


class Predictor:
    """A trained network. Between two frames flow is estimated once, however many key-frames need it."""

    def __init__(self, config: RfbFlowConfig, info: Info, network: RfbFlowNetwork) -> None:
        self.config, self.info, self.network = config, info, network.eval()
        self.device = next(network.parameters()).device

    def predict(self, footage: Footage, frames: Sequence[int], known: Known | None = None) -> Detections:
        """Rows of the given frames, boxes in annotation pixels; ``known``: kept from one call to the next."""
        size, known = self.config.predict_batch, {} if known is None else known
        parts = [
            self._batch(footage, frames[first : first + size], known) for first in range(0, len(frames), size)
        ]
        return Detections.concat(parts) if parts else Detections.empty([footage.name])

    @torch.no_grad()
    def _batch(self, footage: Footage, frames: Sequence[int], known: Known) -> Detections:
        flow_BFHW = self.flow(footage, frames, known)
        key_B3HW = self._pictures(footage, list(frames))
        with part(NETWORK):
            boxes_BP4, scores_BPC = self.scored(key_B3HW, flow_BFHW)
        return self._rows(footage, frames, boxes_BP4, scores_BPC)

    def flow(self, footage: Footage, frames: Sequence[int], known: Known) -> Tensor:
        """The fields around each key-frame, (B, 2 * pairs, H, W)."""
        if self.network.flow is None:
            return torch.stack([clips.fields(footage, frame) for frame in frames]).to(self.device)
        kind = self.config.model.flow_pairs
        wanted = [clips.pairs_of(frame, len(footage), kind) for frame in frames]
        every = {pair for pairs in wanted for pair in pairs}
        span = min(first for first, _ in every), max(second for _, second in every)
        for pair in [pair for pair in known if pair[0] < span[0] or pair[1] > span[1]]:
            del known[pair]
        if missing := sorted(every - set(known)):
            numbers = sorted({frame for pair in missing for frame in pair})
            pictures = self._pictures(footage, numbers)
            ends = [[numbers.index(pair[end]) for pair in missing] for end in (0, 1)]
            with part(FLOW):
                found = compiled(self.network.estimate)(pictures[ends[0]], pictures[ends[1]])
            known.update(zip(missing, found))
        return torch.stack([torch.cat([known[pair] for pair in pairs]) for pairs in wanted])

    def _pictures(self, footage: Footage, frames: list[int]) -> Tensor:
        return clips.pictures(footage.clip(frames)).to(self.device).float()

    def scored(self, key_B3HW: Tensor, flow_BFHW: Tensor) -> tuple[Tensor, Tensor]:
        """Corners in shares of the frame (B, P, 4) and class probabilities (B, P, C)."""
        offsets, logits = compiled(self.network.detections)(key_B3HW, flow_BFHW)
        boxes = decoded(offsets, self.network.priors_P4)
        return boxes, logits.sigmoid() if self.info.multi_label else logits.softmax(dim=-1)[..., 1:]

    def _rows(
        self, footage: Footage, frames: Sequence[int], boxes_BP4: Tensor, scores_BPC: Tensor
    ) -> Detections:
        """A row for every class above the floor of every box that is among the best of some class.

        Boxes are numbered by frame and by place among those kept: by prior, numbers of a film's last frames
        would not fit.
        """
        floor, priors = self.config.score_floor, scores_BPC.shape[1]
        best = scores_BPC.topk(min(self.config.boxes_per_class, priors), dim=1)
        image, rank, label = (best.values > floor).nonzero(as_tuple=True)
        kept = torch.zeros_like(scores_BPC[..., 0], dtype=torch.bool)
        kept[image, best.indices[image, rank, label]] = True
        image, prior = kept.nonzero(as_tuple=True)
        scores_NC, boxes_N4 = scores_BPC[image, prior].cpu().numpy(), boxes_BP4[image, prior].cpu().numpy()
        row, found = np.nonzero(scores_NC > floor)
        images = image.cpu().numpy()
        frame, place = np.asarray(frames)[images], np.arange(len(images)) - np.searchsorted(images, images)
        number = frame * min(best.values[0].numel(), priors) + place
        return Detections(
            videos=(footage.name,),
            video=np.zeros(len(row), np.int32),
            frame=frame[row],
            box=number[row],
            boxes_N4=to_annotation(_in_pixels(boxes_N4, footage)[row], footage),
            label=found,
            score=scores_NC[row, found],
        )


def _in_pixels(boxes_N4: Array, footage: Footage) -> Array:
    return boxes_N4.clip(0, 1) * np.tile(footage.size, 2)
