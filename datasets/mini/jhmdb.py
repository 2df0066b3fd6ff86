"""`jhmdb-mini`: 21 classes in the layout of J-HMDB, trimmed, one actor, three splits that never share a
source clip.

Video files are 128x96, annotations are inclusive pixel extents at 320x240 as in the real set: readers must
scale.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.mini.classes import JHMDB_MINI
from datasets.mini.folder import Edition, whole_folder
from datasets.mini.render import (
    ANNOTATED,
    Job,
    Progress,
    Rendered,
    describe,
    render_all,
    render_video,
    total_digest,
)
from datasets.mini.scene import Setting

NAME = "jhmdb-mini"
VERSION = 1
SPLITS = 3


@dataclass(frozen=True)
class Size:
    """Source clips a class, a multiple of 3 (split k tests a third of them), videos of each, fewest and
    most frames; `draws` names the random draws."""

    sources: int
    videos: int
    frames: tuple[int, int]
    draws: str


SIZES = {
    "micro": Size(sources=3, videos=1, frames=(15, 20), draws="micro"),
    "small": Size(sources=6, videos=3, frames=(15, 40), draws="small"),
    "medium": Size(sources=9, videos=3, frames=(15, 40), draws="medium"),
    "full": Size(sources=9, videos=5, frames=(15, 40), draws="large"),
}
"""`full` has 945 videos; J-HMDB has 928."""


@dataclass(frozen=True)
class Clip:
    """`source`: number among those of its class; `name`: `class/Studio_012_class_f_cm_np1_fr_goo_2`, built
    as the real names: source, class, visible body, camera motion, people, view, quality, number."""

    label: int
    source: int
    name: str


def _clips(size: str) -> list[Clip]:
    spec, found = SIZES[size], []
    for label, doing in enumerate(JHMDB_MINI):
        for source in range(spec.sources):
            studio = label * spec.sources + source
            for number in range(spec.videos):
                name = f"{doing.name}/Studio_{studio:03d}_{doing.name}_f_cm_np1_fr_goo_{number}"
                found.append(Clip(label, source, name))
    return found


def tested_in(clip_source: int, size: str) -> int:
    """The split (0, 1 or 2) that tests a source clip; the other two train on it."""
    return clip_source * SPLITS // SIZES[size].sources


def tested_videos(size: str, split: int) -> list[str]:
    """The videos that a split (0, 1 or 2) tests."""
    return [clip.name for clip in _clips(size) if tested_in(clip.source, size) == split]


def source_of(video: str) -> str:
    """The source clip of a video: `Studio_012` for `kick_slow/Studio_012_kick_slow_f_cm_np1_fr_goo_2`."""
    doing, name = video.split("/")
    return name.split(f"_{doing}_")[0]


def jobs(root: Path, size: str = "small") -> list[Job]:
    """One job a video, by class and source; files under `root`. ValueError: unknown size."""
    if size not in SIZES:
        raise ValueError(f"{NAME} has no size {size!r}; sizes: {', '.join(SIZES)}")
    setting, key = Setting(frames=SIZES[size].frames, trimmed=True), f"{NAME}@{VERSION}.{SIZES[size].draws}"
    folder = root / "jhmdb" / "ReCompress_Videos"
    return [
        Job(clip.name, clip.label, f"{key}/{clip.name}", f"{key}/{source_of(clip.name)}",
            folder / f"{clip.name}.avi", JHMDB_MINI, setting)
        for clip in _clips(size)
    ]  # fmt: skip


def _rows(video: Rendered) -> np.ndarray:
    """Tube of a video as J-HMDB's ground truth has it: float32 [N, 5], frame (1-based), x1, y1, x2, y2."""
    (tube,) = video.tubes
    numbers = np.arange(1, len(tube.boxes_N4) + 1)[:, None]
    return np.hstack([numbers, tube.boxes_N4]).astype(np.float32)


def _ground_truth(size: str, videos: Sequence[Rendered]) -> dict[str, object]:
    clips = _clips(size)
    height_width = (ANNOTATED[1], ANNOTATED[0])
    tested = [tested_videos(size, split) for split in range(SPLITS)]
    pairs = list(zip(clips, videos, strict=True))
    return {
        "labels": [one.name for one in JHMDB_MINI],
        "gttubes": {clip.name: {clip.label: [_rows(video)]} for clip, video in pairs},
        "nframes": {clip.name: video.frames for clip, video in pairs},
        "train_videos": [[clip.name for clip in clips if clip.name not in test] for test in tested],
        "test_videos": tested,
        "resolution": {clip.name: height_width for clip in clips},
    }


def _write_splits(folder: Path, size: str) -> None:
    folder.mkdir(parents=True)
    for label, doing in enumerate(JHMDB_MINI):
        clips = [clip for clip in _clips(size) if clip.label == label]
        for split in range(SPLITS):
            marks = [
                (clip.name.split("/")[1], 2 if tested_in(clip.source, size) == split else 1) for clip in clips
            ]
            text = "".join(f"{name}.avi {mark}\n" for name, mark in marks)
            (folder / f"{doing.name}_test_split{split + 1}.txt").write_text(text)


def _manifest(size: str, videos: Sequence[Rendered]) -> dict[str, object]:
    rows = {
        clip.name: {
            "label": clip.label,
            "source": source_of(clip.name),
            "test_split": tested_in(clip.source, size) + 1,
            "frames": video.frames,
            "actors": len(video.tubes),
        }
        for clip, video in zip(_clips(size), videos, strict=True)
    }
    facts = {"name": NAME, "version": VERSION, "size": size, "digest": total_digest(videos)}
    return {**facts, "classes": describe(JHMDB_MINI), "videos": rows}


def render_jhmdb_mini(
    root: Path, size: str = "small", workers: int = 2, progress: Progress | None = None
) -> None:
    """Render the dataset under `root` (`dataset.json`, `jhmdb/JHMDB-GT.pkl`, `splits`, `ReCompress_Videos`),
    whole or not at all.

    `size`: one of `SIZES`; `workers`: processes, without influence on the result; `progress(done,
    total)` counts videos. If `root` holds this rendering already it is left alone. ValueError: unknown size,
    or `root` holds something else.
    """
    jobs(root, size)
    with whole_folder(root, Edition(NAME, VERSION, size)) as partial:
        if partial is None:
            return
        videos = render_all(render_video, jobs(partial, size), workers, progress)
        _write_splits(partial / "jhmdb" / "splits", size)
        truth = pickle.dumps(_ground_truth(size, videos), protocol=2)
        (partial / "jhmdb" / "JHMDB-GT.pkl").write_bytes(truth)
        (partial / "dataset.json").write_text(json.dumps(_manifest(size, videos), indent=1) + "\n")
