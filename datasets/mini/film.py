"""A long video of a miniature: shots, and in each of them people who do something or hold still."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from datasets.mini.classes import MiniClass
from datasets.mini.draw import Draw
from datasets.mini.render import FRAME_RATE, video_writer
from datasets.mini.scene import ZOOM, Person, draw_person, random_shake, shrunk
from datasets.mini.stage import Backdrop


@dataclass(frozen=True)
class Role:
    """A person in a shot, `labels`: what it does while it acts, empty for what nobody asks for."""

    person: Person
    labels: tuple[int, ...] = ()


@dataclass(frozen=True)
class Shot:
    """An uninterrupted view, as long as `frames`, of people in their roles; `backdrop`: made for it."""

    frames: int
    backdrop: Backdrop
    roles: tuple[Role, ...]


@dataclass(frozen=True)
class Reel:
    """A film to shoot. `name`: its dataset's; `key`: names its draws; `path`: the file to write; `label`: of
    what it is mostly about, where there is such a thing; `seconds`: how long it is at least, and at most."""

    name: str
    key: str
    path: Path
    label: int
    seconds: tuple[float, float]


@dataclass(frozen=True)
class Format:
    """Width and height, and frames a second, of a film."""

    size: tuple[int, int]
    rate: int

    @property
    def pace(self) -> float:
        """How much of the motion of one frame at :data:`FRAME_RATE` a frame here holds."""
        return FRAME_RATE / self.rate

    def heights(self, people: int) -> tuple[float, float]:
        """Least and greatest height of one of so many people, in pixels."""
        side = min(1.2 * self.size[0], self.size[1])
        return 0.40 * side, (0.70 if people < 3 else 0.52) * side


@dataclass(frozen=True)
class Script:
    """The shots of a film in order, and `draw`, from which the camera's trembling and exposure come."""

    format: Format
    shots: tuple[Shot, ...]
    draw: Draw


@dataclass(frozen=True)
class Appearance:
    """A role as it is seen. `first`: the film's frame at which the shot begins; `boxes_T4`: float64 extents
    of the person in every frame of the shot, pixels, unclipped; `size`: of the picture."""

    role: Role
    first: int
    boxes_T4: np.ndarray
    size: tuple[int, int]

    @property
    def seen_T4(self) -> np.ndarray:
        """The part of the boxes that lies in the picture."""
        return self.boxes_T4.clip(0.0, np.tile(self.size, 2))

    @property
    def share_T(self) -> np.ndarray:
        """How much of each box lies in the picture, 0 to 1."""
        both = (self.boxes_T4, self.seen_T4)
        whole, seen = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in both)
        share: np.ndarray = seen / whole
        return share


@dataclass(frozen=True)
class Film:
    """What a film holds. `digest`: sha256 of its frames and of all boxes and roles."""

    name: str
    frames: int
    format: Format
    cast: tuple[Appearance, ...]
    digest: str


def lengths(draw: Draw, total: int, least: int, most: int) -> list[int]:
    """Frames of shots that together are as long as `total`, each from `least` to `most + least`."""
    found, left = [], total
    while left > most + least:
        found.append(draw.integer(least, most))
        left -= found[-1]
    return [*found, left]


def paced(person: Person, pace: float) -> Person:
    """The person at another frame rate, see :attr:`Format.pace`."""
    return replace(
        person, rise=person.rise / pace, fall=person.fall / pace, turn=person.turn * pace,
        travel=person.travel * pace, upper=tuple(paced(one, pace) for one in person.upper),
    )  # fmt: skip


def mirrored(person: Person, x: float, y: float, height: float) -> Person:
    """The reflection of a person, as a person that stands elsewhere and is as tall as `height`."""
    return replace(
        person, x=x, y=y, height=height, side=-person.side, turn=-person.turn,
        theta=math.pi - person.theta, travel=0.0, framed=True,
    )  # fmt: skip


def pictures(draw: Draw, shot: Shot) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(pixels uint8 [H, W, 3], extents of the roles, float64 [R, 4]) of every frame of a shot."""
    middle = (shot.frames - 1) / 2
    far_to_near = sorted(range(len(shot.roles)), key=lambda one: shot.roles[one].person.height)
    for number in range(shot.frames):
        shake = random_shake(draw)
        canvas = shot.backdrop.view(number, shake)
        extents_R4 = np.zeros((len(shot.roles), 4))
        for role in far_to_near:
            extents_R4[role] = draw_person(canvas, shot.roles[role].person, number, middle, shake)
        yield shot.backdrop.exposed(draw, shrunk(canvas)), extents_R4


def shoot(reel: Reel, script: Script) -> Film:
    """Draw the shots one after the other into the reel's file."""
    cv2.setNumThreads(1)
    form, digest, cast, first = script.format, hashlib.sha256(), [], 0
    with video_writer(reel.path, form.size, form.rate) as write:
        for shot in script.shots:
            extents = []
            for pixels, extents_R4 in pictures(script.draw, shot):
                write(pixels)
                digest.update(pixels.tobytes())
                extents.append(extents_R4)
            boxes_RT4 = np.stack(extents, axis=1)
            for role, boxes_T4 in zip(shot.roles, boxes_RT4, strict=True):
                cast.append(Appearance(role, first, boxes_T4, form.size))
                facts = [first, role.person.start, role.person.end, *role.labels]
                digest.update(np.array([*facts, *np.rint(16 * boxes_T4).ravel()], "<i4").tobytes())
            first += shot.frames
    return Film(reel.name, first, form, tuple(cast), digest.hexdigest())


def view_of(form: Format) -> tuple[int, int]:
    """Width and height of what the camera sees, on the canvas."""
    return form.size[0] * ZOOM, form.size[1] * ZOOM


def others(classes: Sequence[MiniClass], doing: Sequence[MiniClass]) -> list[MiniClass]:
    """Of the classes those of other pose families."""
    taken = {one.family for one in doing}
    return [one for one in classes if one.family not in taken]
