"""Scoring of predictions that lie in files: somebody else's detector, or a run's own once more.

The result is built by the same code as a run's (:mod:`bench.results.scoring`); its notes say how the files
were read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench import __version__
from bench.external.truths import Source, Told
from bench.files.store import digest
from bench.files.tables import digest_ground_truth
from bench.interop.base import Truth
from bench.interop.formats import Manner, Predictions, read_predictions
from bench.metrics import evaluate
from bench.names import slug
from bench.protocol import EVALUATORS, Evaluator, Protocol, evaluator, named
from bench.records import Detections, Tubes
from bench.results.result import FILE, Coverage, Identity, Result
from bench.results.scoring import RESAMPLES, Origin, Scored, write_scored

SPREAD = ("frame_map/0.50", "video_map/0.20", "video_map/0.50", "video_map/0.50-0.95")
"""What is shown of the predictions under every evaluator."""
SHOWN = 5
"""Missing videos that a message names."""

Rows = TypeVar("Rows", Detections, Tubes)


@dataclass(frozen=True)
class Request:
    """What a user asks for, in words. Either ``truth`` or ``dataset`` names the truth.

    protocol: ``evaluator[+trimming]``; out: where ``result.json`` goes, a folder or that file's path;
    variant, tuned: as :class:`bench.results.result.Identity` has them.
    """

    predictions: Path
    protocol: str
    tubes: Path | None = None
    truth: Path | None = None
    dataset: str | None = None
    data_root: Path | None = None
    runs_dir: Path = Path("runs")
    split: str | None = None
    format: str | None = None
    box_offset: float | None = None
    partial: bool = False
    name: str | None = None
    out: Path | None = None
    intervals: bool = True
    variant: str = "imported"
    tuned: str = ""

    @property
    def told(self) -> Told:
        """What is said of the truth."""
        return Told(self.truth, self.dataset, self.split, self.data_root, self.runs_dir)


@dataclass(frozen=True)
class Row:
    """What the predictions are worth under one evaluator; ``why``: what does not apply, and the reason."""

    evaluator: str
    metrics: dict[str, float | None]
    why: str


def score(request: Request) -> tuple[Result, Path]:
    """The result of the predictions under one protocol, and the folder that it lies in.

    Raises ValueError for what is not there, not readable or not complete, naming place and mend.
    """
    found, trimming = named(request.protocol)
    truth, protocol = request.told.source(trimming)(found)
    predictions = _predictions(request, truth, found)
    scored, coverage = _covered(request, truth, predictions)
    key = _digest(scored.detections, scored.tubes)
    notes = (*truth.notes, *predictions.notes)
    origin = Origin(_identity(request), coverage, inputs={"predictions": key}, notes=notes)
    folder = _folder(request, protocol, digest([key, digest_ground_truth(scored.truth)]))
    if not request.intervals and request.out is None and _has_intervals(folder):
        raise ValueError(
            f"{folder} has this result with its intervals; --no-intervals would lose them: leave it out, or "
            "name another --out"
        )
    try:
        result = write_scored(folder, scored, protocol, origin, RESAMPLES if request.intervals else 0)
    except OSError as error:
        raise ValueError(
            f"{folder}: the result cannot be written there: {error}; name another --out"
        ) from error
    return result, folder


def score_all(request: Request) -> tuple[list[Row], Coverage]:
    """The predictions under every evaluator, one after the other; nothing is written.

    Raises ValueError as :func:`score` does, and for ``out``.
    """
    if request.out is not None:
        raise ValueError("--out: a result is of one protocol, and `--protocol all` writes none; name one")
    source, first = request.told.source(), evaluator("act")
    truth, _ = source(first)
    predictions = _predictions(request, truth, first)
    scored, coverage = _covered(request, truth, predictions)
    return spread(source, scored), coverage


def spread(source: Source, scored: Scored) -> list[Row]:
    """The same predictions under every evaluator."""
    return [_row(source, scored, each) for each in EVALUATORS.values()]


def _row(source: Source, scored: Scored, found: Evaluator) -> Row:
    """One row; an evaluator that cannot score such data says why."""
    try:
        truth, protocol = source(found)
        annotation = truth.annotation.select(scored.truth.videos.names)
        short = replace(protocol, frame_thresholds=(0.5,), video_thresholds=(0.2, 0.5))
        metrics = evaluate(*scored._replace(truth=annotation).cut(short), short).metrics
    except ValueError as error:
        return Row(found.name, {}, str(error))
    why = ["scores frames alone"] * (found.tubes is None) + ["scores tubes alone"] * (found.frames is None)
    why += ["no tubes to score"] * (found.tubes is not None and scored.tubes is None)
    return Row(found.name, metrics, ", ".join(why))


def scored_truth(request: Request) -> tuple[Truth, Protocol]:
    """The annotation of whole videos that the predictions are scored against, and the protocol.

    Raises ValueError also for a protocol that trims.
    """
    found, trimming = named(request.protocol)
    if trimming:
        raise ValueError(
            f"--protocol {request.protocol}: whole videos are tuned on, by --protocol {found.name}; what was "
            f"found can be scored by {request.protocol} afterwards, with `bench score`"
        )
    return request.told.source()(found)


def _predictions(request: Request, truth: Truth, found: Evaluator) -> Predictions:
    drops = found.frames is not None and found.frames.empty_boxes == "dropped"
    manner = Manner(request.format, request.box_offset, drops)
    return read_predictions(request.predictions, request.tubes, truth, manner)


def _covered(request: Request, truth: Truth, predictions: Predictions) -> tuple[Scored, Coverage]:
    """What is scored: all videos of the truth or, if asked for, those that predictions cover."""
    names = truth.annotation.videos.names
    there = [name for name in names if name in predictions.covered]
    missing = [name for name in names if name not in predictions.covered]
    if missing and not (request.partial and there):
        some = ", ".join(missing[:SHOWN]) + (" ..." if len(missing) > SHOWN else "")
        mend = "--partial scores the others (never ranked)" if there else "is it the right file, and split?"
        raise ValueError(
            f"{request.predictions} lacks {len(missing)} of {len(names)} videos: {some}. Predict them, "
            f"list them if nothing was found there (docs/formats.md), or: {mend}"
        )
    coverage = Coverage(len(there), len(names), bool(missing))
    if not missing:
        return Scored(truth.annotation, predictions.detections, predictions.tubes), coverage
    annotation = truth.annotation.select(there)
    detections, tubes = predictions.detections, predictions.tubes
    return Scored(
        annotation,
        None if detections is None else _within(detections, there),
        None if tubes is None else _within(tubes, there),
    ), coverage


def _within(rows: Rows, names: Sequence[str]) -> Rows:
    """The rows of those videos, numbered by them."""
    numbers = np.flatnonzero(np.isin(rows.videos, names))
    return rows[np.isin(rows.video, numbers)].with_videos(names)


def _digest(*parts: Detections | Tubes | None) -> str:
    """Of all values that are scored, whatever file they came from."""
    found = sha256()
    for part in parts:
        found.update(b"-" if part is None else "\n".join(part.videos).encode())
        columns = {} if part is None else {name: getattr(part, name) for name in part.columns()}
        for name, values in columns.items():
            found.update(name.encode() + (b"" if values is None else values.tobytes()))
    return found.hexdigest()[:16]


def _name(request: Request) -> str:
    return request.name or request.predictions.stem


def _identity(request: Request) -> Identity:
    """Nothing is known of what made the predictions but its name."""
    name = _name(request)
    return Identity(
        method=slug(name),
        variant=request.variant,
        title=name,
        config={},
        config_digest=digest({}),
        seed=0,
        checkpoint_digests={},
        code_version=__version__,
        tuned=request.tuned,
    )


def _folder(request: Request, protocol: Protocol, key: str) -> Path:
    """Where the result goes: ``--out``, or a folder of its own among the runs.

    ``key``: of predictions and annotation, which may have one name and another content.
    """
    out = request.out
    if out is None:
        name = f"{slug(_name(request))}_{protocol.split}_{protocol.name}_{key[:8]}"
        return request.runs_dir / protocol.dataset / name
    if out.suffix != ".json":
        if out.is_file():
            raise ValueError(f"--out {out}: there is a file of that name; name a folder")
        return out
    if out.name != FILE:
        raise ValueError(
            f"--out {out}: the file is always called {FILE}, its matches lie beside it; name a folder"
        )
    return out.parent


def _has_intervals(folder: Path) -> bool:
    """Whether a result lies there that has any."""
    if not (folder / FILE).is_file():
        return False
    estimates = Result.read(folder).metrics.values()
    return any(found is not None and found.low is not None for found in estimates)
