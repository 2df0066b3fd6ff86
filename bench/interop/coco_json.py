"""COCO's JSON read into columns, and which frame of which video an image is."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from bench.records import Array

Frame = tuple[str, int]


def load_json(path: Path) -> Any:
    """The content of a file. Raises ValueError naming it if it is not whole JSON."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is cut off or no JSON ({error!s:.200}); write it again") from error


@dataclass(frozen=True)
class Entries:
    """A list of objects in a file; ``key`` is what it is called there, empty where it is the whole file."""

    path: Path
    key: str
    objects: list[dict[str, Any]]

    @classmethod
    def of(cls, path: Path, content: Any, key: str = "") -> Entries:
        """Raises ValueError if there is no such list of objects."""
        found = content.get(key) if key else content
        if type(found) is not list:
            raise ValueError(f"{path}: {key or 'the content'} is no list; see docs/formats.md, coco")
        for number, entry in enumerate(found):
            if type(entry) is not dict:
                raise ValueError(f"{path}, {key} entry {number}: no object, but {entry!r:.40}")
        return cls(path, key, found)

    def __len__(self) -> int:
        return len(self.objects)

    def place(self, number: int) -> str:
        """Where an object stands."""
        return f"{self.path}, {self.key} entry {number}".replace(",  ", ", ")

    def column(self, key: str, *kinds: type) -> list[Any]:
        """The values of a key, which every object has, of one of the kinds. Raises ValueError otherwise."""
        for number, entry in enumerate(self.objects):
            if key not in entry:
                raise ValueError(
                    f"{self.place(number)} has no {key!r}; it has {', '.join(entry) or 'nothing'}"
                )
            if type(entry[key]) not in kinds:
                raise ValueError(f"{self.place(number)}: {key} is {entry[key]!r:.40}")
        return [entry[key] for entry in self.objects]

    def numbers(self, key: str) -> Array:
        """A column of numbers, perhaps not finite, float64 [N]."""
        return np.array([_number(value) for value in self.column(key, int, float)], np.float64)

    def corners(self) -> Array:
        """``bbox`` as x1, y1, x2, y2, float64 [N, 4]."""
        found = self.column("bbox", list)
        for number, box in enumerate(found):
            if len(box) != 4 or any(type(side) not in (int, float) for side in box):
                raise ValueError(f"{self.place(number)}: bbox {box!r:.80} is not x, y, width, height")
        xywh_N4 = np.array([[_number(side) for side in box] for box in found], np.float64).reshape(-1, 4)
        return np.concatenate([xywh_N4[:, :2], xywh_N4[:, :2] + xywh_N4[:, 2:]], axis=1)


def _number(value: float) -> float:
    """As a float; whole numbers too large for one are infinite."""
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def frames_of(path: Path, content: dict[str, Any], known: Collection[str] = ()) -> dict[Any, Frame]:
    """Image id -> (video, 0-based frame). A file's folder may end in the name of a ``known`` video."""
    images = Entries.of(path, content, "images")
    ids = images.column("id", int, str)
    tracked = all("frame_id" in image and {"video_id", "video"} & set(image) for image in images.objects)
    frames = (
        _tracked(content, images) if tracked else _named(images.column("file_name", str), frozenset(known))
    )
    for values in (ids, frames):
        seen: set[Any] = set()
        for number, value in enumerate(values):
            if value in seen:
                raise ValueError(
                    f"{images.place(number)}: {value!r:.80} is there twice; an image is one frame"
                )
            seen.add(value)
    return dict(zip(ids, frames))


def _tracked(content: dict[str, Any], images: Entries) -> list[Frame]:
    frames = images.column("frame_id", int)
    for number, frame in enumerate(frames):
        if not 0 <= frame < 2**31:
            raise ValueError(f"{images.place(number)}: frame_id {frame}; frames are numbered from 0")
    if "video" in images.objects[0]:
        return list(zip(images.column("video", str), frames))
    videos = Entries.of(images.path, content, "videos") if "videos" in content else None
    names = dict(zip(videos.column("id", int, str), videos.column("name", str))) if videos else {}
    return [
        (names.get(video, str(video)), frame)
        for video, frame in zip(images.column("video_id", int, str), frames)
    ]


def _named(files: Sequence[str], known: frozenset[str]) -> list[Frame]:
    """From ``VIDEO/00001.jpg``, numbered from 1, or from 0 if any file has that number."""
    found = [_split(file) for file in files]
    first = min((number for _, number in found if number is not None), default=0)
    frames = []
    for folder, number in found:
        tails = [folder.split("/", drop)[-1] for drop in range(folder.count("/") + 1)]
        video = next((tail for tail in tails if tail in known), folder)
        frames.append((video, 0 if number is None else number - min(first, 1)))
    return frames


def _split(file: str) -> tuple[str, int | None]:
    """Folder and number of a file's name; the name itself without a number where it has not both."""
    path = PurePosixPath(file.replace("\\", "/").lstrip("/"))
    number = re.search(r"(\d{1,9})$", path.stem)
    if number is None or path.parent == PurePosixPath("."):
        return path.with_suffix("").as_posix() if path.name else file, None
    return path.parent.as_posix(), int(number[1])
