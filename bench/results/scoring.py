"""From detections and tubes to a written result: scored, with intervals and all that is known of them.

Runs (:mod:`bench.runs.record`) and predictions in files (:mod:`bench.external.rescore`) both end here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench.files.tables import digest_ground_truth
from bench.metrics import evaluate, intervals
from bench.metrics.errors import decompose
from bench.protocol import Protocol
from bench.records import Detections, GroundTruth, Tubes
from bench.results.notes import without_intervals
from bench.results.result import (
    Coverage,
    Environment,
    Estimate,
    Identity,
    Result,
    Speed,
    Times,
    Training,
    write_matches,
)
from bench.tubes.cutting import cut
from bench.tubes.suppression import suppressed

RESAMPLES = 1000
CUT_NMS = 0.2
"""IoU of the 3D-NMS of tubes that were cut to the ground truth."""


class Scored(NamedTuple):
    """What is scored. Detections and tubes over the videos of the truth; None where there are none at all."""

    truth: GroundTruth
    detections: Detections | None
    tubes: Tubes | None

    def cut(self, protocol: Protocol) -> Scored:
        """With the tubes cut to the frames that count, where the protocol trims; else as it is.

        ``gt-trimmed`` is RecLNet's experiment (Cheron et al. 2018, Tables 4 and 5): what is left of the tubes
        is scored anew, and only then suppressed by 3D-NMS, as they score tracks (section 3.3). Detections on
        other frames need no cut: the rules leave them out.
        """
        counted = self.truth.scored_frames
        if not protocol.trimming or self.tubes is None or counted is None:
            return self
        left = cut(self.tubes.with_videos(self.truth.videos.names), counted)
        return self._replace(tubes=suppressed(left, CUT_NMS if protocol.trimming == "gt-trimmed" else None))


@dataclass(frozen=True)
class Origin:
    """What is known of predictions beside what they are worth; the fields of :class:`Result` of those names.

    seconds: time spent before scoring, by step.
    """

    identity: Identity
    coverage: Coverage
    training: Training | None = None
    speed: Speed | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def write_scored(
    folder: Path, scored: Scored, protocol: Protocol, origin: Origin, resamples: int = RESAMPLES
) -> Result:
    """Score under a protocol; write ``result.json`` and its matches. Without ``resamples``, no intervals.

    A protocol that trims has the tubes cut to the intervals that its truth counts (:func:`bench.tubes.cut`).
    """
    began = time.monotonic()
    scored = scored.cut(protocol)
    evaluation = evaluate(*scored, protocol)
    bounds = intervals(evaluation.matches, evaluation.truth, protocol, resamples) if resamples else {}
    mistakes = decompose(*scored, protocol)
    matches_digest = write_matches(folder, evaluation.matches, evaluation.truth)

    def estimate(name: str, value: float | None) -> Estimate | None:
        return None if value is None else Estimate(value, *bounds.get(name, (None, None)))

    result = Result(
        identity=origin.identity,
        protocol=protocol.id,
        rules=protocol,
        dataset=protocol.dataset,
        split=protocol.split,
        data_kind="rendered" if protocol.synthetic else "real",
        coverage=origin.coverage,
        metrics={name: estimate(name, value) for name, value in evaluation.metrics.items()},
        per_class={
            name: {c: estimate(f"{name}/{c}", value) for c, value in table.items()}
            for name, table in evaluation.per_class.items()
        },
        errors=mistakes.overall,
        errors_per_class=mistakes.per_class,
        speed=origin.speed,
        training=origin.training,
        environment=Environment.here(),
        truth_digest=digest_ground_truth(scored.truth),
        matches_digest=matches_digest,
        times=_times(origin, time.monotonic() - began),
        inputs=dict(origin.inputs),
        notes=(*origin.notes, *without_intervals(resamples, bounds)),
        curves=evaluation.curves,
    )
    result.write(folder)
    return result


def _times(origin: Origin, scoring: float) -> Times:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Times(now, {**origin.seconds, "score": round(scoring, 3)})
