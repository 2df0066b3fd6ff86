"""Optical flow: sources that compute it, found by name, and a store that keeps it losslessly compressed.

Flow is float32 (u, v) in pixels at the size of the frames it was computed on: the point at (x, y) of frame t
is at (x + u, y + v) in frame t + 1. There are as many flow fields as frames; the last repeats the one before.
"""

from __future__ import annotations

from bench.flow.base import Flow, FlowSource, LearnedSource, UnavailableError
from bench.flow.encodings import clipped, image
from bench.flow.finding import names, source, sources
from bench.flow.quantization import CLIP, Quantized, QuantizedFlow, dequantize, quantize
from bench.flow.reader import Fields, FlowReader
from bench.flow.store import Estimate, FlowStore

__all__ = [
    "CLIP",
    "Estimate",
    "Fields",
    "Flow",
    "FlowReader",
    "FlowSource",
    "FlowStore",
    "LearnedSource",
    "Quantized",
    "QuantizedFlow",
    "UnavailableError",
    "clipped",
    "dequantize",
    "image",
    "names",
    "quantize",
    "source",
    "sources",
]
