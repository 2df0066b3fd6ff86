"""What the numbers of one run look like: its best and worst videos, as timelines and short clips.

Drawn at the end of every run, so they must be cheap: a few videos, clips of a few seconds.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench.protocol import Protocol, TubeRules
from bench.records import Array, GroundTruth, Tubes
from bench.results.result import read_matches
from bench.showing.scenes import Choice, Scene, Shown
from bench.video import Video
from bench.video.writing import write_video

PICTURES = "pictures"
EACH = 2
"""Videos of either kind that are drawn."""
CLIP = 32
"""Frames of a clip."""
TUBES = 2
"""Tubes that are shown of a video: so many best ones, and so many of its annotated classes."""


@dataclass(frozen=True)
class Drawn:
    """One video to draw. name: ``best-1``; ap: of its own tubes, percent."""

    name: str
    video: str
    ap: float


def draw_result(
    folder: Path, protocol: Protocol, truth: GroundTruth, tubes: Tubes | None, video: Callable[[str], Video]
) -> list[Path]:
    """Timelines of the best and worst videos of the result in ``folder``, and clips of the first of each.

    They lie in ``folder/pictures``, which holds nothing else. A method without tubes has none.
    """
    from reports.timeline import write_timeline

    out = folder / PICTURES
    shutil.rmtree(out, ignore_errors=True)
    if tubes is None or protocol.evaluator.tubes is None:
        return []
    rules: TubeRules = protocol.evaluator.tubes
    shown = Shown(truth.classes, tubes, truth, rules)
    written: list[Path] = []
    for drawn in chosen(ranked_videos(folder, protocol, truth)):
        scene = _scene(shown, drawn.video)
        title = (
            f"{drawn.name.partition('-')[0]}: {drawn.video}, video-AP@{threshold(protocol):g} {drawn.ap:.0f}"
        )
        written += write_timeline(scene, out, drawn.name, title)
        if drawn.name.endswith("-1"):
            written.append(_clip(out / f"{drawn.name}.mp4", scene, video(drawn.video)))
    return written


def _scene(shown: Shown, video: str) -> Scene:
    """Its best tubes and, though there are better ones of other classes, those of its annotated classes."""
    best = shown.scene(video, Choice(top=TUBES))
    own = shown.scene(video, Choice(top=TUBES, classes=sorted({track.name for track in best.truth})))
    both = {(track.name, track.span, track.score): track for track in (*best.tubes, *own.tubes)}
    return replace(best, tubes=tuple(sorted(both.values(), key=lambda track: -(track.score or 0.0))))


def threshold(protocol: Protocol) -> float:
    """The tube IoU that the protocol ranks by, 0.5 where it ranks by frames."""
    level, _, value = protocol.ranking_metric.partition("/")
    return float(value) if level == "video_map" and "-" not in value else 0.5


def chosen(ranked: Sequence[tuple[str, float]]) -> list[Drawn]:
    """The best and the worst of (video, AP), best first; none is both."""
    numbers = range(1, min(EACH, len(ranked) // 2) + 1)
    best = [Drawn(f"best-{n}", *ranked[n - 1]) for n in numbers]
    return best + [Drawn(f"worst-{n}", *ranked[-n]) for n in numbers]


def ranked_videos(folder: Path, protocol: Protocol, truth: GroundTruth) -> list[tuple[str, float]]:
    """Every annotated video with the AP of its own tubes in percent, best first; of equal ones the surer.

    Mean over the classes annotated in the video of the precision at each of its true positives, from the
    stored matches at the protocol's tube IoU: cheap, and the same order as scoring each video alone.
    """
    matches, _ = read_matches(folder, "tube")
    rows = matches[matches["threshold"] == threshold(protocol)]
    names = truth.videos.names
    video_N = pd.Categorical(rows["video"].astype(str), names).codes.astype(np.int64)
    label_N, hit_N = rows["label"].to_numpy(np.int64), rows["true_positive"].to_numpy(bool)
    score_N = rows["score"].to_numpy()
    truths_VC = np.zeros((len(names), len(truth.classes)), np.int64)
    np.add.at(truths_VC, (truth.tubes.video, truth.tubes.label), 1)
    ap_V = _mean_precisions(video_N, label_N, score_N, hit_N, truths_VC)
    best_V = np.full(len(names), -np.inf)
    np.maximum.at(best_V, video_N, score_N)
    order = sorted(np.flatnonzero(truths_VC.any(axis=1)), key=lambda v: (-ap_V[v], -best_V[v], names[v]))
    return [(names[v], float(ap_V[v])) for v in order]


def _mean_precisions(video_N: Array, label_N: Array, score_N: Array, hit_N: Array, truths_VC: Array) -> Array:
    """AP_V in percent."""
    order = np.lexsort((-score_N, label_N, video_N))
    cell_N = (video_N * truths_VC.shape[1] + label_N)[order]
    hit_N = hit_N[order]
    first_N = np.searchsorted(cell_N, cell_N)
    found_N = np.cumsum(hit_N)
    before_N = (found_N - hit_N)[first_N] if len(first_N) else found_N
    precision_N = np.where(hit_N, (found_N - before_N) / (np.arange(len(cell_N)) - first_N + 1), 0.0)
    sums_VC = np.zeros(truths_VC.size)
    np.add.at(sums_VC, cell_N, precision_N)
    ap_VC = sums_VC.reshape(truths_VC.shape) / np.maximum(1, truths_VC)
    return 100 * ap_VC.sum(axis=1) / np.maximum(1, (truths_VC > 0).sum(axis=1))


def _clip(path: Path, scene: Scene, video: Video) -> Path:
    """The seconds around the first annotated tube."""
    from reports.drawing import drawn

    starts = [track.span[0] for track in scene.truth]
    begin = max(0, min(min(starts, default=0) - CLIP // 4, scene.frames - CLIP))
    frames = video.reader()[begin : begin + CLIP]
    write_video(path, drawn(scene, frames, (video.width, video.height), begin), scene.fps or 25.0)
    return path
