"""Every method of the suite against the conformance kit."""

from __future__ import annotations

from dataclasses import replace

import narrow
from torch import nn

from bench.footage import Footage
from bench.testing import MethodConformance
from methods.base import Method, available
from methods.menet.config import MenetConfig
from methods.menet.method import Menet
from methods.pcsc.config import PcscConfig
from methods.pcsc.method import Pcsc
from methods.reclnet.config import ReclnetConfig
from methods.reclnet.method import Reclnet
from methods.reclnet_pp.config import ReclnetPpConfig
from methods.reclnet_pp.method import ReclnetPp
from methods.rfb_flow.config import RfbFlowConfig
from methods.rfb_flow.method import RfbFlow
from methods.two_stream_yolo.config import TwoStreamYoloConfig
from methods.two_stream_yolo.method import TwoStreamYolo
from methods.yowo.config import YowoConfig
from methods.yowo.method import Yowo


def warm(method: Method, seen: Footage) -> None:
    """Give batch normalisation the statistics of a footage: those of a few steps leave maps nearly flat."""
    network = method.predictor.network  # type: ignore[attr-defined]
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
    network.train()
    method.predict(seen, range(len(seen)))
    network.eval()


class TestPcsc(MethodConformance):
    method = Pcsc

    @classmethod
    def config(cls) -> PcscConfig:
        return replace(narrow.pcsc(), score_floor=0.0)


class TestYowo(MethodConformance):
    method = Yowo

    @classmethod
    def config(cls) -> YowoConfig:
        return narrow.yowo()


class TestMenet(MethodConformance):
    method = Menet

    @classmethod
    def config(cls) -> MenetConfig:
        return narrow.menet()


class TestRfbFlow(MethodConformance):
    method = RfbFlow

    @classmethod
    def config(cls) -> RfbFlowConfig:
        return narrow.rfb_flow()

    @classmethod
    def stir(cls, method: Method) -> None:
        warm(method, cls.footage())


class TestReclnet(MethodConformance):
    method = Reclnet

    @classmethod
    def config(cls) -> ReclnetConfig:
        return narrow.reclnet()


class TestReclnetPp(MethodConformance):
    method = ReclnetPp

    @classmethod
    def config(cls) -> ReclnetPpConfig:
        return narrow.reclnet_pp()


class TestTwoStreamYolo(MethodConformance):
    method = TwoStreamYolo

    @classmethod
    def config(cls) -> TwoStreamYoloConfig:
        return narrow.two_stream_yolo(flow_steps=((-3, -1), (-1, 1)))

    @classmethod
    def stir(cls, method: Method) -> None:
        warm(method, cls.footage())


def test_no_method_is_left_out() -> None:
    kits = {kit.method.name for kit in MethodConformance.__subclasses__()}
    ours = {name for name, module in available().items() if module.startswith("methods.")}
    assert ours <= kits
