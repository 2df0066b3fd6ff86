"""How much of an annotation the tracks in a file cover (:mod:`bench.metrics.track_recall`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.external.linkable import OWN
from bench.external.truths import Told
from bench.files.parquet import column, load
from bench.files.tables import read_tubes
from bench.interop.base import Truth
from bench.interop.formats import Manner, read_predictions, told
from bench.metrics.track_recall import ANY_CLASS, Coverage, coverage
from bench.protocol import TubeRules
from bench.records import Tubes


def of_file(path: Path, words: Told, format_name: str | None = None) -> tuple[Coverage, Tubes]:
    """What the tubes of a file cover, by the rules of the dataset's protocol, and those tubes.

    Raises ValueError without truth, and for what cannot be read or is of other videos.
    """
    known = words.read()
    if known.truth is None or known.protocol is None:
        raise ValueError("what is to be covered? Name its file with --truth, or a dataset with --dataset")
    if not known.truth.has_tubes:
        raise ValueError("this truth has boxes of single frames, and no actions that a track could cover")
    tracks = _read(path, known.truth, format_name)
    rules = known.protocol.evaluator.tubes or TubeRules()
    try:
        return coverage(known.truth.annotation, tracks, rules), tracks
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _read(path: Path, truth: Truth, format_name: str | None) -> Tubes:
    """The tubes of a file or folder; those of Parquet may be of no class."""
    file = path / "tubes.parquet" if path.is_dir() else path
    own = told(path, "predictions", format_name).name == OWN and file.is_file()
    if own and _of_no_class(file):
        return read_tubes(file)
    tubes = read_predictions(path, None, truth, Manner(format_name)).tubes
    if tubes is None:
        raise ValueError(f"{path} holds no tubes; `bench link --predictions {path}` makes some")
    return tubes


def _of_no_class(file: Path) -> bool:
    """Whether there is a track that stands for every class, which no other program's tube does."""
    return bool((column(file, load(file)[0], "label", np.dtype(np.int64)) == ANY_CLASS).any())
