"""Reading truth and predictions in any format, told by content or named. ``docs/formats.md`` shows each.

A format is a subclass of :class:`bench.interop.base.Format`, listed in :data:`FORMATS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.interop.act import Act
from bench.interop.ava_format import AvaCsv
from bench.interop.base import ALL, Content, Format, Look, Role, Table, Truth
from bench.interop.coco import Coco
from bench.interop.multisports import MultiSports
from bench.interop.own import OwnParquet
from bench.interop.rows import Notes, Reading, dropped, to_detections, to_tubes
from bench.interop.yowo import Yowo
from bench.names import choose, near
from bench.records import Detections, Tubes

FORMATS: dict[str, Format] = {
    found.name: found for found in (OwnParquet(), Act(), MultiSports(), Yowo(), Coco(), AvaCsv())
}
"""By name, in the order in which they are tried; the first that recognises a file reads it."""


@dataclass(frozen=True)
class Predictions:
    """What was read, over the videos of the truth.

    covered: those of them that were looked at; listed: whether the files say so, or only rows tell it.
    """

    detections: Detections | None
    tubes: Tubes | None
    covered: frozenset[str]
    listed: bool
    notes: Notes


@dataclass(frozen=True)
class Manner:
    """How predictions are read.

    format: its name, None to tell it by the content; box_shift: pixels added to the coordinates in place of
    the format's own shift; drops_empty_boxes: whether the protocol drops boxes with x2 <= x1 or y2 <= y1.
    """

    format: str | None = None
    box_shift: float | None = None
    drops_empty_boxes: bool = False


def read_truth(path: Path, split: str | None = None) -> Truth:
    """Ground truth in any format. Raises ValueError naming file and place of what is wrong."""
    found = told(path, "truth")
    with _named(path):
        truth = found.truth(path, split)
    classes = truth.annotation.classes
    twice = {name for name in classes if classes.count(name) > 1}
    if twice:
        raise ValueError(f"{path}: two classes are named {min(twice)!r}; rename one")
    notes = (f"truth {path.name} read as {found.title}: {found.shift}", *truth.notes)
    if split is not None and truth.split == ALL:
        notes += (f"--split {split} changes nothing: {path.name} has no splits",)
    if truth.annotation.videos.group == truth.annotation.videos.names:
        notes += ("source groups unknown: in intervals every video counts as a recording of its own",)
    return replace(truth, notes=notes)


def read_predictions(path: Path, tubes: Path | None, truth: Truth, manner: Manner) -> Predictions:
    """Predictions in any format, and tubes from another file if one is named.

    Where there are tubes alone, their boxes are the detections, and a note says so. Raises ValueError naming
    file and place of what is wrong.
    """
    found = _read(path, truth, manner)
    if tubes is not None:
        found = _with_tubes(found, tubes, _read(tubes, truth, manner))
    if found.tubes is not None and not truth.has_tubes:
        if tubes is not None:
            raise ValueError(f"{tubes}: tubes cannot be scored, the truth has boxes of single frames alone")
        found = replace(found, notes=(*found.notes, "tubes not scored: the truth has boxes of single frames"))
    if found.detections is None and found.tubes is not None:
        boxes = _boxes_of(found.tubes)
        found = replace(
            found, detections=boxes, notes=(*found.notes, "detections are the boxes of the tubes")
        )
    return found if truth.has_tubes else replace(found, tubes=None)


def _with_tubes(found: Predictions, path: Path, other: Predictions) -> Predictions:
    if other.tubes is None:
        raise ValueError(f"{path} holds no tubes; name a file of tubes, or leave --tubes out")
    if found.detections is None:
        raise ValueError("--predictions holds tubes alone, and --tubes names more; give detections there")
    covered = found.covered & other.covered if other.listed else found.covered
    notes = (*found.notes, *other.notes)
    return Predictions(found.detections, other.tubes, covered, found.listed, notes)


def _boxes_of(tubes: Tubes) -> Detections:
    score = tubes.score if tubes.frame_score is None else tubes.frame_score
    return Detections(tubes.videos, tubes.video, tubes.frame, np.arange(len(tubes)), tubes.boxes_N4,
                      tubes.label, score)  # fmt: skip


def _read(path: Path, truth: Truth, manner: Manner) -> Predictions:
    """The content of one file or folder."""
    found = told(path, "predictions", manner.format)
    with _named(path):
        return _of_content(path, found, truth, manner)


def _of_content(path: Path, found: Format, truth: Truth, manner: Manner) -> Predictions:
    content = found.content(path, truth)
    shift = found.shift if manner.box_shift is None else found.shift._replace(boxes=manner.box_shift)
    reading = Reading(truth, shift, manner.drops_empty_boxes)
    notes: Notes = (f"{path.name} read as {found.title}: {shift}", *content.notes)
    detections, tubes = content.detections, None
    if isinstance(detections, Table):
        detections, said = to_detections(detections, reading)
        notes += said
    elif detections is not None:
        detections = replace(detections, boxes_N4=detections.boxes_N4 + np.float32(shift.boxes))
        notes += dropped(detections.boxes_N4) if manner.drops_empty_boxes else ()
    if content.tubes is not None:
        tubes, said = to_tubes(content.tubes, reading)
        notes += said
    return Predictions(detections, tubes, _covered(path, content, truth), content.videos is not None, notes)


def _covered(path: Path, content: Content, truth: Truth) -> frozenset[str]:
    """The truth's videos that were looked at. Raises ValueError for a video that it does not know."""
    rows = content.tubes if content.detections is None else content.detections
    if content.videos is not None:
        looked_at = content.videos
    elif isinstance(rows, Table):
        looked_at = tuple(rows.videos[i] for i in np.unique(rows.video_N))
    else:
        looked_at = ()
    names = truth.annotation.videos.names
    strange = [name for name in looked_at if name not in {*names, *truth.others}]
    if strange:
        raise ValueError(f"{path}: the truth has no video {strange[0]!r}; {near(strange[0], names)}")
    return frozenset(looked_at) & frozenset(names)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors name the file or folder, also those of records that cannot be built from its values."""
    try:
        yield
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    except ValueError as error:
        if str(path) in str(error):
            raise
        raise ValueError(f"{path}: {error}") from error


def told(path: Path, role: Role, name: str | None = None) -> Format:
    """The format of that name, or that the content is in."""
    named = None if name is None else FORMATS[choose(name, FORMATS, "format")]
    with _named(path):
        look = Look.at(path)
    if named is not None:
        return named
    for found in FORMATS.values():
        if found.recognises(look, role):
            return found
    known = "; ".join(f"{found.name}: {found.files}" for found in FORMATS.values())
    raise ValueError(f"{path} is in no format that is known ({known}); name one with --format")
