"""Correlation and warping: stored values of the reference implementations, plain loops, derivatives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from methods.nn.flow.matching import correlation, warped, warped_inside

REFERENCE = Path(__file__).parents[3] / "reference"


def stored(name: str) -> dict[str, Tensor]:
    with np.load(REFERENCE / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays.files}


@pytest.mark.parametrize(("key", "reach", "stride"), [("pwc_d4_s1", 4, 1), ("flownetc_d20_s2", 20, 2)])
def test_correlation_of_the_reference(key: str, reach: int, stride: int) -> None:
    values = stored("correlation")
    found = correlation(values["a"], values["b"], reach, stride)
    torch.testing.assert_close(found, values[key], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("key", "warp"), [("pwc_warp_masked", warped_inside), ("flownet2_resample2d", warped)]
)
def test_warping_of_the_reference(key: str, warp: Callable[[Tensor, Tensor], Tensor]) -> None:
    values = stored("flow_warping")
    torch.testing.assert_close(warp(values["img"], values["flow"]), values[key], rtol=1e-3, atol=1e-5)


def plainly(a: np.ndarray, b: np.ndarray, reach: int, stride: int) -> np.ndarray:
    """Correlation as the definition says it."""
    steps = range(-reach, reach + 1, stride)
    height, width = a.shape[2:]
    found = np.zeros((len(a), len(steps) ** 2, height, width))
    for channel, (dy, dx) in enumerate((dy, dx) for dy in steps for dx in steps):
        for y in range(max(0, -dy), min(height, height - dy)):
            for x in range(max(0, -dx), min(width, width - dx)):
                found[:, channel, y, x] = (a[:, :, y, x] * b[:, :, y + dy, x + dx]).mean(1)
    return found


@settings(deadline=None, max_examples=30)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 3),
    st.integers(1, 3),
)
def test_correlation_is_its_definition(shape: tuple[int, int, int, int], steps: int, stride: int) -> None:
    random = np.random.default_rng(0)
    a, b = random.standard_normal((2, *shape))
    found = correlation(torch.from_numpy(a), torch.from_numpy(b), steps * stride, stride)
    np.testing.assert_allclose(found.numpy(), plainly(a, b, steps * stride, stride), atol=1e-12)


def test_a_reach_between_two_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="reach 5 of the correlation is no multiple of its stride 2"):
        correlation(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4), 5, 2)


def doubles(*shape: int) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize(("reach", "stride"), [(1, 1), (3, 1), (2, 2)])
def test_derivatives_of_correlation(reach: int, stride: int) -> None:
    torch.manual_seed(0)
    a, b = doubles(2, 2, 3, 5), doubles(2, 2, 3, 5)
    assert torch.autograd.gradcheck(lambda a, b: correlation(a, b, reach, stride), (a, b))


@pytest.mark.parametrize("warp", [warped, warped_inside])
def test_derivatives_of_warping(warp: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Where the value is smooth in the flow: within a pixel's cell, inside the map and far beyond it."""
    torch.manual_seed(1)
    whole = torch.randint(-2, 3, (1, 2, 5, 6)) + torch.tensor([0.0, 20.0]).view(1, 1, 1, 2).repeat(1, 1, 1, 3)
    flow = (whole.double() + 0.2 + 0.6 * torch.rand(1, 2, 5, 6, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(warp, (doubles(1, 2, 5, 6), flow))


@pytest.mark.parametrize("warp", [warped, warped_inside])
def test_warping_by_whole_pixels_moves_the_map(warp: Callable[[Tensor, Tensor], Tensor]) -> None:
    picture = torch.arange(48.0).view(1, 1, 6, 8)
    flow = torch.tensor([2.0, -1.0]).view(1, 2, 1, 1).expand(1, 2, 6, 8)
    found = warp(picture, flow)
    torch.testing.assert_close(found[:, :, 1:, :6], picture[:, :, :5, 2:], atol=1e-4, rtol=0)
    beyond = found[0, 0, 0, :6]
    torch.testing.assert_close(beyond, picture[0, 0, 0, 2:] if warp is warped else torch.zeros(6))


def test_half_precision_does_not_blur_coordinates() -> None:
    picture = torch.arange(400.0).remainder(7).view(1, 1, 1, 400).expand(1, 1, 4, 400)
    flow = torch.ones(1, 2, 4, 400)
    found = warped(picture.bfloat16(), flow.bfloat16())
    assert found.dtype is torch.bfloat16
    torch.testing.assert_close(found.float()[..., :-1], picture[..., 1:], atol=0.02, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_cpu() -> None:
    torch.manual_seed(2)
    a, b, flow = torch.randn(2, 8, 12, 10), torch.randn(2, 8, 12, 10), 3 * torch.randn(2, 2, 12, 10)
    for work in (
        lambda a, b, flow: correlation(a, b, 4, 2),
        lambda a, b, flow: warped(b, flow),
        lambda a, b, flow: warped_inside(b, flow),
    ):
        torch.testing.assert_close(
            work(a.cuda(), b.cuda(), flow.cuda()).cpu(), work(a, b, flow), rtol=1e-3, atol=1e-4
        )
