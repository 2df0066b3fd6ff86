"""Flow as int8: what is kept of it, and how far that may be off.

A video's flow is kept as ``round(flow / bound * 127)``. The bound is the video's own: its largest |u| or
|v|, at most :data:`CLIP`. A value is off by at most half a step, bound / 254 pixels (0.08 px at the largest
bound), and 0.0004 px more, because the fields are held in fixed point until the bound is known. Motion beyond
CLIP is clipped, and how much of it there was is counted.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from bench.flow.base import Flow

CLIP = 20.0
"""Pixels a frame beyond which motion is clipped, the field's usual bound."""
IN_MEMORY = 1 << 28
"""Bytes of fixed-point fields up to which no temporary file is used."""

Quantized = npt.NDArray[np.int8]

_FINE = 1600.0
"""Steps a pixel of the fixed point: int16 reaches beyond CLIP."""


@dataclass(frozen=True)
class QuantizedFlow:
    """The flow of a video as int8, given piece by piece.

    ``shape``: T, H, W; ``bound``: pixels that 127 stands for; ``clipped``: share of vectors that have a
    component beyond CLIP.
    """

    shape: tuple[int, int, int]
    bound: float
    clipped: float
    fine: IO[bytes]

    def pieces(self, count: int = 64) -> Iterator[Quantized]:
        """The values, int8 [t, H, W, 2], ``count`` frames at a time."""
        frames, height, width = self.shape
        scale = np.float32(127 / (self.bound * _FINE) if self.bound > 1e-6 else 0)
        self.fine.seek(0)
        for _ in range(0, frames, count):
            fine = np.frombuffer(self.fine.read(count * height * width * 4), np.int16)
            values = np.clip(np.rint(fine * scale), -127, 127).astype(np.int8)
            yield values.reshape(-1, height, width, 2)


def quantize(fields: Iterable[Flow], folder: Path | None = None) -> QuantizedFlow:
    """Flow of a video, given in pieces [t, H, W, 2], as int8; a flow of zeros has bound 0.

    However long the video is, little is held in memory: beyond :data:`IN_MEMORY` a nameless file in
    ``folder`` is used. Raises ValueError for NaN or infinity.
    """
    place = str(folder) if folder else None
    spool = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=place)  # noqa: SIM115, the result reads it
    frames, height, width, largest, clipped = 0, 0, 0, 0.0, 0
    for flow in fields:
        size = np.maximum(*np.abs(np.moveaxis(flow, -1, 0)))
        if not np.isfinite(size).all():
            raise ValueError("flow holds values that are not finite")
        clipped += int(np.count_nonzero(size > CLIP))
        largest = max(largest, float(size.max(initial=0)))
        spool.write(np.rint(np.clip(flow, -CLIP, CLIP) * _FINE).astype(np.int16).tobytes())
        frames, (height, width) = frames + len(flow), flow.shape[1:3]
    share = clipped / max(frames * height * width, 1)
    return QuantizedFlow((frames, height, width), min(largest, CLIP), share, spool)


def dequantize(values: Quantized, bound: float) -> Flow:
    """Float32 flow in pixels from the int8 of :func:`quantize`."""
    return values.astype(np.float32) * np.float32(bound / 127)
