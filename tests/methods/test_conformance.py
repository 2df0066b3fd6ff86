"""Every method of the suite against the conformance kit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench.testing import MethodConformance
from methods.base import available
from methods.menet.config import MenetConfig
from methods.menet.config import base as menet_base
from methods.menet.method import Menet
from methods.pcsc.config import PcscConfig
from methods.pcsc.config import configs as pcsc_configs
from methods.pcsc.method import Pcsc
from methods.yowo.config import YowoConfig
from methods.yowo.config import base as yowo_base
from methods.yowo.method import Yowo

NARROW: dict[str, Any] = {
    "frame_size": (64, 48), "clip_length": 4, "width_3d": 0.0625, "groups_3d": 2, "width_2d": 0.03125,
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
        return replace(tiny, model=replace(tiny.model, **NARROW), training=training, score_floor=0.0)


class TestMenet(MethodConformance):
    method = Menet

    @classmethod
    def config(cls) -> MenetConfig:
        tiny = menet_base("ucf24-mini", "tiny")
        return replace(
            tiny,
            model=replace(tiny.model, **NARROW),
            training=replace(tiny.training, steps=2, batch=2),
            distillation=replace(tiny.distillation, teacher_steps=1, student_steps=1, batch=2),
            score_floor=0.0,
        )


def test_no_method_is_left_out() -> None:
    kits = {kit.method.name for kit in MethodConformance.__subclasses__()}
    ours = {name for name, module in available().items() if module.startswith("methods.")}
    assert ours <= kits
