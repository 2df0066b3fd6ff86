"""The size of boxes as a training stage: fitted in closed form on the tracks of the training videos."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from methods.base import TrainingData, TrainingStage
from methods.nn.weights import read_tensors
from methods.reclnet.box_size import BoxSize, SizePairs, size_pairs

WEIGHTS = "weight_44"
log = logging.getLogger("bench")


class Fitted(nn.Module):
    """What a checkpoint holds of it."""

    def __init__(self, weights_44: Tensor) -> None:
        super().__init__()
        self.weight_44 = nn.Parameter(weights_44)


class BoxSizeStage(TrainingStage):
    """Needs no step: ``prepare`` fits it to the tracks that the extraction ``paths`` has of every video.

    Where no track meets the annotation nothing is adapted: a poor detector is no reason to lose a run.
    """

    name, steps = "box-size", 0

    def __init__(self, data: TrainingData, paths: str, min_iou: float) -> None:
        """``min_iou``: of a track box and an annotated one that are learnt from, at least."""
        self.data, self.paths, self.min_iou = data, paths, min_iou

    def prepare(self, folder: Path) -> nn.Module:
        truth = self.data.drawn
        pairs = []
        for name, boxes in truth.boxes.by_video():
            footage = self.data.footage[name]
            found = footage.extracted(self.paths)
            rows, drawn = (found["frame"], found["boxes_R4"]), (boxes.frame, boxes.boxes_N4)
            pairs.append(size_pairs(rows, drawn, footage.annotation_size, self.min_iou))
        try:
            fitted = BoxSize.fit(SizePairs.concat(pairs))
        except ValueError as error:
            log.warning("%s: boxes stay as they are", error)
            fitted = BoxSize(np.zeros((4, 4)))
        return Fitted(torch.from_numpy(fitted.weights_44))

    def optimiser(self, module: nn.Module) -> torch.optim.Optimizer:
        return torch.optim.SGD(module.parameters(), 0.0)

    def learning_rate(self, step: int) -> float:
        return 0.0

    def batch(self, step: int) -> Any:
        raise NotImplementedError("it has no steps")

    def losses(self, module: nn.Module, batch: Any) -> dict[str, Tensor]:
        raise NotImplementedError("it has no steps")


def load_box_size(path: Path) -> BoxSize:
    """What the stage fitted."""
    return BoxSize(read_tensors(path)[WEIGHTS].double().numpy())
