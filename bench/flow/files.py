"""One video's flow as a Parquet file: one row a frame, int8 pairs, losslessly compressed, pages check-summed.

The column ``uv`` holds the bytes of int8 [H, W, 2]; what they mean stands in the schema's metadata.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Self

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
NOT_WHOLE = "no whole flow file; delete it and prepare again"


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


@dataclass(frozen=True)
class FlowFile:
    """A file of flow whose head was read. ``starts``: the first frame of each row group, then the length."""

    path: Path
    facts: FlowFacts
    starts: tuple[int, ...]
    metadata: pq.FileMetaData

    @classmethod
    def open(cls, path: Path) -> Self:
        """Raises ValueError if it is no whole file of flow; damaged fields show when they are read."""
        file = _open(path)
        facts, head = _facts(path, file), file.metadata
        rows = [head.row_group(group).num_rows for group in range(head.num_row_groups)]
        if sum(rows) != facts.frames:
            raise ValueError(f"{path} is damaged (it has {sum(rows)} rows for {facts.frames} frames)")
        return cls(path, facts, (0, *accumulate(rows)), head)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """T, H, W, 2."""
        width, height = self.facts.size
        return self.facts.frames, height, width, 2

    def read(self, groups: range) -> Quantized:
        """The fields of these row groups, int8 [t, H, W, 2].

        Raises ValueError if they are damaged, or if another file has taken the place of the one opened.
        """
        file = _open(self.path)
        if not file.metadata.equals(self.metadata):
            raise ValueError(f"{self.path} was replaced while it was read; start again")
        frames = self.starts[groups.stop] - self.starts[groups.start]
        try:
            chunks = file.read_row_groups(groups, use_threads=False).column("uv").chunks
            return np.concatenate([_bytes(chunk) for chunk in chunks]).reshape(frames, *self.shape[1:])
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            raise ValueError(f"{self.path} is damaged ({error}): {NOT_WHOLE}") from error


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
