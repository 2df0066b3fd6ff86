"""A PCSC small enough for unit tests, and footage made of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.footage import Footage
from bench.records import Detections, GroundTruth, TruthBoxes, TruthTubes, VideoTable
from bench.video import Video
from methods.base import Info
from methods.pcsc.config import PcscConfig, configs
from methods.pcsc.network import PcscNetwork
from methods.pcsc.regions import Target

INFO = Info(("run", "wave left", "wave right"), flipped_labels=(0, 2, 1))


@dataclass(frozen=True)
class Pictures(Video):
    """A video that is an array."""

    rgb_THW3: np.ndarray | None = None

    def read(self, size: tuple[int, int] | None = None) -> np.ndarray:
        assert self.rgb_THW3 is not None
        return self.rgb_THW3


@dataclass(frozen=True)
class Vectors:
    """A flow store that holds one array."""

    stored_THW2: np.ndarray
    bound: float

    def read_quantized(self, video: Video) -> tuple[np.ndarray, float]:
        return self.stored_THW2, self.bound


def footage(
    rgb_THW3: np.ndarray,
    flow_THW2: np.ndarray | None = None,
    bound: float = 10.0,
    annotation: tuple[int, int] | None = None,
    name: str = "run/v_run_g01_c01",
) -> Footage:
    height, width = rgb_THW3.shape[1:3]
    if flow_THW2 is None:
        flow_THW2 = np.zeros((*rgb_THW3.shape[:3], 2), np.int8)
    across, down = annotation or (width, height)
    video = Pictures(name, Path(name), across, down, rgb_THW3)
    return Footage(video, (width, height), Vectors(flow_THW2, bound))  # type: ignore[arg-type]


def noise(seed: int = 0, frames: int = 6, annotation: tuple[int, int] | None = None) -> Footage:
    random = np.random.default_rng(seed)
    rgb = random.integers(0, 256, (frames, 48, 64, 3)).astype(np.uint8)
    flow = random.integers(-127, 128, (frames, 48, 64, 2)).astype(np.int8)
    return footage(rgb, flow, annotation=annotation, name=f"run/v_run_g{seed:02d}_c01")


def small(**model: Any) -> PcscConfig:
    """The tiny config at 64x48 and a sixteenth of the width; ``model``: fields of its model replaced."""
    tiny = configs("ucf24-mini", "tiny")["default"]
    narrow: dict[str, Any] = {
        "frame_size": (64, 48), "width": 0.0625, "pyramid_channels": 16, "head_channels": 32, "roi_size": 3,
        "canonical_size": 32, "anchor_sizes": ((8, 12, 16), (24, 32, 40)), "handed_boxes": 8,
        "proposals_train": (40, 12), "proposals_test": (40, 12),
    }  # fmt: skip
    return replace(
        tiny,
        model=replace(tiny.model, **(narrow | model)),
        training=replace(tiny.training, head_batch=12, rpn_batch=32, batch=2),
    )


def network(seed: int = 0, **model: object) -> PcscNetwork:
    torch.manual_seed(seed)
    config = small(**model)
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


def truth() -> GroundTruth:
    """Two videos; tubes numbered out of order; the second tube of the first video is of another class."""
    names = ("run/v_run_g00_c01", "run/v_run_g01_c01")
    sizes: Any = ([6, 4], [64, 64], [48, 48], [25, 25], ("g00", "g01"))
    tubes: Any = ([0, 0, 1], [7, 3, 5], [0, 1, 2], [1, 2, 0], [4, 3, 2], [False] * 3)
    at = np.array([[1, 2, 21, 30]] * 3 + [[40, 8, 60, 40]] + [[10, 10, 30, 40]] * 2, np.float32)
    boxes: Any = ([0, 0, 0, 0, 1, 1], [7, 7, 7, 3, 5, 5], [1, 2, 3, 2, 0, 1], at)
    table, rows = VideoTable(names, *sizes), TruthBoxes(names, *boxes)
    tubes = TruthTubes(names, *tubes)
    return GroundTruth(INFO.classes, table, tubes, rows)


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
    return Kit(INFO, footage, noise, small, network, clips, targets, truth, detections)
