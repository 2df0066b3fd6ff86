"""Every method of the suite against the conformance kit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.testing import MethodConformance
from methods.base import available
from methods.menet.config import MenetConfig
from methods.menet.config import base as menet_base
from methods.menet.method import Menet
from methods.nn.priors import PriorLevel
from methods.pcsc.config import PcscConfig
from methods.pcsc.config import configs as pcsc_configs
from methods.pcsc.method import Pcsc
from methods.rfb_flow.config import RfbFlowConfig
from methods.rfb_flow.config import base as rfb_flow_base
from methods.rfb_flow.method import RfbFlow
from methods.two_stream_yolo.config import TwoStreamYoloConfig
from methods.two_stream_yolo.config import base as two_stream_base
from methods.two_stream_yolo.method import TwoStreamYolo
from methods.yowo.config import YowoConfig
from methods.yowo.config import base as yowo_base
from methods.yowo.method import Yowo

NARROW: dict[str, Any] = {
    "frame_size": (64, 48), "clip_length": 4, "width_3d": 0.125, "width_2d": 0.03125,
    "channels_2d": 8, "fusion_channels": 16, "num_anchors": 3,
}  # fmt: skip


class TestPcsc(MethodConformance):
    method = Pcsc

    @classmethod
    def config(cls) -> PcscConfig:
        tiny = pcsc_configs("ucf24-mini", "tiny")["default"]
        narrow: dict[str, Any] = {
            "frame_size": (64, 48), "width": 0.0625, "pyramid_channels": 16, "head_channels": 32,
            "roi_size": 3, "canonical_size": 32, "anchor_sizes": ((8, 12, 16), (24, 32, 40)),
            "handed_boxes": 8, "proposals_train": (40, 12), "proposals_test": (40, 12),
        }  # fmt: skip
        return replace(
            tiny,
            model=replace(tiny.model, **narrow),
            training=replace(tiny.training, steps=2, head_batch=12, rpn_batch=32, batch=2),
            actionness=replace(tiny.actionness, steps=2, batch=8, videos_per_class=1),
            score_floor=0.0,
        )


class TestYowo(MethodConformance):
    method = Yowo

    @classmethod
    def config(cls) -> YowoConfig:
        tiny = yowo_base("ucf24-mini", "tiny")
        training = replace(tiny.training, steps=3, batch=2, prior_examples=2)
        crops = replace(tiny.crops, steps=2, batch=2, side=32)
        model = replace(tiny.model, **NARROW)
        return replace(tiny, model=model, crops=crops, training=training, score_floor=0.0)


class TestMenet(MethodConformance):
    method = Menet

    @classmethod
    def config(cls) -> MenetConfig:
        tiny = menet_base("ucf24-mini", "tiny")
        return replace(
            tiny,
            model=replace(tiny.model, **NARROW),
            crops=replace(tiny.crops, steps=1, batch=2, side=32),
            training=replace(tiny.training, steps=2, batch=2),
            distillation=replace(tiny.distillation, teacher_steps=1, student_steps=1, batch=2),
            score_floor=0.0,
        )


class TestRfbFlow(MethodConformance):
    method = RfbFlow

    @classmethod
    def config(cls) -> RfbFlowConfig:
        tiny = rfb_flow_base("ucf24-mini", "tiny")
        priors = (PriorLevel(8, 16, 24), PriorLevel(16, 24, 36), PriorLevel(32, 36, 48))
        narrow: dict[str, Any] = {
            "frame_size": (64, 48), "flow_size": (64, 48), "width": 0.0625, "priors": priors,
        }  # fmt: skip
        return replace(
            tiny,
            model=replace(tiny.model, **narrow),
            training=replace(tiny.training, steps=2, batch=2),
            fitting=replace(tiny.fitting, steps=2, batch=2, crop=32),
            score_floor=0.0,
        )


class TestTwoStreamYolo(MethodConformance):
    method = TwoStreamYolo

    @classmethod
    def config(cls) -> TwoStreamYoloConfig:
        tiny = two_stream_base("ucf24-mini", "tiny")
        return replace(
            tiny,
            model=replace(tiny.model, frame_size=(64, 48), width=0.0625),
            recognition=replace(tiny.recognition, steps=2, batch=2),
            training=replace(tiny.training, steps=2, batch=2),
            fitting=replace(tiny.fitting, steps=2, batch=2, crop=32),
            score_floor=0.0,
        )


def test_no_method_is_left_out() -> None:
    kits = {kit.method.name for kit in MethodConformance.__subclasses__()}
    ours = {name for name, module in available().items() if module.startswith("methods.")}
    assert ours <= kits
