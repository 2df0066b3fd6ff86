"""The network: published sizes, what each stream sees, what reaches the flow network, what it starts from."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import narrow
import pytest
import torch
from torch import Tensor
from two_stream_examples import Difference, network

from methods.nn.darknet import Darknet19, DarknetConfig
from methods.nn.darknet_weights import to_official
from methods.nn.flow.named import build
from methods.two_stream_yolo.clips import frames_of
from methods.two_stream_yolo.config import TwoStreamYoloConfig, configs, recognition_model
from methods.two_stream_yolo.network import Detector, Recogniser
from methods.two_stream_yolo.start import detector, started_detector, started_recogniser

sys.path.insert(0, str(Path(__file__).parents[1] / "nn"))
from layouts import layout_of, published


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_a_stream_is_the_published_darknet() -> None:
    with torch.device("meta"):
        for outputs, expected in ((125, 67_137_565), (145, 67_158_065), (None, 67_009_440)):
            assert parameters(Darknet19(DarknetConfig(passthrough=None, out_channels=outputs))) == expected


@pytest.mark.parametrize(
    ("row", "flow", "expected"),
    [
        ("default", "flownet2", 296_834_819),
        ("tuned-flownet2-css-kinetics", "flownet2-css", 250_881_927),
        ("tuned-flownet2-sd-kinetics", "flownet2-sd", 179_687_651),
        ("brox-kinetics", None, 134_315_985),
    ],
)
def test_the_published_sizes(row: str, flow: str | None, expected: int) -> None:
    with torch.device("meta"):
        found = detector(configs("ucf24", "full")[row].model, 24)
        assert parameters(found) == expected
        state = found.state_dict()
        for stream in ("rgb", "motion"):
            own = {n.removeprefix(f"{stream}."): t for n, t in state.items() if n.startswith(f"{stream}.")}
            headed = {**own, "head.weight": torch.empty(145, 1024, 1, 1), "head.bias": torch.empty(145)}
            assert layout_of(to_official(headed, "voc")) == published("darknet19_yolov2_longcw_24cls")
        if flow is not None:
            assert found.flow is not None
            assert layout_of(found.flow.state_dict()) == layout_of(build(flow).state_dict())


@pytest.mark.parametrize(
    ("frame", "expected"),
    [(0, [0, 0, 1, 0, 1]), (1, [1, 0, 2, 0, 2]), (4, [4, 1, 3, 3, 5]), (5, [5, 2, 4, 3, 5])],
)
def test_frames_between_which_flow_is(frame: int, expected: list[int]) -> None:
    assert frames_of(frame, 6, ((-3, -1), (-1, 1))).tolist() == expected
    assert frames_of(frame, 6).tolist() == [frame, min(frame, 4), min(frame, 4) + 1]
    assert frames_of(0, 1, ((-1, 1),)).tolist() == [0, 0, 0]


def test_every_step_has_its_own_flow(small: TwoStreamYoloConfig) -> None:
    config = replace(small, model=replace(small.model, flow_steps=((-3, -1), (-1, 1))))
    found = network(config).eval()
    frames = torch.randint(0, 256, (2, 5, 3, 48, 64)).float()
    flow = found.flow_of({"frames": frames})
    assert found.flow is not None
    assert torch.equal(flow[:, :2], found.flow(frames[:, 1], frames[:, 2]))
    assert torch.equal(flow[:, 2:], found.flow(frames[:, 3], frames[:, 4]))
    seen = found.motion_image(flow)
    assert torch.equal(seen[:, 3:], found.motion_image(flow[:, 2:]))
    assert found.regions({"frames": frames}, flow).objectness_BAHW.shape == (2, 2, 3, 4)


def test_the_paper_puts_ten_by_ten_cells_on_a_picture() -> None:
    model = replace(configs("ucf24", "full")["default"].model, width=1 / 64, flow="tiny")
    with torch.device("meta"):
        made = Detector(model, build("tiny"), 24)
        inputs = {"frames": torch.empty(2, 3, 3, 320, 320)}
        regions = made.regions(inputs, made.flow_of(inputs))
    assert regions.objectness_BAHW.shape == (2, 5, 10, 10)
    assert regions.classes_BAHWC.shape == (2, 5, 10, 10, 24)
    norms = [m.momentum for m in made.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert set(norms) == {0.01}


def test_flow_as_a_picture(small: TwoStreamYoloConfig) -> None:
    flow = torch.zeros(1, 2, 48, 64)
    flow[:, 0], flow[:, 1] = 5.0, -3.0
    flow[:, :, 10:20, 10:20] = torch.tensor([8.0, 1.0]).view(2, 1, 1)
    centred = network(small).motion_image(flow)
    torch.testing.assert_close(centred[0, :, 0, 0], torch.tensor([0.0, 0.0, 1e-3]))
    expected = torch.tensor([3.0, 4.0, 5.0]) / small.model.flow_scale
    torch.testing.assert_close(centred[0, :, 12, 12], expected, rtol=1e-5, atol=1e-5)
    whole = network(narrow.two_stream_yolo(flow_centred=False, flow_scale=20.0)).motion_image(flow)
    torch.testing.assert_close(whole[0, :2, 0, 0], torch.tensor([0.25, -0.15]))
    still = torch.zeros(1, 2, 48, 64, requires_grad=True)
    network(small).motion_image(still).sum().backward()
    assert still.grad is not None
    assert torch.isfinite(still.grad).all()


def frames(batch: int = 2) -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {"frames": torch.randint(0, 256, (batch, 3, 3, 48, 64), dtype=torch.uint8)}


@pytest.mark.parametrize("learns", [False, True])
def test_gradients_reach_the_flow_network_when_it_learns(small: TwoStreamYoloConfig, learns: bool) -> None:
    made, inputs = network(small), frames()
    regions = made.regions(inputs, made.flow_of(inputs, learns))
    regions.objectness_BAHW.sum().backward()
    assert isinstance(made.flow, Difference)
    assert (made.flow.share.grad is not None) == learns
    for stream in (made.rgb, made.motion):
        assert stream.fine[0].conv.weight.grad.abs().sum() > 0  # type: ignore[union-attr,operator]


def test_both_streams_are_heard_and_share_nothing(small: TwoStreamYoloConfig) -> None:
    made = network(small).eval()
    assert not {id(p) for p in made.rgb.parameters()} & {id(p) for p in made.motion.parameters()}
    inputs, flow = frames(), torch.randn(2, 2, 48, 64)
    said = made.regions(inputs, flow).classes_BAHWC
    dark = {"frames": inputs["frames"].clone()}
    dark["frames"][:, 0] = 0
    assert not torch.allclose(said, made.regions(dark, flow).classes_BAHWC)
    assert not torch.allclose(said, made.regions(inputs, -flow).classes_BAHWC)
    dark = {"frames": inputs["frames"].clone()}
    dark["frames"][:, 1:] = 0  # seen by the flow network alone
    assert torch.equal(said, made.regions(dark, flow).classes_BAHWC)


@pytest.mark.parametrize("fusion", ["maps", "heads"])
def test_streams_start_from_recognition(fusion: Any, tmp_path: Path) -> None:
    config, flow = narrow.two_stream_yolo(fusion=fusion), tmp_path / "flow.pt"
    torch.manual_seed(2)
    torch.save(build("tiny").state_dict(), flow)
    trained = started_recogniser(recognition_model(config), 7, flow)
    assert not any(p.requires_grad for p in trained.flow.parameters())  # type: ignore[union-attr]
    assert trained({"frames": frames()["frames"]}).shape == (2, 7)
    path = tmp_path / "recognition.pt"
    torch.save(trained.state_dict(), path)
    begun = started_detector(config.model, 3, flow, path)
    for name, value in trained.state_dict().items():
        if not name.startswith("classify."):
            assert torch.equal(begun.state_dict()[name], value), name
    wider = replace(config.model, width=0.125)
    with pytest.raises(ValueError, match=r"recognition\.pt does not fit: shapes differ"):
        started_detector(wider, 3, flow, path)


def test_streams_start_from_voc(tmp_path: Path) -> None:
    path, shape = tmp_path / "yolo-voc.pt", DarknetConfig(passthrough=None, out_channels=125, width=0.0625)
    torch.manual_seed(3)
    voc = Darknet19(shape)
    torch.save(to_official(voc.state_dict(), "voc"), path)
    model = narrow.two_stream_yolo(voc=str(path), flow="dis", pools=shape.pools).model
    begun = started_detector(model, 3, None, None)
    for name, value in voc.state_dict().items():
        if not name.startswith("head."):
            assert torch.equal(begun.rgb.state_dict()[name], value)
            assert torch.equal(begun.motion.state_dict()[name], value)


def test_recognition_is_the_same_whatever_the_detector(small: TwoStreamYoloConfig) -> None:
    other = narrow.two_stream_yolo(fusion="heads", num_anchors=4, flow="dis")
    assert recognition_model(small) == recognition_model(other)
    with torch.device("meta"):
        assert Recogniser(recognition_model(other), build("tiny"), 5).flow is not None


def test_the_untrained_head_says_a_small_objectness(small: TwoStreamYoloConfig) -> None:
    made = network(narrow.two_stream_yolo(first_objectness=0.02))
    torch.nn.init.zeros_(made.head.weight)
    inputs = frames()
    said = made.regions(inputs, made.flow_of(inputs))
    assert said.objectness_BAHW.mean().item() == pytest.approx(0.02, rel=1e-3)
