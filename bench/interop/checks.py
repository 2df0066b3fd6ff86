"""The values of a :class:`bench.interop.base.Table`, shifted and checked; the first bad row is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bench.interop.base import Places, Table, Truth
from bench.names import near
from bench.records import Array, GroundTruth

MOST = 2**31 - 2
"""Largest number of a label or tube."""
MOST_FRAMES = 20_000_000
"""Of one video: a week at 30 a second. Higher numbers are damage, and would take memory by the frame."""


def fail(places: Places, bad_N: Array, said: str) -> None:
    """Raise ValueError that names the first bad row and says how many there are; nothing if none is bad."""
    if bad_N.any():
        row, count = int(np.argmax(bad_N)), int(np.count_nonzero(bad_N))
        others = f" ({count:,} such {places.plural})" if count > 1 else ""
        raise ValueError(f"{places(row)}: {said}{others}")


def first(values: Array, bad_N: Array) -> object:
    """The first bad value, for a message; nothing where none is bad."""
    return values[int(np.argmax(bad_N))].tolist() if bad_N.any() else ""


def whole(places: Places, values: Array, name: str) -> Array:
    """As int64. Raises ValueError for fractions, NaN and numbers beyond :data:`MOST`."""
    wide = values.astype(np.float64)
    wild = np.asarray(~(np.abs(wide) <= MOST) | (wide != np.rint(wide)))
    fail(places, wild, f"{name} {first(values, wild)} is no whole number that a {name} can have")
    return values.astype(np.int64)


def frames(table: Table, shift: int) -> Array:
    """0-based frames. Raises ValueError for one before the first, or beyond :data:`MOST_FRAMES`."""
    frame_N = whole(table.places, table.frame_N, "frame") + shift
    low, high = frame_N < 0, frame_N >= MOST_FRAMES
    said = f"frame {first(frame_N - shift, low)} is before the first, which is {-shift} in this format"
    fail(table.places, low, said)
    fail(table.places, high, f"frame {first(frame_N - shift, high)} is no number that a frame can have")
    return frame_N


def labels(table: Table, classes: Sequence[str], start: int = 0) -> Array:
    """0-based labels. Raises ValueError for one that no class has. ``start``: the format's first label."""
    label_N = whole(table.places, table.label_N, "label") - start
    wild = (label_N < 0) | (label_N >= min(len(classes), 2**15 - 1))
    known = (
        f"{start} ({classes[0]}) to {len(classes) - 1 + start} ({classes[-1]})" if len(classes) else "none"
    )
    fail(
        table.places,
        wild,
        f"label {first(label_N + start, wild)} is unknown; in this format there are {known}",
    )
    return label_N


def scores(table: Table, values: Array, name: str = "score") -> Array:
    """Float32. Raises ValueError for values that are not finite."""
    with np.errstate(over="ignore"):
        score_N = values.astype(np.float32)
    bad = ~np.isfinite(score_N)
    fail(table.places, bad, f"{name} {first(values, bad)} is not a finite number; mend or drop such boxes")
    return score_N


def boxes(table: Table, shift: float, inverted: bool = False) -> Array:
    """Float32 [N, 4]. Raises ValueError for values that are not finite and, unless ``inverted``, x2 < x1."""
    with np.errstate(over="ignore"):
        boxes_N4 = table.boxes_N4.astype(np.float32) + np.float32(shift)
    bad: Array = ~np.isfinite(boxes_N4).all(axis=1)
    said = f"box {first(table.boxes_N4, bad)} is not of finite numbers; mend or drop such boxes"
    fail(table.places, bad, said)
    if not inverted:
        bad = np.any(boxes_N4[:, 2:] < boxes_N4[:, :2], axis=1)
        said = f"box {first(boxes_N4, bad)} is inverted (x2 < x1 or y2 < y1); mend or drop such boxes"
        fail(table.places, bad, said)
    return boxes_N4


def on_videos(table: Table, truth: Truth) -> tuple[Table, int]:
    """The rows over the truth's videos, and how many rows lie in videos of other splits: those are left out.

    Raises ValueError for a video that the source of the truth does not know, naming near ones.
    """
    names = truth.annotation.videos.names
    position = {name: i for i, name in enumerate(names)}
    lookup = np.array([position.get(name, -1) for name in table.videos], np.int32)
    strange = [i for i in np.unique(table.video_N) if lookup[i] < 0 and table.videos[i] not in truth.others]
    if strange:
        row, name = int(np.argmax(table.video_N == strange[0])), table.videos[strange[0]]
        more = f" and {len(strange) - 1} more that predictions name" if len(strange) > 1 else ""
        raise ValueError(f"{table.places(row)}: the truth has no video {name!r}{more}; {near(name, names)}")
    table = replace(table, videos=names, video_N=lookup[table.video_N])
    inside = table.video_N >= 0
    left_out = len(table) - int(np.count_nonzero(inside))
    return (table.take(np.flatnonzero(inside)) if left_out else table), left_out


def within_videos(table: Table, annotation: GroundTruth, shift: int) -> None:
    """Raise ValueError for a frame past both the end of its video and its last annotated box."""
    length_V = annotation.videos.frames.astype(np.int64)
    np.maximum.at(length_V, annotation.boxes.video, annotation.boxes.frame + 1)
    over = table.frame_N >= length_V[table.video_N]
    if over.any():
        row = int(np.argmax(over))
        name, length = table.videos[table.video_N[row]], length_V[table.video_N[row]]
        said = (
            f"frame {table.frame_N[row] - shift} is past the end of {name}, whose {length} frames are "
            f"{-shift} to {length - 1 - shift} in this format; mend the numbering or drop such boxes"
        )
        fail(table.places, over, said)
