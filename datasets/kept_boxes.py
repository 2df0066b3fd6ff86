"""Boxes that were tracked in one video after another, kept until those of all videos are there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.files.decode import decode
from bench.files.parquet import read_header, read_rows, write_rows
from bench.files.store import plain
from bench.files.tables import digest_ground_truth
from bench.flow.origin import Origin
from bench.records import GroundTruth, TruthBoxes
from bench.video import Video

log = logging.getLogger("bench")


@dataclass(frozen=True)
class _MadeOf:
    """annotation: digest of the annotation of the video alone."""

    annotation: str
    video: Origin


@dataclass(frozen=True)
class KeptBoxes:
    """A file a video below ``folder``, whole or absent, used for what it was made from and nothing else."""

    folder: Path

    def of(self, truth: GroundTruth, video: Video, find: Callable[[], TruthBoxes]) -> TruthBoxes:
        """The boxes of a video as they are kept, or as ``find`` finds them, which are kept then.

        truth: the annotation of that video alone.
        """
        path, annotation = self.folder / f"{video.name}.parquet", digest_ground_truth(truth)
        kept = _read(path, annotation, video.path) if path.is_file() else None
        if kept is not None:
            return kept
        made_of = _MadeOf(annotation, Origin.of(video.path))
        found = find()
        write_rows(path, found, plain(made_of))
        return found


def _read(path: Path, annotation: str, video: Path) -> TruthBoxes | None:
    """None where the file is damaged, or of another annotation or video: the boxes are found again."""
    try:
        made_of: _MadeOf = decode(_MadeOf, read_header(path).facts, f"{path}:")
        is_of_these = made_of.annotation == annotation and made_of.video.fits(video)
        return read_rows(path, TruthBoxes) if is_of_these else None
    except ValueError as error:
        log.warning("%s is of no use (%s); its video is tracked again", path, error)
        return None
