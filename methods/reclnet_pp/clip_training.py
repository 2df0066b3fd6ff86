"""A stand-in for weights of Kinetics: I3D learns what the people in annotated boxes do.

Not of the paper, which starts from published weights. What is learnt is what is used: the map after Mixed_4f,
pooled over a box.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bench.footage import Footage
from bench.records import Array
from methods.base import Info, TrainingData
from methods.common.colour import distorted
from methods.common.keyframe_stage import KeyFrameStage, Shown
from methods.common.keyframes import with_shuffled_labels
from methods.common.labels import label_vectors
from methods.common.windows import to_network
from methods.nn.i3d import I3D
from methods.nn.i3d_weights import load_published
from methods.nn.roi_align import roi_align
from methods.nn.weights import load_checked, read_tensors
from methods.reclnet.i3d_config import FRAMES, PIXELS
from methods.reclnet.i3d_features import ENDPOINT, SAMPLES, i3d_of
from methods.reclnet.pictures import pictures
from methods.reclnet_pp.config import ReclnetPpConfig

NETWORK = "network."


class BoxClassifier(nn.Module):
    """I3D, and a layer of classes on what is pooled of a box from the map in the middle of the clip."""

    def __init__(self, network: I3D, num_classes: int) -> None:
        super().__init__()
        self.network = network
        self.classes = nn.Linear(network.config.channels(ENDPOINT), num_classes)

    def forward(self, clip_BCTHW: Tensor, boxes: Sequence[Tensor]) -> Tensor:
        """logits_NC of the boxes_G4 of all clips, in pixels of theirs."""
        map_BCMHW = self.network.forward_endpoints(clip_BCTHW, [ENDPOINT])[ENDPOINT]
        map_BCHW = map_BCMHW[:, :, map_BCMHW.shape[2] // 2]
        image = torch.cat([torch.full((len(b),), i, device=b.device) for i, b in enumerate(boxes)])
        regions_N4 = torch.cat(list(boxes))
        pooled = roi_align([map_BCHW], regions_N4, image, [PIXELS], size=1, sampling_ratio=SAMPLES)
        logits_NC: Tensor = self.classes(pooled[:, :, 0, 0])
        return logits_NC


class ClipStage(KeyFrameStage):
    """Stage ``i3d-rgb`` or ``i3d-flow``: learnt from are the boxes that people drew, as by the detectors."""

    draws = 5

    def __init__(
        self, stream: str, config: ReclnetPpConfig, info: Info, data: TrainingData, seed: int
    ) -> None:
        shuffled = config.training.shuffled_labels
        truth = with_shuffled_labels(data.drawn, seed) if shuffled else data.drawn
        super().__init__(config.clips, info, data, seed, truth)
        self.name, self.stream, self.steps = f"i3d-{stream}", stream, config.clips.steps
        self.clips, self.features = config.clips, config.features

    def network(self) -> nn.Module:
        return BoxClassifier(i3d_of(self.features, self.stream), len(self.info.classes))

    def batch(self, step: int) -> Any:
        clips, boxes, labels = zip(*self.drawn(step))
        return {"clip_BCTHW": torch.stack(clips), "boxes": list(boxes), "labels": list(labels)}

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        logits_NC = module(batch["clip_BCTHW"], batch["boxes"])
        return {"class": self.entropy(logits_NC, torch.cat(batch["labels"]))}

    def example(self, shown: Shown, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """A clip (C, T, H, W) in -1..1, boxes_G4 in its pixels and label vectors_GC of its middle frames."""
        footage, mirror = shown.footage, shown.mirror
        scale = np.tile(np.divide(self.features.frame_size, footage.size), 2).astype(np.float32)
        placed = to_network(shown.boxes_G4, footage, None, mirror) * scale
        placed, vectors = label_vectors(placed, shown.labels_G, len(self.info.classes))
        length = self.clips.length
        middle = (length // FRAMES // 2) * FRAMES + FRAMES // 2  # of the frames that the middle map is of
        numbers = np.clip(shown.frame - middle + np.arange(length), 0, len(footage) - 1)
        clip = self._clip(footage, numbers, mirror, rng)
        return clip, torch.from_numpy(placed), torch.from_numpy(vectors)

    def _clip(self, footage: Footage, numbers: Array, mirror: bool, rng: np.random.Generator) -> Tensor:
        """(C, T, H, W) in -1..1; mirrored motion to the right is motion to the left."""
        shown = pictures(footage, self.stream, numbers, self.features.frame_size)
        if self.stream == "rgb":
            shown = distorted(np.ascontiguousarray(shown), self.clips.colour, rng)
        shown = shown[..., :2] if self.stream == "flow" else shown
        if mirror:
            shown = shown[:, :, ::-1]
            if self.stream == "flow":
                across = np.minimum(256 - shown[..., 0].astype(np.int16), 255)  # 128 is no motion
                shown = np.stack([across.astype(np.uint8), shown[..., 1]], axis=-1)
        clip = torch.from_numpy(np.ascontiguousarray(shown.transpose(3, 0, 1, 2)))
        return clip.float().div_(127.5).sub_(1)


def load_i3d(network: I3D, published: Path | None, trained: Path | None) -> None:
    """Give I3D its weights: the published ones, or those of its stage.

    Raises FileNotFoundError, and ValueError naming the first difference.
    """
    if published is not None:
        load_published(network, published)
        return
    assert trained is not None
    tensors = read_tensors(trained)
    own = {n.removeprefix(NETWORK): t for n, t in tensors.items() if n.startswith(NETWORK)}
    load_checked(network, own, str(trained), hint="Another config trained it")
