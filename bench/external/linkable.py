"""What can be linked, read from files: detections or tubelets, in any supported format.

Linking reads more than scoring does: the streams, tubelets, tracks and actionness of Parquet files, and ACT's
and MOC's tubelets as they are, not taken apart into boxes of frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.files.parquet import load, rows_of
from bench.files.tables import read_parts, read_tubelets
from bench.interop.act import check_complete, too_short
from bench.interop.act_files import ActFolder
from bench.interop.act_files import Tubelets as RawTubelets
from bench.interop.act_files import read_tubelets as read_act_tubelets
from bench.interop.base import Places, Shift, Table, Truth
from bench.interop.formats import FORMATS, Manner, read_predictions, told
from bench.interop.rows import Notes, Reading, to_detections
from bench.metrics.matching import ramp
from bench.records import Array, Detections, GroundTruth, TruthBoxes, TruthTubes, Tubelets, VideoTable
from bench.tubes.base import Found
from bench.tubes.tubelets import frame_detections

OWN = "parquet"


@dataclass(frozen=True)
class Linkable:
    """Detections or tubelets over the videos that were looked at.

    frames_V: the number of frames of each video, None where nobody says; classes: names by label,
    empty where nobody names them.
    """

    found: Found
    frames_V: Array | None
    classes: tuple[str, ...]
    notes: Notes


def read_linkable(path: Path, truth: Truth | None, manner: Manner, tubelets: bool) -> Linkable:
    """What a file or folder holds. ``tubelets``: whether those are wanted; else their boxes are taken.

    Raises ValueError naming the place of what is wrong, and where a format needs a truth and there is none.
    """
    name = told(path, "predictions", manner.format).name
    shift = FORMATS[name].shift
    if manner.box_shift is not None:
        shift = shift._replace(boxes=manner.box_shift)
    if name == OWN:
        return _own(path, truth, shift, tubelets)
    if truth is None:
        raise ValueError(
            f"{path} is {FORMATS[name].title}, which names no classes and says not how long videos are; "
            "name the truth with --truth, or a dataset with --dataset"
        )
    if tubelets and name == "act":
        return _act(path, Reading(truth, shift))
    read = read_predictions(path, None, truth, manner)
    if read.detections is None:
        raise ValueError(f"{path} holds no detections to link")
    return _linkable(read.detections, read.covered, truth, read.notes)


def _own(path: Path, truth: Truth | None, shift: Shift, wanted: bool) -> Linkable:
    """Our Parquet, or somebody's like it; without a truth, of the videos and classes that it names."""
    rows, facts = _read_own(path)
    known = truth or implied_truth(rows.videos, int(rows.label.max(initial=0)) + 1, facts)
    reading, places = Reading(known, shift), Places((path,))
    found: Found
    if isinstance(rows, Detections):
        found, notes = _checked_boxes(rows, places, reading)
    else:
        raw = RawTubelets(
            rows.videos, rows.video, rows.start, rows.label, rows.score, rows.boxes_NK4, False, places
        )
        found, notes = _checked(raw, reading)
        if not wanted:
            found = frame_detections(found)
            notes += ("detections are the boxes of tubelets, after NMS as ACT makes them",)
    named = known.annotation.classes if truth or facts.get("classes") else ()
    return replace(_linkable(found, frozenset(rows.videos), known, notes), classes=named)


def _checked_boxes(rows: Detections, places: Places, reading: Reading) -> tuple[Detections, Notes]:
    """Detections shifted and checked, over the videos of the truth, with all their columns."""
    table = Table(rows.videos, rows.video, rows.frame, rows.label, rows.boxes_N4, places, rows.score,
                  of_tubelets=rows.tubelet is not None)  # fmt: skip
    checked, notes = to_detections(table, reading)
    inside = np.isin(rows.videos, checked.videos)[rows.video]
    return replace(rows[inside].with_videos(checked.videos), boxes_N4=checked.boxes_N4), notes


def _read_own(path: Path) -> tuple[Detections | Tubelets, dict[str, Any]]:
    """All columns of a file, or of a folder of detections or parts, and its facts. ``box`` may be missing."""
    file = path / "detections.parquet" if path.is_dir() else path
    if path.is_dir() and not file.is_file():
        rows = read_parts(path)
        if not rows.videos:
            raise ValueError(f"{path} has neither detections.parquet nor parts part-00000.parquet ...")
        return rows, {}
    table, header = load(file)
    if header.kind == "tubelets":
        return read_tubelets(file), header.facts
    if header.kind == "tubes" or "tube" in table.column_names:
        raise ValueError(f"{file} holds tubes, which are linked already; name the detections")
    if "box" not in table.column_names:
        table = table.append_column("box", pa.array(np.arange(table.num_rows, dtype=np.int32)))
    return rows_of(file, table, header, Detections), header.facts


def implied_truth(names: Sequence[str], labels: int, facts: Mapping[str, Any]) -> Truth:
    """What a file says of its videos and classes itself, as a truth without annotation.

    labels: how many there are at least; facts: of the file's header.
    """
    classes = facts.get("classes") or [f"label {label}" for label in range(labels)]
    lengths, unknown = facts.get("frames"), np.zeros(len(names))
    frames = unknown if lengths is None else np.array([lengths[name] for name in names])
    videos = VideoTable(tuple(names), frames, unknown, unknown, unknown, tuple(names))
    annotation = GroundTruth(tuple(classes), videos, TruthTubes.empty(names), TruthBoxes.empty(names))
    return Truth(annotation, lengths_known=lengths is not None)


def _act(path: Path, reading: Reading) -> Linkable:
    """The tubelets in a folder of ACT's or MOC's pickles."""
    folder, truth = ActFolder.of(path), reading.truth
    if not folder.tubelets:
        raise ValueError(f"{path} holds linked tubes alone; name the folder of tubelets")
    read = read_act_tubelets(folder)
    if truth.lengths_known:
        check_complete(folder, read.length, truth)
    found, notes = _checked(read, reading)
    covered = frozenset((*folder.tubelets, *too_short(truth, read.length)))
    said = f"{path.name} read as tubelets of {read.length} frames: {reading.shift}"
    return _linkable(found, covered, truth, (said, *notes))


def _checked(raw: RawTubelets, reading: Reading) -> tuple[Tubelets, Notes]:
    """Tubelets shifted and checked as the boxes that they are made of."""
    count, length = raw.boxes_MK4.shape[:2]
    tubelet = np.repeat(np.arange(count), length)
    table = Table(
        raw.videos, raw.video_M[tubelet], raw.start_M[tubelet] + ramp(np.full(count, length)),
        raw.label_M[tubelet], raw.boxes_MK4.reshape(-1, 4), raw.places.take(tubelet), raw.score_M[tubelet],
        of_tubelets=True,
    )  # fmt: skip
    rows, notes = to_detections(table, reading)
    head, boxes_NK4 = rows[::length], rows.boxes_N4.reshape(-1, length, 4)
    return Tubelets(rows.videos, head.video, head.frame, boxes_NK4, head.label, head.score), notes


def _linkable(found: Found, looked_at: frozenset[str], truth: Truth, notes: Notes) -> Linkable:
    """Over those videos of the truth that were looked at."""
    table = truth.annotation.videos
    covered = np.flatnonzero(np.isin(table.names, list(looked_at)))
    frames_V = table.frames[covered] if truth.lengths_known else None
    names = [table.names[i] for i in covered]
    return Linkable(found.with_videos(names), frames_V, truth.annotation.classes, notes)
