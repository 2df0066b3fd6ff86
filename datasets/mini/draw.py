"""Random draws whose stream is the same on every machine and with every numpy."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Draw:
    """A stream of random draws named by its key: equal keys give equal streams.

    Only the raw output of PCG64 is used, which numpy guarantees; its distributions may change between
    versions.
    """

    def __init__(self, *key: object) -> None:
        text = "/".join(str(part) for part in key)
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
        self._bits = np.random.PCG64(seed)

    def unit(self) -> float:
        """Uniform in [0, 1)."""
        return (int(self._bits.random_raw()) >> 11) * 2.0**-53

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.unit()

    def around(self, spread: float) -> float:
        """Uniform in [-spread, spread)."""
        return self.between(-spread, spread)

    def integer(self, low: int, high: int) -> int:
        """Uniform among low, ..., high, both included."""
        return low + int(self.unit() * (high - low + 1))

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, all equally likely."""
        return choices[self.integer(0, len(choices) - 1)]

    def sign(self) -> int:
        """-1 or 1."""
        return 1 if self.unit() < 0.5 else -1

    def bytes(self, *shape: int) -> np.ndarray:
        """Independent uniform bytes, uint8, of the given shape."""
        count = int(np.prod(shape))
        words = self._bits.random_raw((count + 7) // 8).astype("<u8")
        return words.view(np.uint8)[:count].reshape(shape)
