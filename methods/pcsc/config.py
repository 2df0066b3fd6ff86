"""Configuration of PCSC and its variants: one row for every line of the paper's tables.

Values that the paper does not state are marked *ours*; the reading behind each is in the field's comment.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from bench.sources import SOURCE
from bench.tubes.online import OnlineLinking
from bench.tubes.scoring import TubeScoring
from methods.common.config import with_parts


@dataclass(frozen=True)
class ModelConfig:
    """The network, and what it sees."""

    streams: tuple[str, ...] = ("rgb", "flow")
    stages: int = 4  # stages of cooperation after stage 0; 0 is the Faster R-CNN + FPN baseline
    feature_cooperation: bool = True
    proposal_cooperation: bool = True
    frame_size: tuple[int, int] = (400, 300)  # width, height; resolution unstated, ours
    clip_length: int = 16  # k unstated, ours
    clip_stride: int = 1
    width: float = 1.0  # channels of I3D relative to the published ones
    stem_kernel: tuple[int, int, int] = (7, 7, 7)
    levels: tuple[int, ...] = (2, 3, 4, 5)
    pyramid_channels: int = 256
    anchor_sizes: tuple[tuple[int, ...], ...] = ((32,), (64,), (128,), (256,), (512,))  # the last: P6
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)  # height / width
    canonical_size: int = 224  # side of a box that is pooled from level 4
    roi_size: int = 7
    head_channels: int = 1024
    reduction: int = 4  # r of the message passing, unstated, ours
    class_specific_boxes: bool = True
    own_nms: float = 0.7  # thresholds of the joined proposals, unstated, ours
    other_nms: float = 0.5
    confident: float = 0.05  # boxes handed to the other stream: score and number, unstated, ours
    handed_boxes: int = 300
    proposals_train: tuple[int, int] = (2000, 2000)  # before and after NMS
    proposals_test: tuple[int, int] = (1000, 1000)
    flow: str = "flownet2"
    flow_clip: float = 20.0  # pixels that become 1.0, at the network's frame size
    flow_centred: bool = False  # each field's median is taken off: camera motion (Simonyan 2014's mean)
    frozen_batch_norm: bool = True
    pretrained: str = field(default="", metadata=SOURCE)  # folder with I3D's rgb.*, flow.*; empty: none


@dataclass(frozen=True)
class TrainingConfig:
    """Training of the detector, all stages end to end."""

    steps: int = 0  # 0: epochs over the annotated training frames
    epochs: float = 6.0
    batch: int = 3  # one image a GPU, ours
    frame_step: int = 1  # 10: the paper's "mini" training set
    background: float = 0.0  # share of key-frames without any action
    optimiser: str = "sgd"
    learning_rate: float = 0.01
    milestones: tuple[float, ...] = (4 / 6, 5 / 6)  # "drops 10%" at epochs 5 and 6, read as times 0.1
    one_cycle: bool = False
    weight_decay: float = 1e-4
    warmup: int = 500
    rpn_batch: int = 256
    head_batch: int = 512
    foreground: float = 0.25
    zoom: tuple[float, float] = (1.0, 1.0)  # random scale of the crop
    flip: bool = True
    shuffled_labels: bool = False  # a control: labels permuted over the training tubes


@dataclass(frozen=True)
class ActionnessConfig:
    """Training of the class-specific actionness detectors on the boxes of linked training tubes."""

    enabled: bool = True
    videos_per_class: int = 0  # 0: all training videos
    boxes_per_video: int = 500  # a random choice of the linked boxes, to bound memory; ours
    steps: int = 2000
    batch: int = 1024
    learning_rate: float = 1e-3
    overlap: float = 0.5  # IoU with a truth box of the class above which a box is positive


@dataclass(frozen=True)
class PostprocessConfig:
    """From stored predictions to detections and tubes."""

    stage: int = field(default=4, metadata={"range": (0, 4)})
    nms: float = field(default=0.5, metadata={"range": (0.2, 0.8)})
    score_floor: float = field(default=0.01, metadata={"range": (0.001, 0.1)})
    boxes_per_frame: int = field(default=100, metadata={"range": (10, 300)})
    linking: OnlineLinking = OnlineLinking()
    refine: bool = field(default=True, metadata={"choices": (True, False)})
    window: int = field(default=17, metadata={"range": (1, 41), "step": 2})
    threshold: float = field(default=0.1, metadata={"range": (0.001, 0.5)})
    scoring: TubeScoring = TubeScoring()


@dataclass(frozen=True)
class PcscConfig:
    """The whole method. Of each stage and frame prediction keeps ``rows_per_stage`` above ``score_floor``."""

    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    actionness: ActionnessConfig = ActionnessConfig()
    postprocess: PostprocessConfig = PostprocessConfig()
    score_floor: float = 0.01
    rows_per_stage: int = 300
    predict_batch: int = 4
    cpu_threads: int = 0  # of one network on a CPU; 0: all cores


def _tiny(dataset: str) -> PcscConfig:
    """The same code, narrower, for a CPU: what a miniature runs. Everything here is ours."""
    real = not dataset.endswith("-mini")
    model = ModelConfig(
        frame_size=(160, 120) if real else (128, 96),
        clip_length=6,
        clip_stride=3,
        width=0.125,
        stem_kernel=(3, 5, 5),
        levels=(3, 4),
        pyramid_channels=32,
        anchor_sizes=((24, 34, 46), (60, 80, 100)),
        canonical_size=64,
        roi_size=5,
        head_channels=128,
        class_specific_boxes=False,
        confident=0.02,
        handed_boxes=12,
        proposals_train=(80, 24),
        proposals_test=(60, 16),
        flow="dis",
        flow_clip=3.0,
        flow_centred=True,
        frozen_batch_norm=False,
    )
    training = TrainingConfig(
        steps=5000 if real else 700,
        batch=8,
        background=0.1,
        optimiser="adamw",
        learning_rate=3e-3,
        one_cycle=True,
        weight_decay=1e-3,
        rpn_batch=64,
        head_batch=16,
        foreground=0.5,
        zoom=(0.85, 1.2),
    )
    return PcscConfig(
        model=model,
        training=training,
        actionness=ActionnessConfig(videos_per_class=2, boxes_per_video=5000, steps=600, batch=512),
        postprocess=PostprocessConfig(score_floor=0.02, boxes_per_frame=40),
        score_floor=0.02,
        rows_per_stage=20,
        predict_batch=16,
        cpu_threads=1,
    )


def configs(dataset: str, size: str) -> dict[str, PcscConfig]:
    """Row -> config.

    ``default``: the paper's model, with temporal refinement except on trimmed video (Tables 1-4) and, ours,
    on AVA, whose people have several labels each, one box for all of them, and no spans.
    ``stage-0`` .. ``stage-4`` and ``stage-*-no-features``: Table 5; they differ from each other only after
    the network. On UCF101-24 the paper trains them on every tenth frame, and so do these.
    ``every-tenth*``: Table 6. ``baseline``: both streams without cooperation.
    ``rgb``, ``flow``, ``no-proposals``, ``no-cooperation``: ours, for comparison.
    """
    base = _tiny(dataset) if size == "tiny" else PcscConfig()
    if dataset.startswith(("jhmdb", "ava")):
        base = with_parts(base, actionness={"enabled": False}, postprocess={"refine": False})
    if dataset.startswith("ava"):
        base = with_parts(base, model={"class_specific_boxes": False}, postprocess={"boxes_per_frame": 100})
        base = replace(base, rows_per_stage=300)
    tenth = with_parts(base, training={"frame_step": 10})
    no_refinement: dict[str, dict[str, Any]] = {
        "actionness": {"enabled": False},
        "postprocess": {"refine": False, "stage": 0},
    }
    alone = {"stages": 0, "feature_cooperation": False, "proposal_cooperation": False}
    rows = {
        "default": base,
        "no-refinement": with_parts(base, postprocess={"refine": False}),
        "baseline": with_parts(base, model=alone, **no_refinement),
        "no-cooperation": with_parts(
            base, model={"feature_cooperation": False, "proposal_cooperation": False}
        ),
        "no-features": with_parts(base, model={"feature_cooperation": False}),
        "no-proposals": with_parts(base, model={"proposal_cooperation": False}),
        "rgb": with_parts(base, model=alone | {"streams": ("rgb",)}, **no_refinement),
        "flow": with_parts(base, model=alone | {"streams": ("flow",)}, **no_refinement),
        "every-tenth": tenth,
        "every-tenth-no-refinement": with_parts(tenth, postprocess={"refine": False}),
        "every-tenth-baseline": with_parts(tenth, model=alone, **no_refinement),
        "shuffled-labels": with_parts(base, training={"shuffled_labels": True}),
    }
    ablated = tenth if dataset == "ucf24" else base
    for stage in range(5):
        at_stage = {"stage": stage, "refine": False}
        rows[f"stage-{stage}"] = with_parts(ablated, postprocess=at_stage)
        rows[f"stage-{stage}-no-features"] = with_parts(
            ablated, model={"feature_cooperation": False}, postprocess=at_stage
        )
    return rows
