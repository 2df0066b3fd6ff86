"""Pairs of integers as one: so that (video, frame) and the like can be sorted, joined and looked up."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray


def pair_keys(first_N: Array, second_N: Array) -> Array:
    """One int64 [N] a pair, in the order of the pairs: ``first`` from 0, ``second`` any 32-bit integer.

    Keys of one ``first`` are as far apart as their ``second``. Below 2^53 for two million of ``first``, which
    leaves room to multiply by a number of classes.
    """
    return (first_N.astype(np.int64) << 32) + second_N


def split_keys(key_N: Array) -> tuple[Array, Array]:
    """The pairs that :func:`pair_keys` made the keys of, int64 [N] each."""
    first_N = (key_N + (1 << 31)) >> 32
    return first_N, key_N - (first_N << 32)
