"""One video's flow as a Parquet file: one row a frame, int8 pairs, losslessly compressed, pages check-summed.

The column ``uv`` holds the bytes of int8 [H, W, 2]; what they mean stands in the schema's metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.files.decode import decode
from bench.files.headers import Header, header_of
from bench.files.store import plain, write_atomic
from bench.flow.origin import Origin
from bench.flow.quantization import Quantized, QuantizedFlow

KIND = "flow"
ROW_GROUP = 16
"""Frames that can be read without the others."""


@dataclass(frozen=True)
class FlowFacts:
    """``source``: its key; ``bound``, ``clipped`` as in :class:`QuantizedFlow`; ``size``: width, height."""

    source: str
    bound: float
    clipped: float
    frames: int
    size: tuple[int, ...]
    origin: Origin


def write_flow(path: Path, video: str, flow: QuantizedFlow, source: str, origin: Origin) -> None:
    """Write the flow of a video, whole or not at all."""
    frames, height, width = flow.shape
    facts = FlowFacts(source, flow.bound, flow.clipped, frames, (width, height), origin)
    kind = pa.binary(height * width * 2)
    schema = pa.schema({"uv": kind}, Header(KIND, (video,), plain(facts)).metadata())

    def write(temporary: Path) -> None:
        with pq.ParquetWriter(
            temporary, schema, compression="zstd", compression_level=1, use_dictionary=False,
            write_statistics=False, write_page_checksum=True,
        ) as writer:  # fmt: skip
            for piece in flow.pieces(ROW_GROUP):
                buffers = [None, pa.py_buffer(piece)]
                column = pa.FixedSizeBinaryArray.from_buffers(kind, len(piece), buffers)
                writer.write_table(pa.table([column], schema=schema))

    write_atomic(path, write)


def read_facts(path: Path) -> FlowFacts:
    """What a file says of itself. Raises ValueError if it is no whole file of flow."""
    return _facts(path, _open(path))


def read_flow(path: Path) -> tuple[Quantized, FlowFacts]:
    """(int8 [T, H, W, 2], facts). Raises ValueError if it is no whole file of flow."""
    file = _open(path)
    facts = _facts(path, file)
    try:
        chunks = file.read(use_threads=False).column("uv").chunks
        values = np.concatenate([_bytes(chunk) for chunk in chunks])
        return values.reshape(facts.frames, facts.size[1], facts.size[0], 2), facts
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error})") from error


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path} is cut off or no Parquet file ({error})") from error


def _facts(path: Path, file: pq.ParquetFile) -> FlowFacts:
    header = header_of(path, file.schema_arrow)
    if header.kind != KIND:
        raise ValueError(f"{path} holds {header.kind or 'rows of another program'}, not {KIND}")
    facts: FlowFacts = decode(FlowFacts, header.facts, f"{path}:")
    return facts


def _bytes(chunk: pa.FixedSizeBinaryArray) -> Quantized:
    """The values of a chunk, without a copy."""
    width = chunk.type.byte_width
    return np.frombuffer(chunk.buffers()[1], np.int8, len(chunk) * width, chunk.offset * width)
