"""Every method's tiny config at 64x48, narrower still and trained for a few steps: what unit tests use."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from methods.menet.config import MenetConfig
from methods.menet.config import base as menet_base
from methods.nn.faster_rcnn.config import TinyConfig
from methods.nn.priors import PriorLevel
from methods.pcsc.config import PcscConfig
from methods.pcsc.config import configs as pcsc_configs
from methods.reclnet.config import ReclnetConfig
from methods.reclnet.config import configs as reclnet_configs
from methods.reclnet_pp.config import ReclnetPpConfig
from methods.reclnet_pp.config import configs as reclnet_pp_configs
from methods.rfb_flow.config import RfbFlowConfig
from methods.rfb_flow.config import base as rfb_flow_base
from methods.two_stream_yolo.config import NEXT, TwoStreamYoloConfig
from methods.two_stream_yolo.config import base as two_stream_base
from methods.yowo.config import YowoConfig
from methods.yowo.config import base as yowo_base

DATASET = "ucf24-mini"
SIZE = (64, 48)
YOWO: dict[str, Any] = {
    "frame_size": SIZE, "clip_length": 4, "width_3d": 0.125, "width_2d": 0.03125,
    "channels_2d": 8, "fusion_channels": 16, "num_anchors": 3,
}  # fmt: skip
PCSC: dict[str, Any] = {
    "frame_size": SIZE, "width": 0.0625, "pyramid_channels": 16, "head_channels": 32, "roi_size": 3,
    "canonical_size": 32, "anchor_sizes": ((8, 12, 16), (24, 32, 40)), "handed_boxes": 8,
    "proposals_train": (40, 12), "proposals_test": (40, 12),
}  # fmt: skip
RFB_FLOW: dict[str, Any] = {
    "frame_size": SIZE, "flow_size": SIZE, "width": 0.0625,
    "priors": (PriorLevel(8, 16, 24), PriorLevel(16, 24, 36), PriorLevel(32, 36, 48)),
}  # fmt: skip


def pcsc(**model: Any) -> PcscConfig:
    """``model``: fields of its model replaced."""
    tiny = pcsc_configs(DATASET, "tiny")["default"]
    return replace(
        tiny,
        model=replace(tiny.model, **(PCSC | model)),
        training=replace(tiny.training, steps=2, head_batch=12, rpn_batch=32, batch=2),
        actionness=replace(tiny.actionness, steps=2, batch=8, videos_per_class=1),
    )


def yowo() -> YowoConfig:
    """With training on crops."""
    tiny = yowo_base(DATASET, "tiny")
    return replace(
        tiny,
        model=replace(tiny.model, **YOWO),
        crops=replace(tiny.crops, steps=2, batch=3, side=32),
        training=replace(tiny.training, steps=3, batch=2, prior_examples=2),
        score_floor=0.0,
        class_floor=0.0,
    )


def menet() -> MenetConfig:
    """With training on crops, and distillation."""
    tiny = menet_base(DATASET, "tiny")
    return replace(
        tiny,
        model=replace(tiny.model, **YOWO),
        crops=replace(tiny.crops, steps=2, batch=2, side=32),
        training=replace(tiny.training, steps=2, batch=2),
        distillation=replace(tiny.distillation, teacher_steps=2, student_steps=2, batch=2),
        score_floor=0.0,
        class_floor=0.0,
    )


def rfb_flow(**model: Any) -> RfbFlowConfig:
    """``model``: fields of its model replaced."""
    tiny = rfb_flow_base(DATASET, "tiny")
    return replace(
        tiny,
        model=replace(tiny.model, **(RFB_FLOW | model)),
        crops=replace(tiny.crops, steps=2, batch=2, side=32),
        training=replace(tiny.training, steps=3, batch=2),
        fitting=replace(tiny.fitting, steps=2, batch=2, crop=32),
        boxes_per_class=8,
        score_floor=0.0,
    )


def two_stream_yolo(**model: Any) -> TwoStreamYoloConfig:
    """Its flow network tuned; ``model``: fields of its model replaced."""
    tiny = two_stream_base(DATASET, "tiny")
    narrow: dict[str, Any] = {"frame_size": SIZE, "width": 0.0625, "flow_steps": NEXT}
    return replace(
        tiny,
        model=replace(tiny.model, **(narrow | model)),
        recognition=replace(tiny.recognition, steps=2, batch=2, crop=32),
        training=replace(tiny.training, steps=3, batch=2, background=0.0),
        fitting=replace(tiny.fitting, steps=2, batch=2, crop=32),
        score_floor=0.0,
    )


def reclnet(**model: Any) -> ReclnetConfig:
    """``model``: fields of its model replaced."""
    tiny = reclnet_configs(DATASET, "tiny")["default"]
    detector = replace(
        tiny.model.detector,
        trunk=TinyConfig(channels=8, features=12),
        proposals=replace(tiny.model.detector.proposals, channels=8, training=(40, 12), testing=(40, 8)),
    )
    recurrent = replace(tiny.model.recurrent, hidden=8, units=(6, 4))
    parts = {"frame_size": SIZE, "flow_size": SIZE, "detector": detector, "recurrent": recurrent} | model
    return replace(
        tiny,
        model=replace(tiny.model, **parts),
        training=replace(tiny.training, steps=2, batch=2),
        learning=replace(tiny.learning, tracks=4, length=3, epochs=1),
        score_floor=0.0,
    )


def reclnet_pp() -> ReclnetPpConfig:
    """On stacks of two frames."""
    tiny, like = reclnet_pp_configs(DATASET, "tiny")["default"], reclnet()
    features = replace(tiny.features, frame_size=SIZE, width=0.0625, stem_kernel=(1, 3, 3))
    return replace(
        tiny,
        model=like.model,
        stack=2,
        training=like.training,
        tracks=replace(tiny.tracks, min_frames=1),
        features=features,
        clips=replace(tiny.clips, steps=2, batch=2, length=4),
        learning=like.learning,
        score_floor=0.0,
    )
