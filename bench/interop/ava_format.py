"""AVA's CSV files as a format like the others; :mod:`bench.interop.ava` reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.interop import ava
from bench.interop.base import Content, Format, Look, Role, Truth


class AvaCsv(Format):
    """Rows of comma-separated values. Times are numbered in milliseconds, frames are 1000 x 1000 pixels."""

    name = "ava"
    title = "CSV of AVA"
    files: ClassVar[str] = "a *.csv of video, timestamp, x1, y1, x2, y2, action, score; truth without score"

    def recognises(self, look: Look, role: Role) -> bool:
        line = (look.text or "").partition("\n")[0]
        separators = max(line.count(","), line.count("\t"))
        return not look.is_folder and separators in (1, *range(6, 12))

    def truth(self, path: Path, split: str | None) -> Truth:
        """With the excluded timestamps of the official name beside it, if that file is there."""
        excluded = path.with_name(re.sub(r"_(v[\d.]+\.csv)$", r"_excluded_timestamps_\1", path.name))
        there = excluded != path and excluded.is_file()
        _check_text(path)
        annotation = ava.read_truth(path, excluded=excluded if there else None)
        notes = (
            f"excluded timestamps: {excluded.name if there else 'none'}",
            "video-mAP does not apply: this truth has boxes of single frames",
        )
        return Truth(annotation, has_tubes=False, lengths_known=False, notes=notes)

    def content(self, path: Path, truth: Truth) -> Content:
        table = truth.annotation.videos
        _check_text(path)
        if truth.read_timed is not None:
            everything = truth.read_timed(path)
            scored_V = np.array([name in set(table.names) for name in everything.videos], bool)
            found = everything[scored_V[everything.video]].with_videos(table.names)
        elif (table.fps == ava.MILLISECONDS).all():
            found = ava.read_detections(path, truth.annotation)
        else:
            raise ValueError(
                f"{path} has timestamps, the truth frames; give AVA's CSV as --truth or AVA as --dataset"
            )
        return Content(found, None, tuple(table.names[i] for i in np.unique(found.video)))


def _check_text(path: Path) -> None:
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text ({error}); write it again") from error
