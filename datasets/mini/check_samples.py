"""Crops around people who act, for :mod:`datasets.mini.check`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from datasets.mini.draw import Draw
from datasets.mini.film import Reel, Script, pictures
from datasets.mini.render import ANNOTATED, Job, frames_of, in_parallel
from datasets.mini.scene import WIDTH

STORED = 56  # side of a crop
OFFSETS = tuple(range(-7, 9, 2))  # of the clip's 8 frames from its key-frame, which is the middle one


class Filmed(NamedTuple):
    """A film, what happens in it, and the number that its first class has there."""

    reel: Reel
    script: Callable[[Reel], Script]
    first: int

    @property
    def name(self) -> str:
        """As in its dataset."""
        return self.reel.name


Source = Job | Filmed


@dataclass(frozen=True)
class Samples:
    """Crops around key-frames. `clips_NTHW`: uint8 grey, `frames_NHWC`: uint8 RGB of the key-frame itself;
    `labels_N`; `tubes_N`: number of the tube, unique in a set."""

    clips_NTHW: np.ndarray
    frames_NHWC: np.ndarray
    labels_N: np.ndarray
    tubes_N: np.ndarray


class Acted(NamedTuple):
    """Somebody who acts in the frames from `start` of `pixels`, uint8 RGB; `boxes_N4`: in pixels of them."""

    label: int
    start: int
    boxes_N4: np.ndarray
    pixels: Sequence[np.ndarray]


class Work(NamedTuple):
    """A video, and the labels that are looked for in it."""

    source: Source
    labels: frozenset[int]
    training: bool


def _crop(picture: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The square around a box with a margin of 20%, resized; what lies outside the picture repeats its
    edge."""
    left, top, right, bottom = box
    side = 1.4 * max(right - left, bottom - top) / STORED
    matrix = np.array(
        [[side, 0, (left + right - side * STORED) / 2], [0, side, (top + bottom - side * STORED) / 2]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, matrix, (STORED, STORED), flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _keys(name: str, acted: Acted, training: bool) -> list[int]:
    """Key-frames, counted from the tube's start, around which the clip lies in the tube where that is
    long enough."""
    draw, last = Draw("check", name, acted.start), len(acted.boxes_N4) - 1
    low, high = min(-OFFSETS[0], last // 2), max(last - OFFSETS[-1], last // 2)
    return list(range(low + draw.integer(0, 1), high + 1, 2)) if training else [draw.integer(low, high)]


def _of_job(job: Job) -> Iterator[Acted]:
    pixels, rendered = frames_of(job)
    for tube in rendered.tubes:
        yield Acted(job.label, tube.start, tube.boxes_N4 * (WIDTH / ANNOTATED[0]), list(pixels))


def _of_film(film: Filmed) -> Iterator[Acted]:
    """Nobody who is half out of the picture or seen in a mirror."""
    script = film.script(film.reel)
    size = np.tile(script.format.size, 2)
    for shot in script.shots:
        pixels, extents = zip(*pictures(script.draw, shot), strict=True)
        for number, role in enumerate(shot.roles):
            person, boxes_T4 = role.person, np.stack(extents)[:, number]
            inside = (boxes_T4 == boxes_T4.clip(-0.1 * size, 1.1 * size)).all()
            for label in role.labels if inside and not person.framed else ():
                yield Acted(label - film.first, person.start, boxes_T4[person.start : person.end], pixels)


def _samples(work: Work) -> list[tuple[int, int, np.ndarray, np.ndarray]]:
    """Of everybody who does what is looked for (number, label, clip, frame) at its key-frames; the box stays
    that of the key-frame."""
    source, found = work.source, []
    everybody = _of_job(source) if isinstance(source, Job) else _of_film(source)
    for number, acted in enumerate(one for one in everybody if one.label in work.labels):
        last = len(acted.boxes_N4) - 1
        for key in _keys(source.name, acted, work.training):
            box = acted.boxes_N4[key]
            inside = [min(max(key + offset, 0), last) + acted.start for offset in OFFSETS]
            grey = [cv2.cvtColor(acted.pixels[frame], cv2.COLOR_RGB2GRAY) for frame in inside]
            clip = np.stack([_crop(picture, box) for picture in grey])
            found.append((number, acted.label, clip, _crop(acted.pixels[acted.start + key], box)))
    return found


def collect(sources: Sequence[Source], labels: Collection[int], training: bool, workers: int) -> Samples:
    """Draw the videos and cut the samples of those labels: every other acting frame in training, one random
    frame a tube otherwise."""
    clips, frames, known, tubes = [], [], [], []
    first = 0
    todo = [Work(source, frozenset(labels), training) for source in sources]
    for found in in_parallel(_samples, todo, workers):
        for number, label, clip, frame in found:
            clips.append(clip)
            frames.append(frame)
            known.append(label)
            tubes.append(first + number)
        first = tubes[-1] + 1 if tubes else 0
    return Samples(np.stack(clips), np.stack(frames), np.array(known), np.array(tubes))
