"""Stored flow by the numbers of its fields: of a short video all at once, of a long one the blocks asked for.

A block is a row group of the file. What was read is kept in one memory that all readers share, at most
:data:`BUDGET` bytes of flow in total; once it is full, short videos that are not in it are read like long
ones.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from bench.flow.files import FlowFile
from bench.flow.quantization import Quantized
from bench.video.known import identity
from bench.video.memory import Memory, budget

BUDGET = budget("BENCH_FLOW_MEMORY", 5)
"""Bytes of flow in memory, of all videos together."""
SHORT = 64 << 20
"""Bytes of all its flow up to which a video is short."""

kept_flow: Memory[Quantized] = Memory(BUDGET, lambda fields: fields.nbytes)


class Fields(Protocol):
    """The flow fields of a video, int8 [T, H, W, 2]: an array of them, or what is indexed like one."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Quantized: ...


class FlowReader:
    """The flow fields of a file, int8 [T, H, W, 2], by index. Threads may share it.

    ``reader[index]`` takes what a numpy array of T fields takes: a number, a slice, an array of numbers.
    Raises ValueError as :meth:`FlowFile.read`. What it gives of a short video is read-only.
    """

    def __init__(self, file: FlowFile) -> None:
        self._file, self._identity = file, identity(file.path)
        self._starts = np.array(file.starts)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """T, H, W, 2."""
        return self._file.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Quantized:
        whole = range(len(self._starts) - 1)
        if self._is_kept(whole) or math.prod(self.shape) <= min(SHORT, kept_flow.room):
            picked: Quantized = self._kept(whole)[index]
            return picked
        wanted = np.arange(len(self))[index]
        flat = wanted.ravel()
        found = np.empty((len(flat), *self.shape[1:]), np.int8)
        of = np.searchsorted(self._starts, flat, side="right") - 1
        for group in np.unique(of).tolist():
            inside = of == group
            found[inside] = self._kept(range(group, group + 1))[flat[inside] - self._starts[group]]
        return found.reshape(*wanted.shape, *self.shape[1:])

    def _is_kept(self, groups: range) -> bool:
        return kept_flow.find((self._identity, groups)) is not None

    def _kept(self, groups: range) -> Quantized:
        def read() -> Quantized:
            fields = self._file.read(groups)
            fields.flags.writeable = False
            return fields

        return kept_flow.get((self._identity, groups), read)
