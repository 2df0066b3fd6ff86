"""The evidence of a result: which detections and tubes matched, and how much truth there was.

Intervals, paired comparisons, ranks and curves are made from these two tables alone.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.files.store import digest, digest_file, write_atomic
from bench.metrics.groups import SPLIT

MATCHES = "matches.parquet"
TRUTH_COUNTS = "truth_counts.parquet"
TEXT = pa.dictionary(pa.int32(), pa.string())
MATCH_COLUMNS = {
    "video": TEXT,
    "group": TEXT,
    "label": pa.int16(),
    "level": TEXT,
    "threshold": pa.float64(),
    "score": pa.float32(),
    "true_positive": pa.bool_(),
}
TRUTH_COLUMNS = {"group": TEXT, "label": pa.int16(), "class": TEXT, "level": TEXT, "count": pa.int32()}


def write_matches(folder: Path, matches: pd.DataFrame, truth: pd.DataFrame) -> str:
    """Write the evidence of a result and return its digest, for :attr:`Result.matches_digest`.

    matches: one row a scored detection or tube, ``video group label level threshold score true_positive``
    (level ``frame`` or ``tube``). truth: ``group label class level count``, annotated boxes or tubes of every
    group and class. Both of a mean over splits have a column ``split`` too.
    """
    _write_frame(folder / MATCHES, matches, MATCH_COLUMNS)
    _write_frame(folder / TRUTH_COUNTS, truth, TRUTH_COLUMNS)
    return digest_matches(folder)


def read_matches(folder: Path, level: str | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Matches and truth counts beside a result, of one level if named; texts are categories."""
    wanted = [("level", "==", level)] if level else None
    matches, truth = (
        pq.read_table(folder / name, filters=wanted, partitioning=None).to_pandas()
        for name in (MATCHES, TRUTH_COUNTS)
    )
    return matches, truth


def digest_matches(folder: Path) -> str:
    """Digest of both files. Raises ValueError naming the one that is missing."""
    missing = [name for name in (MATCHES, TRUTH_COUNTS) if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder} has no {missing[0]}; a result without its matches is not accepted")
    return digest([digest_file(folder / MATCHES), digest_file(folder / TRUTH_COUNTS)])


def _write_frame(path: Path, frame: pd.DataFrame, types: dict[str, pa.DataType]) -> None:
    types = types | ({SPLIT: TEXT} if SPLIT in frame else {})
    wrong = set(types) ^ set(frame.columns)
    if wrong:
        raise ValueError(
            f"{path.name}: wrong or missing {', '.join(sorted(wrong))}; columns are {', '.join(types)}"
        )
    schema = pa.schema(list(types.items()))
    table = pa.Table.from_pandas(frame[list(types)], schema=schema, preserve_index=False)
    for name in types:
        if table[name].null_count:
            raise ValueError(f"{path.name}, column {name} has {table[name].null_count} empty or NaN cells")
    bare = table.replace_schema_metadata(None)
    write_atomic(path, lambda temporary: pq.write_table(bare, temporary, compression="zstd"))
