"""Parquet files of rows: the layer below :mod:`bench.files.tables`.

Every error is a ValueError that names the file and, where one is at fault, the column and the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.files.headers import Header, header_of
from bench.files.store import write_atomic
from bench.records import STREAMS, Array, Detections, TruthBoxes, TruthTubes, Tubelets, Tubes

CORNERS = ("x1", "y1", "x2", "y2")
KINDS: dict[type, str] = {
    Detections: "detections",
    Tubelets: "tubelets",
    Tubes: "tubes",
    TruthTubes: "truth_tubes",
    TruthBoxes: "truth_boxes",
}

Rows = TypeVar("Rows", Detections, Tubelets, Tubes, TruthTubes, TruthBoxes)


def write_rows(path: Path, rows: Rows, facts: Mapping[str, Any]) -> None:
    """Write a record with all its present columns. Raises ValueError for NaN or infinite values."""
    columns: dict[str, pa.Array] = {}
    for name, spec in type(rows).columns().items():
        values = getattr(rows, name)
        if values is None:
            continue
        if name == "video":
            columns[name] = names_array(values, rows.videos)
        elif name == "stream":
            columns[name] = names_array(values, STREAMS)
        elif spec["row"]:
            columns |= {corner: _corner_array(values[..., i]) for i, corner in enumerate(CORNERS)}
        else:
            columns[name] = pa.array(values)
        if spec["dtype"].kind == "f":
            _refuse_unfinite(path, name, values)
    write_table(path, columns, Header(KINDS[type(rows)], rows.videos, dict(facts)))


def _corner_array(values: Array) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values).reshape(-1))
    return flat if values.ndim == 1 else pa.FixedSizeListArray.from_arrays(flat, values.shape[1])


def names_array(codes: Array, names: tuple[str, ...]) -> pa.Array:
    """A dictionary-encoded text column: ``names[codes]``."""
    if len(codes) and not 0 <= codes.min() <= codes.max() < len(names):
        raise ValueError(f"code {codes.max()} stands for none of {len(names)} names")
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names, pa.string()))


def write_table(path: Path, columns: Mapping[str, pa.Array], header: Header) -> None:
    """Write columns of one length under a header, compressed, whole or not at all."""
    table = pa.table(dict(columns)).replace_schema_metadata(header.metadata())
    floats = [name for name, column in columns.items() if pa.types.is_floating(column.type) and name != "fps"]
    write_atomic(
        path,
        lambda temporary: pq.write_table(
            table,
            temporary,
            compression="zstd",
            use_dictionary=[name for name in columns if name not in floats],
            column_encoding=dict.fromkeys(floats, "BYTE_STREAM_SPLIT"),
        ),
    )


def read_header(path: Path) -> Header:
    """Kind, videos and facts of a file, not its rows; from another program kind is ``""``."""
    return header_of(path, _open(path).schema_arrow)


def _open(path: Path) -> pq.ParquetFile:
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(
            f"{path} is cut off or no Parquet file ({error}); delete it and make it again"
        ) from error


def load(path: Path) -> tuple[pa.Table, Header]:
    """All rows of a file, and its header."""
    file = _open(path)
    try:
        table = file.read().unify_dictionaries()
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path} is damaged ({error}); delete it and make it again") from error
    twice = {name for name in table.column_names if table.column_names.count(name) > 1}
    if twice:
        raise ValueError(f"{path} has the column {min(twice)} twice; write it again with one")
    return table, header_of(path, table.schema)


def read_rows(path: Path, record: type[Rows]) -> Rows:
    """The record of a file, checked. Columns may be wider types (int64, float64) if the values fit."""
    return rows_of(path, *load(path), record)


def rows_of(path: Path, table: pa.Table, header: Header, record: type[Rows]) -> Rows:
    """As :func:`read_rows`, of a file's table and header."""
    if header.kind not in ("", KINDS[record]):
        raise ValueError(f"{path} holds {header.kind}, not {KINDS[record]}")
    specs = record.columns()
    _check_columns(
        path, table, specs, {f for f, s in record.__dataclass_fields__.items() if s.default is None}
    )
    videos, video = video_column(path, table, header.videos)
    values: dict[str, Array | None] = {"video": video}
    for name, spec in specs.items():
        if name == "video":
            continue
        if spec["row"]:
            values[name] = corners(path, table, stacked=len(spec["row"]) > 1)
        elif name not in table.column_names:
            values[name] = None
        elif name == "stream":
            values[name] = video_column(path, table, STREAMS, name)[1]
        else:
            values[name] = column(path, table, name, spec["dtype"])
    try:
        return record(videos=videos, **values)  # type: ignore[arg-type]
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _check_columns(path: Path, table: pa.Table, specs: Mapping[str, Any], optional: set[str]) -> None:
    wanted = [name for name, spec in specs.items() if not spec["row"]] + list(CORNERS) * any(
        spec["row"] for spec in specs.values()
    )
    missing = [name for name in wanted if name not in table.column_names and name not in optional]
    unknown = [name for name in table.column_names if name not in wanted]
    if missing or unknown:
        said = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has unknown {', '.join(unknown)}"] * bool(
            unknown
        )
        raise ValueError(
            f"{path} has wrong columns: it {' and '.join(said)}; columns are {', '.join(wanted)}"
        )


def column(path: Path, table: pa.Table, name: str, dtype: np.dtype) -> Array:
    """One column as a numpy array: there, without empty cells, of values that fit ``dtype``, finite."""
    values = _present(path, table, name)
    target = pa.from_numpy_dtype(dtype)
    try:
        array = values.cast(target, safe=dtype.kind != "f").to_numpy(zero_copy_only=False)
    except pa.ArrowException as error:
        raise ValueError(f"{path}, column {name}: {values.type} does not fit {target} ({error})") from error
    if dtype.kind == "f":
        _refuse_unfinite(path, name, array)
    return array


def _present(path: Path, table: pa.Table, name: str) -> pa.Array:
    if name not in table.column_names:
        raise ValueError(f"{path} lacks the column {name}; it has {', '.join(table.column_names)}")
    values = table[name].combine_chunks()
    if values.null_count:
        row = int(np.argmax(values.is_null().to_numpy(zero_copy_only=False)))
        raise ValueError(f"{path}, column {name}, row {row}: empty cell")
    return values


def corners(path: Path, table: pa.Table, stacked: bool = False) -> Array:
    """``x1 y1 x2 y2`` as float32 [N, 4]; ``stacked``: columns of K-lists as [N, K, 4]."""
    dtype = np.dtype(np.float32)
    if not stacked:
        return np.stack([column(path, table, name, dtype) for name in CORNERS], axis=1)
    lists = [_present(path, table, name) for name in CORNERS]
    if not all(pa.types.is_fixed_size_list(values.type) for values in lists):
        raise ValueError(f"{path}: x1 y1 x2 y2 of tubelets are lists of one fixed length")
    lengths = {values.type.list_size for values in lists}
    if len(lengths) > 1:
        raise ValueError(f"{path}: x1 y1 x2 y2 are lists of different lengths {sorted(lengths)}")
    flat = [values.flatten().to_numpy(zero_copy_only=False).astype(np.float32) for values in lists]
    boxes_NK4 = np.stack([values.reshape(table.num_rows, lengths.copy().pop()) for values in flat], axis=-1)
    _refuse_unfinite(path, "x1 y1 x2 y2", boxes_NK4)
    return boxes_NK4


def texts(path: Path, table: pa.Table, name: str) -> list[str]:
    """A column of texts."""
    values = _present(path, table, name)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        raise ValueError(f"{path}, column {name}: {values.type} instead of text")
    listed: list[str] = values.to_pylist()
    return listed


def video_column(
    path: Path, table: pa.Table, videos: tuple[str, ...] | None, name: str = "video"
) -> tuple[tuple[str, ...], Array]:
    """Names and int32 positions in them. Without ``videos`` the names are in order of first appearance."""
    values = _present(path, table, name)
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    spelled = encoded.dictionary.to_pylist()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    used, first = np.unique(codes, return_index=True)
    if videos is None:
        videos = tuple(spelled[code] for code in used[np.argsort(first)])
    position = {video: i for i, video in enumerate(videos)}
    for code, row in zip(used, first):
        if spelled[code] not in position:
            raise ValueError(f"{path}, column {name}, row {row}: {spelled[code]!r} is not in the file's list")
    lookup = np.array([position.get(video, -1) for video in spelled], np.int32)
    return videos, lookup[codes] if len(codes) else np.zeros(0, np.int32)


def _refuse_unfinite(path: Path, name: str, values: Array) -> None:
    finite = np.isfinite(values).reshape(len(values), int(np.prod(values.shape[1:])))
    if not finite.all():
        row = int(np.argmin(finite.all(axis=1)))
        raise ValueError(f"{path}, {name}, row {row}: {values[row]} is not a finite number")
