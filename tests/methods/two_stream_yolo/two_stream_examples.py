"""What the tests of the two-stream YOLO are made from, and a flow network of one number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from bench.testing import INFO, training_data
from methods.base import Info
from methods.nn.flow.network import FlowNetwork
from methods.two_stream_yolo.config import TwoStreamYoloConfig
from methods.two_stream_yolo.network import Detector
from methods.two_stream_yolo.predict import Predictor
from methods.two_stream_yolo.training import DetectorStage


def plain(config: TwoStreamYoloConfig, **training: Any) -> TwoStreamYoloConfig:
    """Without any augmentation."""
    none = replace(config.augmentation, zoom=(1.0, 1.0), flip=False, colour=(0.0, 1.0, 1.0))
    return replace(config, augmentation=none, training=replace(config.training, **training))


class Difference(FlowNetwork):
    """Flow that is a learned share of how much brighter the second picture is."""

    stride = 1

    def __init__(self) -> None:
        super().__init__()
        self.share = torch.nn.Parameter(torch.tensor(0.1))

    def normalised(self, first_N3HW: Tensor, second_N3HW: Tensor) -> tuple[Tensor, Tensor]:
        return first_N3HW, second_N3HW

    def estimates(self, first_N3HW: Tensor, second_N3HW: Tensor) -> list[Tensor]:
        return [self.share * (second_N3HW - first_N3HW)[:, :2]]


def network(config: TwoStreamYoloConfig, inside: bool = True) -> Detector:
    torch.manual_seed(0)
    return Detector(config.model, Difference() if inside else None, len(INFO.classes))


def stage(config: TwoStreamYoloConfig, info: Info = INFO, inside: bool = True) -> DetectorStage:
    """The detector's stage with :class:`Difference` as its flow network."""
    data = training_data(config.model.frame_size)
    return DetectorStage(config, info, data, 0, lambda: network(config, inside))


def predictor(config: TwoStreamYoloConfig, info: Info = INFO, inside: bool = True) -> Predictor:
    return Predictor(config, info, network(config, inside))
