"""The network of PCSC: two I3D + FPN + Faster R-CNN streams that help each other over the stages.

Boxes inside this file are in pixels of the network's frame size, labels as :mod:`methods.pcsc.heads` has
them. An image's boxes are an [n, 4] tensor; a batch of images is a list of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import clip_boxes_to_image, nms, remove_small_boxes

from methods.nn.message import MessagePassing
from methods.nn.roi_align import LevelRule, roi_align
from methods.pcsc.config import ModelConfig, TrainingConfig
from methods.pcsc.heads import Head
from methods.pcsc.regions import Sample, StageBoxes, Target, sample
from methods.pcsc.streams import Pyramid, Stream

BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)


class PcscNetwork(nn.Module):
    """All streams and stages. With one stream in the config it is Faster R-CNN + FPN on that stream."""

    def __init__(
        self, model: ModelConfig, training: TrainingConfig, num_classes: int, multi_label: bool = False
    ) -> None:
        super().__init__()
        self.model, self.training_config, self.num_classes = model, training, num_classes
        self.streams: Mapping[str, Stream] = nn.ModuleDict(  # type: ignore[assignment]
            {name: Stream(name, model, training) for name in model.streams}
        )
        self.strides = tuple(2**level for level in model.levels)
        self.coder = BoxCoder(BOX_WEIGHTS)
        heads = [(0, name) for name in model.streams]
        heads += [(stage, assisted(stage)) for stage in range(1, model.stages + 1)]
        self.heads: Mapping[str, Head] = nn.ModuleDict(  # type: ignore[assignment]
            {f"{stage}_{name}": Head(model, num_classes, multi_label) for stage, name in heads}
        )
        if model.feature_cooperation:
            channels = self.streams["rgb"].channels
            self.image_messages: Sequence[MessagePassing] = nn.ModuleList(  # type: ignore[assignment]
                MessagePassing(c, model.reduction) for c in channels
            )
            self.roi_messages: Sequence[MessagePassing] = nn.ModuleList(  # type: ignore[assignment]
                MessagePassing(model.pyramid_channels, model.reduction) for _ in range(model.stages)
            )

    def pyramids(self, clips: Mapping[str, Tensor]) -> dict[str, Pyramid]:
        """Feature pyramids of all streams; flow helps RGB before the latter's top-down path."""
        levels = {name: stream.levels(clips[name]) for name, stream in self.streams.items()}
        if self.model.feature_cooperation:
            levels["rgb"] = [
                message(rgb, flow)
                for message, rgb, flow in zip(self.image_messages, levels["rgb"], levels["flow"])
            ]
        return {name: stream.pyramid(levels[name]) for name, stream in self.streams.items()}

    def roi_features(
        self, stage: int, stream: str, pyramids: Mapping[str, Pyramid], boxes: list[Tensor]
    ) -> Tensor:
        """Pooled features of a stream; from stage 1 on with the other stream's message (eq. 1)."""
        if not (stage and self.model.feature_cooperation):
            return self._pool(pyramids[stream], boxes)
        both = [torch.cat(pair, dim=1) for pair in zip(pyramids[stream], pyramids[other(stream)])]
        own, helper = self._pool(both, boxes).chunk(2, dim=1)  # pooling both at once costs less
        return self.roi_messages[stage - 1](own, helper)

    def _pool(self, pyramid: Pyramid, boxes: list[Tensor]) -> Tensor:
        index = torch.cat([torch.full((len(b),), i, device=b.device) for i, b in enumerate(boxes)])
        return roi_align(
            pyramid,
            torch.cat(boxes),
            index,
            self.strides,
            size=self.model.roi_size,
            rule=LevelRule(self.model.canonical_size),
        )

    def forward(self, clips: Mapping[str, Tensor], targets: Sequence[Target]) -> dict[str, Tensor]:
        """RPN losses of both streams and the head losses of every stage."""
        pyramids = self.pyramids(clips)
        losses: dict[str, Tensor] = {}
        handed: dict[tuple[int, str], list[Tensor]] = {}
        for name, stream in self.streams.items():
            proposals, rpn = stream.propose(pyramids[name], clips[name], targets)
            losses |= {f"rpn_{name}/{key.removeprefix('loss_')}": value for key, value in rpn.items()}
            handed[0, name] = self._train_head(0, name, pyramids, proposals, targets, losses)
        for stage in range(1, self.model.stages + 1):
            name = assisted(stage)
            proposals = self._joined(stage, handed, None)
            handed[stage, name] = self._train_head(stage, name, pyramids, proposals, targets, losses)
        return losses

    def _train_head(
        self,
        stage: int,
        stream: str,
        pyramids: Mapping[str, Pyramid],
        proposals: list[Tensor],
        targets: Sequence[Target],
        losses: dict[str, Tensor],
    ) -> list[Tensor]:
        """Add a head's losses to ``losses``; return its decoded boxes, to be handed on."""
        config = self.training_config
        samples = [sample(p, t, config.head_batch, config.foreground) for p, t in zip(proposals, targets)]
        boxes = [s.boxes for s in samples]
        labels = torch.cat([s.labels for s in samples])
        head = self.heads[f"{stage}_{stream}"]
        logits, offsets = head(self.roi_features(stage, stream, pyramids, boxes))
        losses[f"stage{stage}_{stream}/cls"] = head.class_loss(logits, labels)
        losses[f"stage{stage}_{stream}/box"] = self._box_loss(offsets, labels, samples)
        with torch.no_grad():
            decoded = self._decode(stage, stream, logits, offsets, boxes)
        return [d.best_boxes() for d in decoded]

    def _box_loss(self, offsets_NK4: Tensor, labels: Tensor, samples: Sequence[Sample]) -> Tensor:
        wanted = torch.cat(self.coder.encode([s.matched for s in samples], [s.boxes for s in samples]))
        positive = labels.reshape(len(labels), -1).any(1).nonzero()[:, 0]
        which = labels[positive] if offsets_NK4.shape[1] > 1 else torch.zeros_like(positive)
        loss = F.smooth_l1_loss(offsets_NK4[positive, which], wanted[positive], beta=1 / 9, reduction="sum")
        return loss / max(1, len(labels))

    def _decode(
        self, stage: int, stream: str, logits: Tensor, offsets_NK4: Tensor, boxes: list[Tensor]
    ) -> list[StageBoxes]:
        width, height = self.model.frame_size
        decoded = self.coder.decode(offsets_NK4.flatten(1), boxes)
        decoded = clip_boxes_to_image(decoded.reshape(len(logits), -1, 4), (height, width))
        if decoded.shape[1] > 1:
            decoded = decoded[:, 1:]
        scores = self.heads[f"{stage}_{stream}"].scores(logits)
        counts = [len(b) for b in boxes]
        return [StageBoxes(stage, stream, b, s) for b, s in zip(decoded.split(counts), scores.split(counts))]

    def _joined(
        self,
        stage: int,
        handed: Mapping[tuple[int, str], list[Tensor]],
        scores: Mapping[tuple[int, str], list[Tensor]] | None,
    ) -> list[Tensor]:
        """Proposals of a stage: the stream's own last boxes and, cooperating, the other's last (section 3.2).

        The other stream's boxes go through a lower NMS threshold. Scores order the NMS; in training, where
        ``scores`` is None, boxes come from sampled regions and are kept as they are.
        """
        stream = assisted(stage)
        own, helper = (max(stage - 2, 0), stream), (stage - 1, other(stream))
        sources = [(own, self.model.own_nms)]
        if self.model.proposal_cooperation:
            sources.append((helper, self.model.other_nms))
        joined = []
        for image in range(len(handed[own])):
            parts = []
            for key, threshold in sources:
                boxes = handed[key][image]
                if scores is not None:
                    boxes = boxes[nms(boxes, scores[key][image], threshold)]
                parts.append(boxes)
            boxes = torch.cat(parts)
            joined.append(boxes[remove_small_boxes(boxes, 1.0)])
        return joined

    @torch.no_grad()
    def detect(self, clips: Mapping[str, Tensor]) -> tuple[list[list[StageBoxes]], dict[str, Pyramid]]:
        """For every image the boxes of every stage; and the pyramids, for further pooling."""
        pyramids = self.pyramids(clips)
        found: list[list[StageBoxes]] = [[] for _ in range(len(next(iter(clips.values()))))]
        handed: dict[tuple[int, str], list[Tensor]] = {}
        scores: dict[tuple[int, str], list[Tensor]] = {}

        def run_head(stage: int, stream: str, proposals: list[Tensor]) -> None:
            rois = self.roi_features(stage, stream, pyramids, proposals)
            logits, offsets = self.heads[f"{stage}_{stream}"](rois)
            decoded = self._decode(stage, stream, logits, offsets, proposals)
            chosen = [self._handed_on(d) for d in decoded]
            handed[stage, stream] = [boxes for boxes, _ in chosen]
            scores[stage, stream] = [score for _, score in chosen]
            for image, boxes in zip(found, decoded):
                image.append(boxes)

        for name, stream in self.streams.items():
            run_head(0, name, stream.propose(pyramids[name], clips[name], None)[0])
        for stage in range(1, self.model.stages + 1):
            run_head(stage, assisted(stage), self._joined(stage, handed, scores))
        return found, pyramids

    def _handed_on(self, boxes: StageBoxes) -> tuple[Tensor, Tensor]:
        """The confident boxes of a head and their scores; its single best when none is confident."""
        if boxes.boxes_NK4.shape[1] == 1:
            rows, scores = boxes.boxes_NK4[:, 0], boxes.scores_NC.max(1).values
            order = scores.argsort(descending=True, stable=True)[: self.model.handed_boxes]
            rows, scores = rows[order], scores[order]
        else:
            rows, _, scores = boxes.rows(0.0, self.model.handed_boxes)
        count = max(1, int((scores > self.model.confident).sum()))
        return rows[:count], scores[:count]

    @torch.no_grad()
    def last_features(self, pyramids: Mapping[str, Pyramid], boxes: list[Tensor]) -> Tensor:
        """fc7 features [N, D] of the last RGB and flow head, concatenated: the input of actionness."""
        parts = []
        for stage, stream in last_heads(self.model):
            rois = self.roi_features(stage, stream, pyramids, boxes)
            parts.append(self.heads[f"{stage}_{stream}"].features(rois))
        return torch.cat(parts, dim=1)


def assisted(stage: int) -> str:
    """The stream that a stage refines: RGB at odd stages, flow at even ones."""
    return "rgb" if stage % 2 else "flow"


def other(stream: str) -> str:
    """The stream that helps."""
    return "flow" if stream == "rgb" else "rgb"


def last_heads(model: ModelConfig) -> list[tuple[int, str]]:
    """(stage, stream) of the last head of each stream: stage 3 RGB and stage 4 flow for the paper's model."""
    last = dict.fromkeys(model.streams, 0)
    for stage in range(1, model.stages + 1):
        last[assisted(stage)] = stage
    return [(stage, stream) for stream, stage in last.items()]
