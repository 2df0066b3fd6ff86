"""Flow sources against known motion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bench.flow import Flow, FlowSource, source
from bench.flow.brox import Brox
from bench.flow.classical import Dis

Sliding = Callable[..., np.ndarray]


@pytest.mark.parametrize("name", ["dis", "brox"])
@pytest.mark.parametrize(("u", "v"), [(2, 0), (-3, 1), (0, -2), (0, 0), (9, -7)])
def test_a_known_shift_is_found(name: str, u: int, v: int, sliding: Sliding) -> None:
    flow = source(name).compute(sliding(u, v))
    assert flow.shape == (4, 64, 96, 2)
    assert flow.dtype == np.float32
    inner = flow[:, 16:-16, 16:-16]
    np.testing.assert_allclose(np.median(inner, axis=(1, 2)), [[u, v]] * 4, atol=0.15)
    np.testing.assert_array_equal(flow[-1], flow[-2])


def test_tvl1_finds_a_known_shift(sliding: Sliding) -> None:
    flow = source("TV-L1").compute(sliding(2, -1, frames=2))
    np.testing.assert_allclose(np.median(flow[0, 12:-12, 12:-12], axis=(0, 1)), [2, -1], atol=0.15)


@pytest.mark.parametrize("name", ["dis", "brox"])
def test_flow_is_repeatable_and_that_of_a_pair_is_its_own(name: str, sliding: Sliding) -> None:
    frames, flow = sliding(1, 2, frames=3), source(name)
    whole = flow.compute(frames)
    np.testing.assert_array_equal(source(name).compute(frames), whole)
    np.testing.assert_array_equal(flow.compute(frames[1:])[0], whole[1])
    assert not flow.compute(frames[:1]).any()


@pytest.mark.parametrize("shape", [(3, 8, 64, 3), (3, 64, 64), (3, 64, 64, 1), (0, 64, 64, 3)])
def test_odd_frames_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="flow wants frames"):
        Dis().compute(np.zeros(shape, np.uint8))


def test_the_pyramid_ends_at_the_full_size_and_starts_small() -> None:
    levels = Brox(coarsest=16, reduction=0.8).levels(320, 240)
    assert levels[-1] == (320, 240)
    assert min(levels[0]) in range(16, 21)
    assert levels == sorted(levels)
    assert Brox(coarsest=16).levels(20, 16) == [(20, 16)]


def test_brox_follows_a_gain_in_brightness(sliding: Sliding) -> None:
    """The gradient term: what gets darker by a constant does not move."""
    frames = sliding(3, 1, frames=2)
    frames[1] = frames[1] - np.minimum(frames[1], 25)
    inner = Brox().compute(frames)[0, 16:-16, 16:-16]
    np.testing.assert_allclose(np.median(inner, axis=(0, 1)), [3, 1], atol=0.2)


def test_settings_make_the_key() -> None:
    assert Brox().key == Brox().key != Brox(smoothness=80.0).key
    assert Brox().key.startswith("brox-")
    assert Dis().key != Dis(patch_size=12).key


def test_a_source_only_says_what_lies_between_frames() -> None:
    class Still(FlowSource):
        name = "still"

        def between(self, frames_THW3: np.ndarray) -> Flow:
            return np.ones((len(frames_THW3) - 1, *frames_THW3.shape[1:3], 2), np.float32)

    flow = Still().compute(np.zeros((3, 16, 16, 3), np.uint8))
    assert flow.shape == (3, 16, 16, 2)
    assert flow.all()
    assert Still().key.startswith("still-")
