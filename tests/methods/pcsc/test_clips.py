"""What the network sees: clips, windows, mirrors, and boxes that move along."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.common.batches import stack
from methods.common.windows import random_window, to_annotation, to_network
from methods.pcsc.clips import clip_tensors
from methods.pcsc.config import ModelConfig

MODEL = ModelConfig(frame_size=(64, 48), clip_length=4, clip_stride=2, flow_clip=5.0)


def test_clips_are_scaled_around_the_key_frame(kit: Any) -> None:
    footage = kit.noise(frames=9)
    clips = clip_tensors(footage, 4, MODEL)
    assert clips["rgb"].shape == (3, 4, 48, 64)
    assert clips["flow"].shape == (2, 4, 48, 64)
    index = [0, 2, 4, 6]
    rgb = footage.rgb_THW3[index].transpose(3, 0, 1, 2) / 127.5 - 1
    np.testing.assert_allclose(clips["rgb"].numpy(), rgb, atol=1e-6)
    stored, bound = footage.flow_THW2
    flow = stored[index].transpose(3, 0, 1, 2) * (bound / 127) / 5
    np.testing.assert_allclose(clips["flow"].numpy(), flow.clip(-1, 1), atol=1e-6)
    assert clips["flow"].abs().max() == 1


def test_ends_of_the_video_repeat(kit: Any) -> None:
    footage = kit.noise(frames=3)
    rgb = clip_tensors(footage, 0, MODEL)["rgb"]
    assert torch.equal(rgb[:, 0], rgb[:, 2])
    late = clip_tensors(footage, 2, MODEL)["rgb"]
    assert torch.equal(late[:, 2], late[:, 3])


def test_only_the_streams_that_are_wanted_are_read(kit: Any) -> None:
    model = ModelConfig(streams=("rgb",), frame_size=(64, 48))
    assert set(clip_tensors(kit.noise(), 1, model)) == {"rgb"}


def test_a_mirror_flips_the_picture_and_negates_u(kit: Any) -> None:
    plain, mirrored = (clip_tensors(kit.noise(), 3, MODEL, mirror=m) for m in (False, True))
    assert torch.equal(mirrored["rgb"], plain["rgb"].flip(-1))
    u, v = plain["flow"].flip(-1)
    assert torch.equal(mirrored["flow"], torch.stack([-u, v]))


def test_flow_grows_with_the_zoom(kit: Any) -> None:
    """A window half as wide and a third as high: u doubles, v triples; what exceeds the clip is cut."""
    stored = np.zeros((3, 48, 64, 2), np.int8)
    stored[..., 0], stored[..., 1] = 127, -127
    footage = kit.footage(np.zeros((3, 48, 64, 3), np.uint8), stored, bound=1.5)
    whole = clip_tensors(footage, 1, MODEL)["flow"]
    zoomed = clip_tensors(footage, 1, MODEL, window=(7, 5, 32, 16))["flow"]
    assert (whole[0].unique().tolist(), whole[1].unique().tolist()) == (
        [pytest.approx(0.3)],
        [pytest.approx(-0.3)],
    )
    assert (zoomed[0].unique().tolist(), zoomed[1].unique().tolist()) == (
        [pytest.approx(0.6)],
        [pytest.approx(-0.9)],
    )
    nearer = clip_tensors(footage, 1, MODEL, window=(7, 5, 8, 6))["flow"]
    assert nearer.abs().unique().tolist() == [1.0]


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("window", [None, (12, 10, 40, 30), (-8, -6, 80, 60)])
def test_boxes_follow_the_picture(kit: Any, window: tuple[int, int, int, int] | None, mirror: bool) -> None:
    """A white rectangle stays inside its box, and fills it, whatever is done to the picture."""
    box = np.array([[20, 16, 40, 32]], np.float32)
    rgb = np.zeros((2, 48, 64, 3), np.uint8)
    rgb[:, 16:32, 20:40] = 255
    footage = kit.footage(rgb, annotation=(320, 240))
    placed = to_network(box * 5, footage, window, mirror)[0]
    white = clip_tensors(footage, 0, MODEL, window, mirror)["rgb"][0, 0] > 0
    y, x = white.nonzero().T
    extent = torch.stack([x.min(), y.min(), x.max() + 1, y.max() + 1])
    np.testing.assert_allclose(placed, extent, atol=1.01)


@given(
    st.tuples(*[st.floats(0, 319)] * 2, *[st.floats(0, 239)] * 2),
    st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_network_and_annotation_pixels_round_trip(kit: Any, edges: tuple[float, ...], mirror: bool) -> None:
    box = np.array([[min(edges[:2]), min(edges[2:]), max(edges[:2]), max(edges[2:])]], np.float32)
    footage = kit.noise(frames=1, annotation=(320, 240))
    there = to_network(box, footage, mirror=mirror)
    assert there.dtype == np.float32
    if mirror:
        there = there[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [64, 0, 64, 0]
    np.testing.assert_allclose(to_annotation(there, footage), box, atol=1e-3)


def test_centred_flow_lacks_the_motion_of_the_camera(kit: Any) -> None:
    """The median of every field is taken off, before the window, and only where the config asks for it."""
    stored = np.zeros((3, 48, 64, 2), np.int8)
    stored[1] = [40, -20]
    stored[1, 10:20, 10:20] = [50, 0]
    footage = kit.footage(np.zeros((3, 48, 64, 3), np.uint8), stored, bound=12.7)
    model = replace(MODEL, clip_length=1, flow_centred=True)
    flow = clip_tensors(footage, 1, model, window=(8, 8, 16, 12))["flow"][:, 0] * 5
    assert flow[:, -1, -1].tolist() == [0, 0]
    assert flow[:, 24, 32].tolist() == pytest.approx(
        [4.0, 5.0], rel=1e-4
    )  # 4 times larger; 8 is clipped to 5


def test_boxes_outside_the_window_have_no_area(kit: Any) -> None:
    left = to_network(np.array([[0, 0, 10, 10]], np.float32), kit.noise(), window=(32, 24, 32, 24))
    assert left.tolist() == [[0, 0, 0, 0]]
    assert to_network(np.zeros((0, 4), np.float32), kit.noise(), (0, 0, 32, 24), True).shape == (0, 4)


@given(st.integers(0, 10_000))
@settings(max_examples=100, deadline=None)
def test_windows_lie_inside_the_frame_or_around_it(seed: int) -> None:
    window = random_window(MODEL.frame_size, (0.8, 1.25), np.random.default_rng(seed))
    assert window is not None
    for (at, length), whole in zip((window[::2], window[1::2]), (64, 48)):
        assert whole / 1.25 - 1 <= length <= whole / 0.8 + 1
        inside, around = 0 <= at <= at + length <= whole, at <= 0 and at + length >= whole
        assert inside or around


def test_no_zoom_is_no_window() -> None:
    assert random_window(MODEL.frame_size, (1.0, 1.0), np.random.default_rng(0)) is None


def test_stack_makes_a_batch(kit: Any) -> None:
    clips = [clip_tensors(kit.noise(seed), 2, MODEL) for seed in (0, 1)]
    batch = stack(clips)
    assert {name: tuple(clip.shape) for name, clip in batch.items()} == {
        "rgb": (2, 3, 4, 48, 64), "flow": (2, 2, 4, 48, 64),
    }  # fmt: skip
    assert torch.equal(batch["flow"][1], clips[1]["flow"])
