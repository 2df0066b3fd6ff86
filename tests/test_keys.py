"""Pairs of integers as one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.keys import pair_keys, split_keys

POSITIONS = st.sampled_from([0, 1, 2**31 - 1]) | st.integers(0, 2**31 - 1)
NUMBERS = st.sampled_from([-(2**31), -1, 0, 1, 2**31 - 1]) | st.integers(-(2**31), 2**31 - 1)


@given(st.lists(st.tuples(POSITIONS, NUMBERS), max_size=20))
def test_keys_are_in_the_order_of_the_pairs_and_give_them_back(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs, np.int32).reshape(-1, 2).T
    keys = pair_keys(first, second)
    assert keys.dtype == np.int64
    assert [pairs[row] for row in np.argsort(keys, kind="stable")] == sorted(pairs)
    assert [np.array_equal(*both) for both in zip(split_keys(keys), (first, second))] == [True, True]
    assert len(np.unique(keys)) == len(set(pairs))
