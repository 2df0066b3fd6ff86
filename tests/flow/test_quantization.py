"""What int8 keeps of flow, and the encodings that networks want."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.flow import CLIP, QuantizedFlow, clipped, dequantize, image, quantization, quantize


def values(flow: QuantizedFlow, count: int = 64) -> np.ndarray:
    return np.concatenate(list(flow.pieces(count)))


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 100), st.integers(0, 2**31))
def test_a_value_is_off_by_at_most_half_a_step(largest: float, seed: int) -> None:
    flow = np.random.default_rng(seed).uniform(-largest, largest, (4, 3, 4, 2)).astype(np.float32)
    found = quantize([flow[:1], flow[1:3], flow[3:]])
    assert found.bound == pytest.approx(min(float(np.abs(flow).max()), CLIP))
    assert values(found).dtype == np.int8
    assert values(found).shape == (*found.shape, 2) == flow.shape
    off = np.abs(dequantize(values(found), found.bound) - np.clip(flow, -found.bound, found.bound))
    assert off.max() <= found.bound / 254 + 0.0004
    assert found.clipped == np.mean(np.abs(flow).max(axis=-1) > CLIP)
    np.testing.assert_array_equal(values(quantize([-flow])), -values(found))


def test_pieces_and_memory_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = np.random.default_rng(0).normal(0, 3, (7, 5, 6, 2)).astype(np.float32)
    one = quantize([flow])
    monkeypatch.setattr(quantization, "IN_MEMORY", 300)
    many = quantize(iter([flow[:2], flow[2:3], flow[3:]]), tmp_path)
    assert list(tmp_path.iterdir()) == []
    for count in (1, 3, 7, 64):
        np.testing.assert_array_equal(values(one), values(many, count))
    assert (one.bound, one.clipped, one.shape) == (many.bound, many.clipped, many.shape)
    with pytest.raises(FileNotFoundError):
        quantize([flow], tmp_path / "gone")


def test_large_motion_is_clipped_and_counted() -> None:
    flow = np.zeros((1, 2, 5, 2), np.float32)
    flow[0, 0, 0], flow[0, 1, 2], flow[0, 1, 4] = (35, 2), (-20, 20), (1, -21)
    found = quantize([flow])
    assert (found.bound, found.clipped) == (CLIP, 0.2)
    np.testing.assert_allclose(dequantize(values(found), CLIP)[0, [0, 1, 1], [0, 2, 4]],
                               [(20, 2), (-20, 20), (1, -20)], atol=0.08)  # fmt: skip


def test_zero_and_non_finite_flow() -> None:
    found = quantize([np.zeros((1, 2, 2, 2), np.float32)])
    assert found.bound == 0
    assert not dequantize(values(found), found.bound).any()
    for wrong in (np.nan, np.inf):
        with pytest.raises(ValueError, match="not finite"):
            quantize([np.full((1, 2, 2, 2), wrong, np.float32)])


def test_clipped_and_divided() -> None:
    flow = np.array([[30, -5], [-20, 0], [-25, 10]], np.float32)
    np.testing.assert_allclose(clipped(flow), [[1, -0.25], [-1, 0], [-1, 0.5]])
    np.testing.assert_allclose(clipped(flow, 10.0), [[1, -0.5], [-1, 0], [-1, 1]])
    assert clipped(flow).dtype == np.float32


def test_flow_image() -> None:
    flow = np.array([[0, 0], [3, -4], [-8, 0], [7.96, 1], [40, -40]], np.float32)
    found = image(flow[None])
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(
        found[0], [[128, 128, 128], [176, 64, 208], [0, 128, 255], [255, 144, 255], [255, 0, 255]]
    )
