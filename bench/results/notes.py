"""What a person should know of the figures of a result, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.results.result import Result

LEFT_OUT = "no figure has an interval: the bootstrap was left out (--no-intervals)"
ONE_GROUP = (
    "no figure has an interval: every class has one source group alone, of which resampling says nothing"
)
AUC = "frame_map/auc"
AUC_HAS_NONE = "frame-mAP auc has no interval: its thresholds are not among the matches that are kept"


def without_intervals(resamples: int, bounds: Mapping[str, Any]) -> tuple[str, ...]:
    """Why no figure has an interval; nothing where some have. bounds: what ``resamples`` of them gave."""
    return () if bounds else (ONE_GROUP if resamples else LEFT_OUT,)


def notes_of(result: Result) -> tuple[str, ...]:
    """The notes of a result, and why one of its figures has no interval where the others have."""
    there = {name: one for name, one in result.metrics.items() if one is not None and one.low is None}
    alone = AUC in there and not {LEFT_OUT, ONE_GROUP} & set(result.notes)
    return (*result.notes, *[AUC_HAS_NONE] * alone)
