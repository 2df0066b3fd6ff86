"""A PCSC small enough for unit tests, and footage made of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import narrow
import numpy as np
import pytest
import torch

from bench.footage import Footage
from bench.records import Detections, GroundTruth
from bench.testing import INFO, footage, noise, toy_truth
from methods.base import Info
from methods.pcsc.config import PcscConfig
from methods.pcsc.network import PcscNetwork
from methods.pcsc.regions import Target


def network(seed: int = 0, **model: object) -> PcscNetwork:
    torch.manual_seed(seed)
    config = narrow.pcsc(**model)
    return PcscNetwork(config.model, config.training, len(INFO.classes)).eval()


def clips(count: int = 2, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: torch.rand((count, channels, 4, 48, 64), generator=generator) * 2 - 1
        for name, channels in (("rgb", 3), ("flow", 2))
    }


def targets() -> list[Target]:
    """One image with two boxes of different classes, one without any."""
    boxes = torch.tensor([[4.0, 6.0, 30.0, 40.0], [36.0, 10.0, 60.0, 34.0]])
    return [
        Target(boxes, torch.tensor([1, 3])),
        Target(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64)),
    ]


def detections(rows: list[dict[str, object]]) -> Detections:
    """One video's rows; ``box`` is [x1, y1, x2, y2], what a row leaves out is 0."""

    def column(name: str, nothing: object = 0) -> Any:
        return [row.get(name, nothing) for row in rows]

    return Detections(
        videos=("v",),
        video=np.zeros(len(rows), np.int32),
        frame=column("frame"),
        box=np.arange(len(rows)),
        boxes_N4=np.array(column("at", (0, 0, 10, 10)), np.float32).reshape(-1, 4),
        label=column("label"),
        score=column("score", 0.5),
        stage=column("stage"),
        actionness=column("actionness") if any("actionness" in row for row in rows) else None,
    )


@dataclass(frozen=True)
class Kit:
    """What the tests of PCSC are made from."""

    info: Info
    footage: Callable[..., Footage]
    noise: Callable[..., Footage]
    small: Callable[..., PcscConfig]
    network: Callable[..., PcscNetwork]
    clips: Callable[..., dict[str, torch.Tensor]]
    targets: Callable[[], list[Target]]
    truth: Callable[[], GroundTruth]
    detections: Callable[[list[dict[str, object]]], Detections]


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit(INFO, footage, noise, narrow.pcsc, network, clips, targets, toy_truth, detections)
