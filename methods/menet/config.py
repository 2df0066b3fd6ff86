"""Configuration of MENet and its variants: one row for every line of the paper's tables.

Values that the paper does not state are marked *ours* or by the program they come from.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import methods.yowo.config as yowo
from bench.sources import SOURCE
from methods.common.config import CropsConfig, with_parts
from methods.yowo.config import ModelConfig, PostprocessConfig, TrainingConfig


@dataclass(frozen=True)
class MotionConfig:
    """What the network has beyond YOWO's."""

    non_local: Literal["", "layer3", "layer4"] = "layer4"  # after which layer of the 3-D branch
    spatial: Literal["rgb", "flow", "srm"] = "srm"  # what the 2-D branch sees beside the key-frame
    maps: int = 3  # of SRM: so many frames before the key-frame take part
    flow: str = "raft"  # flow that is input of the 2-D branch: the paper's
    flow_clip: float = 20.0  # pixels that become 1.0, ours


@dataclass(frozen=True)
class DistillationConfig:
    """Training of the 3-D branch on whole clips: the flow network, then the RGB network after it.

    Where the config has the stage ``crops``, on crops of people instead.

    MARS trains 112x112 crops of 16 frames with SGD from 0.1, halved where the loss stays; steps are ours.
    ``teacher_weights``: a file in place of the teacher's training, MARS's flow network or a checkpoint of the
    stage ``teacher``. The student starts from ``model.pretrained_3d`` where that is named.
    """

    enabled: bool = True
    alpha: float = 50.0  # weight of the features' mean squared error (MARS)
    flow: str = "tvl1"  # MARS
    flow_clip: float = 20.0
    flow_centred: bool = False  # each field's median is taken off: camera motion
    teacher_steps: int = 60_000
    student_steps: int = 60_000
    batch: int = 16
    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 0.01
    weight_decay: float = 1e-3
    zoom: tuple[float, float] = (1.0, 2.0)  # of the random crop
    colour: tuple[float, float, float] = (0.0, 1.0, 1.0)  # as for the detector, of the student's clips
    teacher_weights: str = field(default="", metadata=SOURCE)  # of a teacher that is not trained here


@dataclass(frozen=True)
class MenetConfig:
    """The whole method. Prediction keeps ``boxes_per_frame`` and their classes above ``class_floor``."""

    model: ModelConfig = ModelConfig()
    crops: CropsConfig = CropsConfig()  # whose shape distillation takes too, where there is that stage
    motion: MotionConfig = MotionConfig()
    distillation: DistillationConfig = DistillationConfig()
    training: TrainingConfig = TrainingConfig()
    postprocess: PostprocessConfig = PostprocessConfig()
    boxes_per_frame: int = 100
    score_floor: float = 0.005
    class_floor: float = 0.001
    predict_batch: int = 8
    cpu_threads: int = 0  # of one network on a CPU; 0: all cores


def base(dataset: str, size: str) -> MenetConfig:
    """The paper's settings on that dataset, or the tiny ones."""
    like = yowo.base(dataset, size)
    config = MenetConfig(
        model=like.model,
        crops=like.crops,
        training=like.training,
        postprocess=like.postprocess,
        boxes_per_frame=like.boxes_per_frame,
        score_floor=like.score_floor,
        class_floor=like.class_floor,
        predict_batch=like.predict_batch,
        cpu_threads=like.cpu_threads,
    )
    if size == "tiny":
        return _tiny(config, dataset)
    training: dict[str, Any] = {"learning_rate": 1e-4, "batch": 16}
    if not dataset.startswith("jhmdb"):
        training = {"learning_rate": 1e-3, "batch": 32, "milestones": (20_000, 30_000, 40_000, 50_000)}
    return with_parts(config, model={"frozen": False}, training=training)


def _tiny(config: MenetConfig, dataset: str) -> MenetConfig:
    real = not dataset.endswith("-mini")
    distillation = DistillationConfig(
        flow="dis",
        flow_clip=3.0,
        flow_centred=True,
        teacher_steps=1500 if real else 400,
        student_steps=2400 if real else 700,
        batch=config.crops.batch,
        optimiser="adamw",
        learning_rate=config.crops.learning_rate,
        weight_decay=config.crops.weight_decay,
        colour=config.crops.colour,
    )
    motion = MotionConfig(flow="dis", flow_clip=3.0)
    steps = config.training.steps if real else 2000
    training = replace(config.training, steps=steps)
    return replace(config, distillation=distillation, motion=motion, training=training)


def configs(dataset: str, size: str) -> dict[str, MenetConfig]:
    """Row -> config.

    ``default``: with SRM; ``no-srm``: without (Tables 3 and 4). ``3d-rgb``, ``3d-kd``, ``3d-kd-non-local``:
    Table 1; ``2d-rgb``, ``2d-flow``, ``2d-srm-1``, ``2d-srm-3``: Table 2. ``no-kd``, ``no-non-local`` and
    ``shuffled-labels`` are ours.
    """
    whole = base(dataset, size)
    plain: dict[str, dict[str, Any]] = {
        "motion": {"non_local": "", "spatial": "rgb"},
        "distillation": {"enabled": False},
    }
    temporal, spatial = {"branches": ("3d",)}, {"branches": ("2d",)}
    return {
        "default": whole,
        "no-srm": with_parts(whole, motion={"spatial": "rgb"}),
        "no-kd": with_parts(whole, distillation={"enabled": False}),
        "no-non-local": with_parts(whole, motion={"non_local": ""}),
        "3d-rgb": with_parts(whole, **plain, model=temporal),
        "3d-kd": with_parts(whole, model=temporal, motion=plain["motion"]),
        "3d-kd-non-local": with_parts(whole, model=temporal, motion={"spatial": "rgb"}),
        "2d-rgb": with_parts(whole, **plain, model=spatial),
        "2d-flow": with_parts(whole, **_but(plain, spatial="flow"), model=spatial),
        "2d-srm-1": with_parts(whole, **_but(plain, spatial="srm", maps=1), model=spatial),
        "2d-srm-3": with_parts(whole, **_but(plain, spatial="srm", maps=3), model=spatial),
        "shuffled-labels": with_parts(whole, training={"shuffled_labels": True}),
    }


def _but(parts: dict[str, dict[str, Any]], **motion: Any) -> dict[str, dict[str, Any]]:
    return parts | {"motion": parts["motion"] | motion}
