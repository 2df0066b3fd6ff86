"""Is a dataset whole: its annotation against what is published, and every video against its annotation.

What is known to be odd in the published data is said by the datasets themselves: ``published_counts``,
``real_frames`` and ``quirks``. Whatever else is found is wrong.
"""

from __future__ import annotations

from pathlib import Path

from datasets.base import Dataset
from datasets.checks.annotation import check_annotation
from datasets.checks.rows import Part, Report, Row
from datasets.checks.videos import Progress, check_videos

__all__ = ["Part", "Report", "Row", "check"]


def check(
    dataset: Dataset,
    known: Path | None,
    workers: int = 2,
    progress: Progress = lambda done, total: None,
) -> Report:
    """Check the annotation and, where ``known`` is given, every video, ``workers`` side by side.

    ``known``: folder where what is found of video files is kept. Raises DataError where the annotation cannot
    be read at all.
    """
    parts = [check_annotation(dataset)]
    if known is not None:
        parts.append(check_videos(dataset, known, workers, progress))
    return Report(dataset.id, dataset.title, str(dataset.root), tuple(parts), dataset.quirks())
