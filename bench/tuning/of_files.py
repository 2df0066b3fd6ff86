"""Tuning of how predictions in files are linked: on the videos that are scored, and marked so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.external import relink, rescore
from bench.external.linkable import read_linkable
from bench.interop.formats import Manner
from bench.protocol import Protocol
from bench.records import Array, Detections, GroundTruth
from bench.results.result import ON_SCORED
from bench.runs import settings
from bench.tubes import Linking
from bench.tubes.base import Found
from bench.tubes.tubelet_linking import TubeletLinking
from bench.tubes.tubelets import frame_detections
from bench.tuning.problem import Outcome, Problem, Source
from bench.tuning.record import StudyRecord
from bench.tuning.search import Asked, Subject, search


@dataclass(frozen=True)
class Request:
    """What is tuned: predictions as :class:`bench.external.rescore.Request` names them, and their linker.

    overrides: settings of the linker that trial 0 begins with.
    """

    scored: rescore.Request
    linker: str
    overrides: tuple[str, ...] = ()

    @property
    def linking(self) -> Linking:
        """What trial 0 does."""
        return relink.pipeline(self.linker, self.overrides)

    @property
    def title(self) -> str:
        """As tables name it."""
        return (
            f"{self.scored.name or self.scored.predictions.stem} {' '.join([self.linker, *self.overrides])}"
        )


@dataclass(frozen=True)
class FilesSource(Source):
    """Predictions in files."""

    request: Request

    def load(self) -> FilesProblem:
        """All of them, in memory."""
        request = self.request
        truth, protocol = rescore.scored_truth(request.scored)
        manner = Manner(request.scored.format, request.scored.box_offset)
        wants_tubelets = isinstance(request.linking.linker, TubeletLinking)
        read = read_linkable(request.scored.predictions, truth, manner, wants_tubelets)
        annotation = truth.annotation.select(read.found.videos)
        return FilesProblem(request.linking, read.found, read.frames_V, annotation, protocol)


class FilesProblem(Problem):
    """Detections or tubelets, linked by rules for all."""

    def __init__(
        self, base: Linking, found: Found, frames_V: Array | None, truth: GroundTruth, protocol: Protocol
    ) -> None:
        self.base, self.truth, self.protocol = base, truth, protocol
        self._whole = _Part(found, frames_V)
        self._parts: dict[bytes, _Part] = {}

    def outcome(self, config: Linking, videos: Array) -> Outcome:
        """As :class:`Problem` says."""
        part = self._part(videos)
        if not isinstance(part.found, Detections):
            if part.boxes is None:
                part.boxes = frame_detections(part.found)
            return Outcome(part.boxes, config.tubes(part.found, part.frames_V))
        boxes = config.detections(part.found)
        return Outcome(boxes, replace(config, fusion=None).tubes(boxes, part.frames_V))

    def _part(self, videos: Array) -> _Part:
        if len(videos) == len(self.truth.videos):
            return self._whole
        key = videos.tobytes()
        if key not in self._parts:
            self._parts[key] = self._cut(videos)
        return self._parts[key]

    def _cut(self, videos: Array) -> _Part:
        found, frames_V = self._whole.found, self._whole.frames_V
        names = [self.truth.videos.names[i] for i in videos]
        rows = found[np.isin(found.video, videos)].with_videos(names)
        return _Part(rows, None if frames_V is None else frames_V[videos])


@dataclass
class _Part:
    """What is linked of some videos; the boxes of tubelets are made once."""

    found: Found
    frames_V: Array | None
    boxes: Detections | None = None


def tune(asked: Asked, request: Request, progress: Callable[[int, int], None]) -> tuple[StudyRecord, Path]:
    """Score as it is, search, and score what was found: the record, and the folder that it lies in.

    Raises ValueError for what cannot be read, linked, scored or tuned.
    """
    before = _scored(request, request.linking, tuned=False)
    key = relink.digest_path(request.scored.predictions)
    subject = Subject(f"{request.scored.predictions.stem}_{request.linker}", key, FilesSource(request))
    found = search(asked, subject, progress)
    results = {"before": before}
    if found.best:
        results["tuned"] = _scored(request, found.config, tuned=True)
    changes = tuple(settings.differences(request.linking, found.config))
    return found.record(request.title, ON_SCORED, changes, results), found.folder


def _scored(request: Request, linking: Linking, tuned: bool) -> Path:
    """The folder of the result of these settings."""
    scored = request.scored
    named = relink.pipeline(request.linker)
    changes = tuple(settings.differences(named, linking))
    mark = [f"tuned={ON_SCORED.replace(' ', '-')}"] if tuned else []
    with TemporaryDirectory(prefix="bench-tune-") as folder:
        out = Path(folder)
        relink.link(
            relink.Request(
                scored.predictions,
                request.linker,
                out,
                changes,
                scored.format,
                scored.box_offset,
                scored.told,
            )
        )
        linked = replace(
            scored, predictions=out / "detections.parquet", tubes=out / "tubes.parquet", format=None,
            box_offset=None, name=scored.name or scored.predictions.stem, tuned=ON_SCORED if tuned else "",
            variant=" ".join([request.linker, *mark, *changes]),
        )  # fmt: skip
        return rescore.score(linked)[1]
