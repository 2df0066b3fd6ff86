"""Compiled helpers, and the forgetting of machine code that is older than its source."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.tubes import kernels
from bench.tubes.kernels.common import grouped, top_means


def test_code_older_than_any_source_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "__pycache__").mkdir()
    old, new, object_code = (tmp_path / "__pycache__" / name for name in ("a.nbi", "b.nbi", "a.nbc"))
    sources = [tmp_path / "a.py", tmp_path / "b.py"]
    for age, path in ((30, old), (30, object_code), (20, sources[0]), (25, sources[1]), (10, new)):
        path.write_text("")
        os.utime(path, (1_000_000_000 - age,) * 2)
    kernels._forget_stale_code(tmp_path)
    assert not old.exists()
    assert new.exists()


@settings(max_examples=50, deadline=None)
@given(groups=st.lists(st.integers(-1, 4), max_size=20))
def test_grouped_is_a_stable_sort_without_negative_groups(groups: list[int]) -> None:
    order, bounds = grouped(np.array(groups, np.int64), 5)
    kept = [row for row in np.argsort(groups, kind="stable") if groups[row] >= 0]
    assert order.tolist() == kept
    assert bounds.tolist() == [sum(0 <= g < limit for g in groups) for limit in range(6)]


@settings(max_examples=50, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    top=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_top_means(lengths: list[int], top: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, 5, sum(lengths)).astype(np.float32)
    starts = np.cumsum([0, *lengths[:-1]])
    expected = [np.sort(scores[a : a + n])[::-1][:top].mean() for a, n in zip(starts, lengths)]
    np.testing.assert_allclose(top_means(starts, np.array(lengths), scores, top), expected, rtol=1e-6)
