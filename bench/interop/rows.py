"""From rows as a file has them to the suite's records: shifts applied, every value checked.

Nothing is repaired in silence: what cannot be scored is refused with the place where it stands and the mend.
Counted instead, and reported, are rows of videos that the source of the truth knows but the split does not
score; empty boxes where the protocol drops them; and inverted boxes in tubelets and tubes, which regression
and interpolation leave now and then: such a box overlaps nothing, and evaluators score the others with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.interop import checks
from bench.interop.base import Shift, Table, Truth
from bench.records import Array, Detections, GroundTruth, TruthBoxes, TruthTubes, Tubes, VideoTable

Notes = tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """How predictions are read: against which truth, with which shift.

    drops_empty_boxes: whether the protocol drops boxes with x2 <= x1 or y2 <= y1; others refuse x2 < x1.
    """

    truth: Truth
    shift: Shift
    drops_empty_boxes: bool = False


def to_detections(table: Table, reading: Reading) -> tuple[Detections, Notes]:
    """Detections over the videos of the truth, and notes. Raises ValueError naming the first bad row."""
    table, notes = _conform(table, reading, reading.drops_empty_boxes or table.of_tubelets)
    if reading.drops_empty_boxes:
        notes += dropped(table.boxes_N4)
    elif table.of_tubelets:
        notes += _inverted(table)
    found = Detections(table.videos, table.video_N, table.frame_N, np.arange(len(table)), table.boxes_N4,
                       table.label_N, table.scores)  # fmt: skip
    return found, notes


def dropped(boxes_N4: Array) -> Notes:
    """What is said of boxes that a protocol drops because they are empty."""
    empty = np.count_nonzero((boxes_N4[:, 2:] <= boxes_N4[:, :2]).any(axis=1))
    return (f"{empty:,} boxes have x2 <= x1 or y2 <= y1; the protocol drops them",) if empty else ()


def to_tubes(table: Table, reading: Reading) -> tuple[Tubes, Notes]:
    """Tubes over the videos of the truth, in the order in which they begin in the file, and notes.

    Raises ValueError naming the first bad row: also of several labels or scores, or a frame given twice.
    """
    table, notes = _conform(table, reading, inverted=True)
    notes += _inverted(table)
    order, key_N = _by_tube(table)
    table = table.take(order)
    _one_value(table, key_N, table.label_N, "label")
    _one_value(table, key_N, table.scores, "score")
    found = Tubes(table.videos, table.video_N, key_N, table.label_N, table.scores, table.frame_N,
                  table.boxes_N4, table.frame_score_N)  # fmt: skip
    return found, notes


def to_truth(
    table: Table, videos: VideoTable, classes: Sequence[str], shift: Shift, difficult_N: Array | None = None
) -> GroundTruth:
    """Annotation of ``videos``, among which are all that the table names. Tubes span first to last box.

    Raises ValueError naming the first bad row. Boxes past the end of their video stay: they count.
    """
    position = {name: i for i, name in enumerate(videos.names)}
    table = replace(
        table,
        videos=videos.names,
        video_N=np.array([position[name] for name in table.videos], np.int32)[table.video_N],
        frame_N=checks.frames(table, shift.frames),
        label_N=checks.labels(table, classes, -shift.labels),
        boxes_N4=checks.boxes(table, shift.boxes),
    )
    order, key_N = _by_tube(table)
    table = table.take(order)
    difficult_N = np.zeros(len(table), bool) if difficult_N is None else difficult_N[order]
    _one_value(table, key_N, table.label_N, "label")
    head = np.flatnonzero(np.append(True, np.diff(key_N) != 0)[: len(key_N)])
    tail = np.append(head[1:], len(key_N))[: len(head)] - 1
    tubes = TruthTubes(videos.names, table.video_N[head], key_N[head], table.label_N[head],
                       table.frame_N[head], table.frame_N[tail] + 1, difficult_N[head])  # fmt: skip
    boxes = TruthBoxes(videos.names, table.video_N, key_N, table.frame_N, table.boxes_N4)
    return GroundTruth(tuple(classes), videos, tubes, boxes)


def _conform(table: Table, reading: Reading, inverted: bool) -> tuple[Table, Notes]:
    """The rows with every value checked and shifted, over the videos of the truth; notes."""
    truth, shift = reading.truth, reading.shift
    inner_N = table.frame_score_N
    checked = replace(
        table,
        frame_N=checks.frames(table, shift.frames),
        label_N=checks.labels(table, truth.annotation.classes, -shift.labels),
        boxes_N4=checks.boxes(table, shift.boxes, inverted),
        score_N=checks.scores(table, table.scores),
        frame_score_N=None if inner_N is None else checks.scores(table, inner_N, "frame score"),
    )
    checked, left_out = checks.on_videos(checked, truth)
    if truth.lengths_known:
        checks.within_videos(checked, truth.annotation, shift.frames)
    said = f"{left_out:,} {table.places.plural} of videos outside split {truth.split} were left out"
    return checked, (said,) if left_out else ()


def _inverted(table: Table) -> Notes:
    count = np.count_nonzero((table.boxes_N4[:, 2:] < table.boxes_N4[:, :2]).any(axis=1))
    what = "tubelets" if table.of_tubelets else "tubes"
    said = f"{count:,} boxes of {what} are inverted (x2 < x1 or y2 < y1); they overlap nothing"
    return (said,) if count else ()


def _by_tube(table: Table) -> tuple[Array, Array]:
    """Rows by tube, in order of first appearance, then frame; and the number of each one's tube.

    Raises ValueError for a frame that one tube has twice.
    """
    if table.tube_N is None:
        raise ValueError(f"{table.places.files[0]}: these are boxes of single frames, not tubes")
    tubes = pd.DataFrame({"video": table.video_N, "tube": checks.whole(table.places, table.tube_N, "tube")})
    key_N = tubes.groupby(["video", "tube"], sort=False).ngroup().to_numpy()
    order = np.lexsort((table.frame_N, key_N))
    key_N, frame_N = key_N[order], table.frame_N[order]
    twice = np.append(False, (np.diff(key_N) == 0) & (np.diff(frame_N) == 0))[: len(key_N)]
    tube = checks.first(table.tube_N[order], twice)
    said = f"tube {tube} has a second box in this frame; a tube has one box a frame"
    checks.fail(table.take(order).places, twice, said)
    return order, key_N


def _one_value(table: Table, key_N: Array, values: Array, name: str) -> None:
    """Raise ValueError unless all rows of a tube have one value."""
    mixed = np.append(False, (np.diff(key_N) == 0) & (np.diff(values) != 0))[: len(key_N)]
    said = f"{name} {checks.first(values, mixed)} differs from that of the rows before; a tube has one {name}"
    checks.fail(table.places, mixed, said)
