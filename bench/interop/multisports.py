"""MultiSports' two pickles of detections, and ``*-GT.pkl`` ground truth; ACT and MOC write the first too.

``frame_detections.pkl``    rows [video, frame, label, score, x1, y1, x2, y2], as one array or a list of rows.
                            A video is its 0-based place in the test list of the ground-truth pickle
``video_detections.pkl``    label -> list of (video's name, score, rows [frame, x1, y1, x2, y2, score])

Frames are 1-based, labels 0-based, boxes 0-based pixels; nothing is added to them
(``evaluate_multisports.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.files.pickles import load_plain
from bench.interop import checks
from bench.interop.act import read_gt
from bench.interop.base import Content, Format, Look, Places, Role, Shift, Table, Truth
from bench.interop.pickled import is_pickle, numeric, read_tube, tube_table
from bench.records import Array


class MultiSports(Format):
    """Single pickles."""

    name = "multisports"
    title = "pickles of MultiSports"
    files: ClassVar[str] = "frame_detections.pkl, video_detections.pkl; truth: *_GT.pkl"
    shift = Shift(frames=-1)

    def recognises(self, look: Look, role: Role) -> bool:
        return is_pickle(look)

    def truth(self, path: Path, split: str | None) -> Truth:
        return read_gt(path, split)

    def content(self, path: Path, truth: Truth) -> Content:
        content = load_plain(path)
        if isinstance(content, dict):
            return Content(None, _tubes(path, content))
        return Content(_boxes(path, content, truth), None)


def _boxes(path: Path, content: Any, truth: Truth) -> Table:
    rows_N8 = _rows(path, content)
    if not len(rows_N8):
        raise ValueError(f"{path} holds no detection; write it again")
    if not truth.numbered:
        raise ValueError(
            f"{path} numbers its videos by the test list of a *-GT.pkl; give that pickle as --truth"
        )
    names = truth.annotation.videos.names
    places = Places((path,))
    video_N = checks.whole(places, rows_N8[:, 0], "video")
    wild = (video_N < 0) | (video_N >= len(names))
    said = f"video {checks.first(video_N, wild)} is none of the {len(names)} of split {truth.split}"
    checks.fail(places, wild, said)
    used, code_N = np.unique(video_N, return_inverse=True)
    return Table(tuple(names[i] for i in used), code_N, rows_N8[:, 1], rows_N8[:, 2], rows_N8[:, 4:], places,
                 rows_N8[:, 3])  # fmt: skip


def _rows(path: Path, content: Any) -> Array:
    """One array of the content, [N, 8]."""
    if isinstance(content, np.ndarray):
        return numeric(content, (8,), str(path))
    if not isinstance(content, list) or not content:
        kind = "an empty list" if content == [] else type(content).__name__
        raise ValueError(f"{path} holds {kind}, not rows of 8 numbers or a dict of tubes")
    for i, row in enumerate(content):
        if not isinstance(row, np.ndarray) or row.shape != (8,) or row.dtype.kind not in "iuf":
            raise ValueError(f"{path}, row {i}: not an array of 8 numbers")
    return np.array(content)


def _tubes(path: Path, content: dict[Any, Any]) -> Table:
    if "gttubes" in content:
        raise ValueError(f"{path} is ground truth, not predictions; give it as --truth")
    found = []
    for label, listed in content.items():
        if type(listed) is not list:
            raise ValueError(
                f"{path}, label {label!r:.40}: {type(listed).__name__} instead of a list of tubes"
            )
        for number, tube in enumerate(listed):
            if type(tube) not in (list, tuple) or len(tube) != 3 or type(tube[0]) is not str:
                raise ValueError(
                    f"{path}, label {label!r:.40}, tube {number}: not a video's name, a score and rows"
                )
            found.append(read_tube((path, label, number), *tube))
    if not found:
        raise ValueError(f"{path} holds no tube; write it again")
    return tube_table(found)
