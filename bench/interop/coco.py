"""COCO's JSON: ground truth, a list of results, or results with the images and categories they speak of.

Boxes are ``[x, y, width, height]`` from the top-left corner of the picture, continuous; nothing is added.
Labels are the categories in order of their ids. An image is a frame:

* ``video`` or ``video_id``, and ``frame_id``, 0-based, where images have them;
* else ``file_name`` is ``.../VIDEO/00001.jpg``, numbered from 1, or from 0 where some image has that number;
* else, without a folder or a number, the image is a video of its own.

The images are the frames that count. Annotations of one ``track_id`` in a video are a tube; without, every
box is alone. Crowds are refused: their boxes are not people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bench.interop.base import Content, Format, Look, Places, Role, Table, Truth, codes, source_group
from bench.interop.coco_json import Entries, Frame, frames_of, load_json
from bench.interop.rows import to_truth
from bench.names import choose, near
from bench.records import Array, VideoTable


@dataclass(frozen=True)
class CocoTruth(Truth):
    """Truth that knows its images and categories: id -> frame, id -> label."""

    images: Mapping[Any, Frame] = field(default_factory=dict)
    categories: Mapping[Any, int] = field(default_factory=dict)


class Coco(Format):
    """JSON files."""

    name = "coco"
    title = "JSON of COCO"
    files: ClassVar[str] = "a *.json with a list of results, or with images, annotations and categories"

    def recognises(self, look: Look, role: Role) -> bool:
        return look.head.lstrip()[:1] in (b"{", b"[") or look.path.suffix == ".json"

    def truth(self, path: Path, split: str | None) -> Truth:
        content = _whole(path, load_json(path))
        images, names = frames_of(path, content), _category_names(path, content)
        labels = {key: label for label, key in enumerate(names)}
        table, has_tubes = _annotations(Entries.of(path, content, "annotations"), images, labels)
        videos = _videos(content, images)
        annotation = to_truth(table, videos, list(names.values()), self.shift)
        position = {name: i for i, name in enumerate(videos.names)}
        scored_S2 = np.array([(position[video], frame) for video, frame in images.values()], np.int32)
        notes = () if has_tubes else ("video-mAP does not apply: this truth has boxes of single frames",)
        return CocoTruth(
            replace(annotation, scored_frames=scored_S2), has_tubes=has_tubes,
            lengths_known=False, notes=notes, images=images, categories=labels,
        )  # fmt: skip

    def content(self, path: Path, truth: Truth) -> Content:
        content = load_json(path)
        if isinstance(content, dict):
            content = _whole(path, content)
            images = frames_of(path, content, {*truth.annotation.videos.names, *truth.others})
            labels = _labels(path, content, truth.annotation.classes)
            table = _results(Entries.of(path, content, "annotations"), images, labels)
            return Content(table, None, tuple(dict.fromkeys(video for video, _ in images.values())))
        if not isinstance(truth, CocoTruth):
            raise ValueError(
                f"{path} names images and categories by ids that only COCO truth explains; give that as "
                "--truth, or add the lists images and categories to the results"
            )
        table = _results(Entries.of(path, content), truth.images, truth.categories)
        stills = len(truth.annotation.videos) == len(truth.images)
        return Content(table, None, truth.annotation.videos.names if stills else None)


def _whole(path: Path, content: Any) -> dict[str, Any]:
    wanted = ("images", "annotations", "categories")
    lacking = [key for key in wanted if not isinstance(content, dict) or key not in content]
    if lacking:
        raise ValueError(f"{path} lacks {', '.join(lacking)}; ground truth has {', '.join(wanted)}")
    found: dict[str, Any] = content
    if not found["images"]:
        raise ValueError(f"{path} has no images; write it again")
    return found


def _category_names(path: Path, content: dict[str, Any]) -> dict[Any, str]:
    """Category id -> name, by id."""
    categories = Entries.of(path, content, "categories")
    ids, names = categories.column("id", int), categories.column("name", str)
    if not ids or len(set(ids)) < len(ids):
        raise ValueError(f"{path}: {'two categories have one id' if ids else 'there are no categories'}")
    return dict(sorted(zip(ids, names)))


def _labels(path: Path, content: dict[str, Any], classes: tuple[str, ...]) -> dict[Any, int]:
    """Category id -> label of the truth's class of that name."""
    names = _category_names(path, content)
    try:
        return {key: classes.index(choose(name, classes, "class")) for key, name in names.items()}
    except ValueError as error:
        raise ValueError(f"{path}, categories: {error}") from error


def _annotations(
    entries: Entries, images: Mapping[Any, Frame], labels: Mapping[Any, int]
) -> tuple[Table, bool]:
    """Rows of the annotation, and whether they are tubes."""
    crowds = [number for number, entry in enumerate(entries.objects) if entry.get("iscrowd")]
    if crowds:
        raise ValueError(f"{entries.place(crowds[0])} is a crowd; leave crowds out of the truth")
    tracked = bool(entries) and all("track_id" in entry for entry in entries.objects)
    track_N = entries.numbers("track_id") if tracked else np.arange(len(entries))
    return replace(_table(entries, images, labels), tube_N=track_N), tracked


def _results(entries: Entries, images: Mapping[Any, Frame], labels: Mapping[Any, int]) -> Table:
    if not entries:
        raise ValueError(f"{entries.path} holds no results; write it again")
    return replace(_table(entries, images, labels), score_N=entries.numbers("score"))


def _table(entries: Entries, images: Mapping[Any, Frame], labels: Mapping[Any, int]) -> Table:
    label_N, frame_N = (
        _looked_up(entries, key, known) for key, known in (("category_id", labels), ("image_id", images))
    )
    videos, video_N = codes([video for video, _ in frame_N])
    frames = np.array([frame for _, frame in frame_N], np.int64)
    places = Places((entries.path,), word=f"{entries.key} entry".strip())
    return Table(videos, video_N, frames, np.array(label_N, np.int64), entries.corners(), places)


def _looked_up(entries: Entries, key: str, known: Mapping[Any, Any]) -> list[Any]:
    ids = entries.column(key, int, str)
    try:
        return [known[value] for value in ids]
    except KeyError as error:
        place, hint = entries.place(ids.index(error.args[0])), near(str(error.args[0]), map(str, known))
        raise ValueError(f"{place}: {key} {error.args[0]!r:.40} is unknown; {hint}") from None


def _videos(content: dict[str, Any], images: Mapping[Any, Frame]) -> VideoTable:
    """Videos in order of their images; a length is that of the last image, a size that of the first."""
    names, video_I = codes([video for video, _ in images.values()])
    frames = np.zeros(len(names), np.int64)
    np.maximum.at(frames, video_I, [frame + 1 for _, frame in images.values()])
    _, first = np.unique(video_I, return_index=True)
    width, height = (_sides(content["images"], side)[first] for side in ("width", "height"))
    groups = tuple(source_group(name) for name in names)
    return VideoTable(names, frames, width, height, np.zeros(len(names)), groups)


def _sides(images: list[dict[str, Any]], side: str) -> Array:
    """A side of every image in pixels, 0 where it is not given."""
    values = [image.get(side) for image in images]
    return np.array([v if type(v) is int and 0 < v < 2**31 else 0 for v in values], np.int64)
