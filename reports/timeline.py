"""When the tubes of a video are, and how sure of it the method is: a row a tube, annotation below.

After figure 3 of Chéron et al. 2018 (RecLNet): the score over time above the span that was decided, and the
annotated spans.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.files.store import write_atomic
from bench.records import Array
from bench.showing.scenes import Scene, Track
from reports.drawing import colour
from reports.figures import GRID, QUIET, STYLE
from reports.tables import EMPTY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BAND, TRUTH = "#e6eaef", "#3f4a56"
THIN = 0.45
"""Height of a row of annotation, of a tube's row."""
BAR = 0.14
"""Height of the bar of a span, likewise."""
CURVE = (0.2, 0.9)
"""Where in its row a score of 0 and the highest score lie."""


def write_timeline(scene: Scene, folder: Path, name: str, title: str) -> list[Path]:
    """The picture as ``name.png`` and ``name.svg``; the same scene gives the same bytes."""
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = _figure(scene, title)
        return [_saved(figure, folder / f"{name}.{kind}") for kind in ("png", "svg")]


def _saved(figure: Figure, path: Path) -> Path:
    facts = {"Date": None, "Creator": None} if path.suffix == ".svg" else {"Software": None}

    def save(temporary: Path) -> None:
        figure.savefig(temporary, dpi=160, metadata=facts, bbox_inches="tight", pad_inches=0.12)

    write_atomic(path, save)
    return path


def _figure(scene: Scene, title: str) -> Figure:
    from matplotlib.figure import Figure

    low = -THIN * len(scene.truth)
    figure = Figure(figsize=(8.6, 0.6 * (len(scene.tubes) - low) + 0.2))
    axes = figure.subplots()
    top = _ceiling(scene.tubes)
    for place, track in enumerate(scene.tubes):
        _tube(axes, scene, place, top)
        _beside(axes, len(scene.tubes) - place - 0.5, track, bool(scene.truth))
    for place, track in enumerate(scene.truth):
        y = -THIN * (place + 0.5)
        axes.broken_barh([_bar(track)], (y - BAR, 2 * BAR), color=TRUTH, linewidth=0)
    _frame(axes, scene, low, title)
    if scene.tubes:
        axes.axhline(0, color=QUIET, linewidth=0.8)
        fps = f", {scene.fps:g} a second" if scene.fps else ""
        grey = "; grey: where its class is annotated" * bool(scene.truth)
        axes.set_xlabel(f"frame{fps} · curves: scores of boxes, 0 to {top:g}{grey}")
    return figure


def _ceiling(tubes: Sequence[Track]) -> float:
    """The highest score of a box or tube, rounded up to 1, 2 or 5 times a power of ten."""
    scores = [np.max(track.score_T) for track in tubes if track.score_T is not None]
    top = float(max([*scores, *(track.score or 0.0 for track in tubes)], default=1.0))
    if top <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(top))
    return next(step * power for step in (1, 2, 5, 10) if top <= step * power * (1 + 1e-6))


def _bar(track: Track) -> tuple[float, float]:
    """Begin and length of a span; frame t is drawn from t - 1/2 to t + 1/2."""
    return track.span[0] - 0.5, track.span[1] - track.span[0]


def _tube(axes: Axes, scene: Scene, place: int, top: float) -> None:
    """A tube's row: its span as a bar, its scores above, and where its class is annotated behind it."""
    track, base = scene.tubes[place], len(scene.tubes) - place - 1
    spans = [_bar(other) for other in scene.truth if other.name == track.name]
    axes.broken_barh(spans, (base + 0.03, 0.94), color=BAND, linewidth=0, zorder=0)
    axes.broken_barh([_bar(track)], (base + 0.05, BAR), color=colour(place), linewidth=0)
    if track.score_T is not None:
        low, high = (base + height for height in CURVE)
        axes.axhline(high, color=GRID, linewidth=0.8, zorder=0)
        x, y = _with_gaps(track.frame_T, low + (high - low) * np.clip(track.score_T / top, 0, 1))
        axes.fill_between(x, low, y, color=colour(place), alpha=0.18, linewidth=0)
        axes.plot(x, y, color=colour(place), linewidth=1.4, solid_joinstyle="round")


def _with_gaps(frame_T: Array, value_T: Array) -> tuple[Array, Array]:
    """The curve, with a NaN where frames are left out, so that it is broken there."""
    breaks = np.flatnonzero(np.diff(frame_T) > 1) + 1
    return np.insert(frame_T.astype(float), breaks, np.nan), np.insert(value_T, breaks, np.nan)


def _beside(axes: Axes, y: float, track: Track, annotated: bool) -> None:
    """Score and overlap, in columns right of the picture."""
    for x, value in [(1.07, track.score), *[(1.15, track.overlap)] * annotated]:
        text = EMPTY if value is None else f"{value:.2f}"
        axes.annotate(text, (x, y), xycoords=("axes fraction", "data"), ha="right", va="center")


def _frame(axes: Axes, scene: Scene, low: float, title: str) -> None:
    """Names of the rows at the left, frames below, the title above."""
    rows = len(scene.tubes)
    places = [rows - place - 0.5 for place in range(rows)]
    places += [-THIN * (place + 0.5) for place in range(len(scene.truth))]
    names = [f"{place}  {track.name}" for place, track in enumerate(scene.tubes, 1)]
    axes.set_yticks(places, [*names, *(f"annotated  {track.name}" for track in scene.truth)])
    for label, place in zip(axes.get_yticklabels(), range(rows)):
        label.set(color=colour(place), fontweight="bold")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set(xlim=(-0.5, max(scene.frames, 1) - 0.5), ylim=(low - 0.05, max(rows, 0) + 0.05), xlabel="frame")
    axes.set_title(title, loc="left", fontsize=11, pad=22 if rows else 10)
    heads = [(1.07, "score")] * bool(rows) + [(1.15, "IoU")] * bool(rows and scene.truth)
    for x, head in heads:
        axes.annotate(head, (x, 1.02), xycoords="axes fraction", ha="right", va="bottom", color=QUIET)
