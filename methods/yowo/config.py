"""Configuration of YOWO. Values that neither paper nor program states are marked *ours*."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from bench.sources import SOURCE
from bench.tubes import PUBLISHED, Linking
from methods.common.config import CropsConfig, with_parts

Anchors = tuple[tuple[float, float], ...]

UCF24_ANCHORS: Anchors = (
    (0.70458, 1.18803), (1.26654, 2.55121), (1.59382, 4.08321), (2.30548, 4.94180), (3.52332, 5.91979),
)  # fmt: skip
JHMDB_ANCHORS: Anchors = (
    (0.95878, 3.10197), (1.67204, 4.0040), (1.75482, 5.64937), (3.09299, 5.80857), (4.91803, 6.25225),
)  # fmt: skip


@dataclass(frozen=True)
class ModelConfig:
    """The network, and what it sees."""

    branches: tuple[str, ...] = ("3d", "2d")
    frame_size: tuple[int, int] = (224, 224)  # width, height
    clip_length: int = 16  # the key-frame is the last
    clip_stride: int = 1
    clip_input: Literal["rgb", "differences"] = "rgb"  # differences: to the frame before; ours
    kind_3d: Literal["resnext", "folded"] = "resnext"  # folded: for a CPU, ours; reads width_3d alone
    width_3d: float = 1.0
    groups_3d: int = 32
    width_2d: float = 1.0
    pools_2d: tuple[bool, bool, bool, bool, bool] = (True, True, True, True, True)
    channels_2d: int = 425  # the detection layer of COCO is kept as a feature
    fusion_channels: int = 1024
    dropout: float = 0.1
    anchors: Anchors = ()  # in cells; empty: as many as num_anchors, clustered from the training boxes
    num_anchors: int = 5
    first_objectness: float = 0.5  # what the untrained head says of every box; 0.5: as it comes
    pretrained: str = field(default="", metadata=SOURCE)  # the whole network: an official checkpoint
    pretrained_3d: str = field(default="", metadata=SOURCE)  # 3D ResNeXt, trained on Kinetics
    pretrained_2d: str = field(default="", metadata=SOURCE)  # Darknet-19: yolo.weights of COCO
    frozen: bool = False  # branches stay but for layer 4 and the last two convolutions (the program, J-HMDB)


@dataclass(frozen=True)
class TrainingConfig:
    """Training of the network, end to end. The learning rate is that of the mean loss of an example."""

    steps: int = 60_000
    batch: int = 12
    background: float = 0.0  # share of key-frames without any action
    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 1e-4
    rate_3d: float = 1.0  # share of it at which the 3-D branch learns
    milestones: tuple[int, ...] = (30_000, 40_000, 50_000)  # steps at which the rate is halved
    one_cycle: bool = False
    weight_decay: float = 5e-4
    prior_examples: int = 12_800  # at first all anchors are drawn to their middle, as in YOLOv2
    jitter: float = 0.2  # share of each side that a random crop may cut off or add
    zoom: tuple[float, float] = (1.0, 1.0)  # instead of jitter: one random scale of both sides
    flip: bool = True
    colour: tuple[float, float, float] = (0.1, 1.5, 1.5)  # largest change of hue, saturation, exposure
    shuffled_labels: bool = False  # a control: labels permuted over the training tubes


@dataclass(frozen=True)
class PostprocessConfig:
    """From stored predictions to detections and tubes."""

    score_floor: float = field(default=0.005, metadata={"range": (0.001, 0.1)})  # objectness times class
    nms: float = field(default=0.4, metadata={"range": (0.2, 0.8)})  # over all classes, by objectness
    linking: Linking = PUBLISHED["yowo"]  # whole videos by Viterbi, no trimming, 3D-NMS


@dataclass(frozen=True)
class YowoConfig:
    """The whole method. Prediction keeps ``boxes_per_frame`` and their classes above ``class_floor``."""

    model: ModelConfig = ModelConfig()
    crops: CropsConfig = CropsConfig()
    training: TrainingConfig = TrainingConfig()
    postprocess: PostprocessConfig = PostprocessConfig()
    boxes_per_frame: int = 100
    score_floor: float = 0.005
    class_floor: float = 0.001
    predict_batch: int = 8
    cpu_threads: int = 0  # of one network on a CPU; 0: all cores


TINY_MODEL = ModelConfig(
    frame_size=(128, 96),
    clip_length=8,
    clip_stride=2,
    clip_input="differences",
    kind_3d="folded",
    width_2d=0.125,
    pools_2d=(True, True, True, False, True),
    channels_2d=64,
    fusion_channels=128,
    num_anchors=3,
    first_objectness=0.02,
)
"""For a CPU, from scratch: narrower, and with another 3-D branch. Everything here is ours.

Cells of 16 pixels: a person covers about as many as at full size. With cells of 8 every box has four times as
many rivals for its objectness, which then stays near 0. Differences show the 3-D branch what moves, and it
first learns of crops. A head that begins by saying 0.5 of every box spends its first steps on unlearning it.
"""
TINY_TRAINING = TrainingConfig(
    steps=1600,
    batch=8,
    background=0.1,
    optimiser="adamw",
    learning_rate=3e-3,
    rate_3d=0.3,
    milestones=(),
    one_cycle=True,
    weight_decay=0.05,
    prior_examples=400,
    jitter=0.0,
    zoom=(0.8, 1.3),
    colour=(0.5, 2.0, 2.0),
)
"""Colours and crops change much, against learning a few hundred videos by heart."""


def base(dataset: str, size: str) -> YowoConfig:
    """The paper's settings on that dataset, or the tiny ones."""
    if size == "tiny":
        return _tiny(dataset)
    if dataset.startswith("jhmdb"):
        training = TrainingConfig(steps=40_000, milestones=(10_000, 20_000, 30_000))
        return YowoConfig(ModelConfig(anchors=JHMDB_ANCHORS, frozen=True), training=training)
    anchors = UCF24_ANCHORS if dataset.startswith("ucf24") else ()
    return YowoConfig(ModelConfig(anchors=anchors))


def _tiny(dataset: str) -> YowoConfig:
    real = not dataset.endswith("-mini")
    return YowoConfig(
        model=TINY_MODEL,
        crops=CropsConfig(steps=2400 if real else 900),
        training=replace(TINY_TRAINING, steps=5000 if real else TINY_TRAINING.steps),
        boxes_per_frame=30,
        score_floor=0.01,
        class_floor=0.005,
        predict_batch=16,
        cpu_threads=1,
    )


def configs(dataset: str, size: str) -> dict[str, YowoConfig]:
    """Row -> config. ``3d`` and ``2d``: one branch alone; ``shuffled-labels``: ours, a control."""
    whole = base(dataset, size)
    return {
        "default": whole,
        "3d": with_parts(whole, model={"branches": ("3d",)}),
        "2d": with_parts(whole, model={"branches": ("2d",)}),
        "shuffled-labels": with_parts(whole, training={"shuffled_labels": True}),
    }
