"""`ucf24-mini`: 24 classes in the layout of UCF101-24, untrimmed, one to three actors, split 1 only.

Video files are 128x96, annotations are integers at 320x240 as in the real set: readers must scale.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.mini.classes import UCF24_MINI
from datasets.mini.folder import Edition, whole_folder
from datasets.mini.render import (
    Job,
    Progress,
    Rendered,
    describe,
    render_all,
    render_video,
    total_digest,
)
from datasets.mini.scene import Setting

NAME = "ucf24-mini"
VERSION = 1


@dataclass(frozen=True)
class Size:
    """Source groups and clips of each group, for every class; frames of every video. As in UCF101, split 1
    tests groups 1 to 7 and trains on 8 to 25. `more`: of the training and of the test groups, how many of the
    first have another clip; `draws`: names the random draws."""

    train_groups: int
    train_clips: int
    test_groups: int
    test_clips: int
    frames: int
    draws: str
    more: tuple[int, int] = (0, 0)


SIZES = {
    "micro": Size(train_groups=2, train_clips=1, test_groups=1, test_clips=1, frames=24, draws="micro"),
    "small": Size(train_groups=6, train_clips=2, test_groups=5, test_clips=1, frames=48, draws="small"),
    "medium": Size(train_groups=15, train_clips=2, test_groups=7, test_clips=2, frames=48, draws="large"),
    "full": Size(18, 5, 7, 5, frames=48, draws="full", more=(5, 3)),
}
"""`full` has 3,192 videos; of UCF101-24's 3,207 are 3,194 annotated."""


def _clips(size: Size) -> list[tuple[int, int]]:
    """(group, clip) of a class."""
    parts = ((1, size.test_groups, size.test_clips), (8, size.train_groups, size.train_clips))
    return [
        (first + group, 1 + clip)
        for (first, groups, clips), more in zip(parts, reversed(size.more), strict=True)
        for group in range(groups)
        for clip in range(clips + (group < more))
    ]


def jobs(root: Path, size: str = "small") -> list[Job]:
    """One job a video, sorted by name; files under `root`. ValueError: unknown size."""
    if size not in SIZES:
        raise ValueError(f"{NAME} has no size {size!r}; sizes: {', '.join(SIZES)}")
    setting = Setting(frames=(SIZES[size].frames, SIZES[size].frames), trimmed=False)
    found = []
    for label, doing in enumerate(UCF24_MINI):
        for group, clip in _clips(SIZES[size]):
            source = f"v_{doing.name}_g{group:02d}"
            name = f"{doing.name}/{source}_c{clip:02d}"
            key = f"{NAME}@{VERSION}.{SIZES[size].draws}"
            path = root / "ucf24" / "videos" / f"{name}.avi"
            found.append(Job(name, label, f"{key}/{name}", f"{key}/{source}", path, UCF24_MINI, setting))
    return found


def group_of(video: str) -> int:
    """The source group of a video: 3 for `Class/v_Class_g03_c01`."""
    return int(video.rsplit("_", 2)[1][1:])


def _annotation(label: int, video: Rendered) -> dict[str, object]:
    tubes = []
    for tube in video.tubes:
        x1, y1, x2, y2 = tube.boxes_N4.T
        boxes = np.stack([x1 + 1, y1 + 1, x2 - x1, y2 - y1], axis=1).astype(np.uint16)
        tubes.append({"label": label, "sf": tube.start, "ef": tube.start + len(boxes), "boxes": boxes})
    return {"numf": video.frames, "label": label, "annotations": tubes}


def _write_splitfiles(folder: Path, todo: Sequence[Job], videos: Sequence[Rendered]) -> None:
    folder.mkdir(parents=True)
    truth = {job.name: _annotation(job.label, video) for job, video in zip(todo, videos, strict=True)}
    (folder / "pyannot.pkl").write_bytes(pickle.dumps(truth, protocol=2))
    train = [f"{job.name}.avi {job.label + 1}\n" for job in todo if group_of(job.name) >= 8]
    test = [f"{job.name}.avi\n" for job in todo if group_of(job.name) < 8]
    names = [f"{label + 1} {one.name}\n" for label, one in enumerate(UCF24_MINI)]
    for file, lines in (("trainlist01.txt", train), ("testlist01.txt", test), ("classInd.txt", names)):
        (folder / file).write_text("".join(lines))


def _manifest(size: str, todo: Sequence[Job], videos: Sequence[Rendered]) -> dict[str, object]:
    rows = {
        job.name: {
            "label": job.label,
            "source": job.name.rsplit("_", 1)[0],
            "set": "train" if group_of(job.name) >= 8 else "test",
            "frames": video.frames,
            "actors": len(video.tubes),
        }
        for job, video in zip(todo, videos, strict=True)
    }
    facts = {"name": NAME, "version": VERSION, "size": size, "digest": total_digest(videos)}
    return {**facts, "classes": describe(UCF24_MINI), "videos": rows}


def render_ucf24_mini(
    root: Path, size: str = "small", workers: int = 2, progress: Progress | None = None
) -> None:
    """Render the dataset under `root` (`dataset.json`, `ucf24/splitfiles`, `ucf24/videos`), whole or not at
    all.

    `size`: one of `SIZES`; `workers`: processes, without influence on the result; `progress(done,
    total)` counts videos. If `root` holds this rendering already it is left alone. ValueError: unknown size,
    or `root` holds something else.
    """
    jobs(root, size)
    with whole_folder(root, Edition(NAME, VERSION, size)) as partial:
        if partial is None:
            return
        todo = jobs(partial, size)
        videos = render_all(render_video, todo, workers, progress)
        _write_splitfiles(partial / "ucf24" / "splitfiles", todo, videos)
        (partial / "dataset.json").write_text(json.dumps(_manifest(size, todo, videos), indent=1) + "\n")
