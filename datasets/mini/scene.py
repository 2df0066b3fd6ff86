"""One video of a miniature: who acts where and when, before what, and its frames.

Appearance, place, size, camera and times are drawn independently of the class. A person who is not acting
holds its pose, and so do bystanders, so a single frame does not tell who acts. No motion blur: it would tell
speed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from datasets.mini.classes import FAST_TRAVEL, MiniClass
from datasets.mini.draw import Draw
from datasets.mini.figure import Look, Stroke, box, paint, strokes
from datasets.mini.poses import FAMILIES, Phase, Pose
from datasets.mini.props import mirror_strokes, prop_strokes
from datasets.mini.stage import Backdrop, Wardrobe

WIDTH, HEIGHT = 128, 96  # of a video file where no other size is asked for
ZOOM = 2  # drawn this much larger, then averaged
VARIATION = 0.12  # of speed, relative


@dataclass(frozen=True)
class Setting:
    """How the videos of a dataset are staged. `frames`: fewest and most; `trimmed`: acting in every
    frame, alone; `size`: width and height of the picture."""

    frames: tuple[int, int]
    trimmed: bool
    size: tuple[int, int] = (WIDTH, HEIGHT)


@dataclass(frozen=True)
class Person:
    """One person in a video. It acts in frames [start, end) and holds its pose before and after; a bystander
    has start == end.

    `x`, `y`: the point between the feet at mid-video, `drift`: pixels a frame; `height`: pixels, `growth`:
    share a frame; `travel`: pixels a frame while acting; `rise`, `fall`, `turn` as in `Motion`; `phase` (in
    cycles) and `theta` at `start`; `side`, `jitter` as in `Phase`; `upper`: what the arms do instead of the
    family's own, the second of two with one arm, each a person of which place and look do not count;
    `framed`: seen in a mirror on the wall.
    """

    family: str
    look: Look
    start: int
    end: int
    x: float
    y: float
    drift: tuple[float, float]
    height: float
    growth: float
    travel: float
    rise: float
    fall: float
    turn: float
    phase: float
    theta: float
    side: int
    jitter: tuple[float, ...]
    upper: tuple[Person, ...] = ()
    framed: bool = False

    def acted(self, frame: int) -> int:
        """How many frames of acting lie behind this one."""
        return max(0, min(frame, self.end - 1) - self.start) if self.end > self.start else 0

    def at(self, frame: int) -> Phase:
        """The phase in a frame: every value of `u` gets an equal share of the time, whatever the flanks."""
        acted = self.acted(frame)
        place = (self.phase * (self.rise + self.fall) + acted) % (self.rise + self.fall)
        u = place / self.rise if place < self.rise else 1.0 - (place - self.rise) / self.fall
        return Phase(u, self.theta + self.turn * acted, self.side, self.jitter)

    def origin(self, frame: int, middle: float) -> tuple[float, float, float]:
        """x, y and height in a frame, in pixels of the video; `middle`: the frame that `x` and `y` are
        given for."""
        away = frame - middle
        walked = self.travel * (self.acted(frame) - (self.end - 1 - self.start) / 2) if self.travel else 0.0
        height = self.height * (1.0 + self.growth * away)
        return self.x + walked + self.drift[0] * away, self.y + self.drift[1] * away, height


def acting_span(draw: Draw, setting: Setting, frames: int, height: float) -> tuple[int, int]:
    """Acting frames: as long as the fastest walker of that height could stay in the picture, whatever
    the class."""
    if setting.trimmed:
        return 0, frames
    room = (setting.size[0] - 0.5 * height) / (FAST_TRAVEL * (1 + VARIATION) * height)
    low, high = 0.45 * frames, 0.90 * frames
    length = round(min(draw.between(low, high), max(low, room)))
    start = draw.integer(0, frames - length)
    return start, start + length


def _place(draw: Draw, width: int, height: float, length: int, travel: float) -> float:
    """x at the middle of the acting; at a random frame of it x is distributed alike for walkers and
    others."""
    reach = min(FAST_TRAVEL * height * length, width - 0.5 * height)
    free = width - 0.5 * height - reach
    own = min(abs(travel) * length, reach)
    return 0.25 * height + reach / 2 + free * draw.unit() + draw.around((reach - own) / 2)


def person_doing(draw: Draw, doing: MiniClass, look: Look, height: float, span: tuple[int, int],
                 size: tuple[int, int]) -> Person:  # fmt: skip
    """A person somewhere in a picture of that size (width, height) who acts in the frames [start, end)."""
    motion, side = doing.motion, draw.sign()
    speed = 1.0 + draw.around(VARIATION)
    way = 1 if doing.motion_only else draw.sign()
    own = draw.between(6.0, 10.0)  # of the steps of a walk: independent of its speed
    length = span[1] - span[0]
    travel = motion.travel * way * speed * height if length else 0.0
    x = _place(draw, size[0], height, length, travel)
    low = 1.22 * height
    y = draw.between(low, max(low + 1.0, size[1] - 3.0 - 0.12 * height))
    return Person(
        family=doing.family, look=look, start=span[0], end=span[1], x=x, y=y,
        drift=(draw.around(0.10), draw.around(0.05)), height=height, growth=draw.around(0.0025),
        travel=travel, rise=(motion.rise or own) / speed, fall=(motion.fall or own) / speed,
        turn=motion.turn * way * speed,
        phase=draw.unit(), theta=draw.between(0.0, 2.0 * math.pi), side=side,
        jitter=tuple(draw.around(1.0) for _ in range(8)),
    )  # fmt: skip


def far_enough(people: Sequence[Person], other: Person) -> bool:
    """Whether a person does not stand in another's place."""
    return all(abs(one.x - other.x) > 0.32 * (one.height + other.height) for one in people)


def cast(draw: Draw, doing: MiniClass, classes: Sequence[MiniClass], setting: Setting, wardrobe: Wardrobe,
         frames: int) -> tuple[list[Person], list[Person]]:  # fmt: skip
    """The actors, all doing the video's class, and the bystanders, frozen in poses of other families."""
    lot = draw.unit()
    actors = 1 if setting.trimmed or lot < 0.6 else 2 if lot < 0.85 else 3
    idle = 0 if setting.trimmed else (draw.unit() < 0.45) + (draw.unit() < 0.15)
    others = [one for one in classes if one.family != doing.family]
    tallest = 62.0 if actors + idle < 3 else 46.0
    people: list[Person] = []
    for number in range(actors + idle):
        acting = number < actors
        height, look = draw.between(34.0, tallest), wardrobe.look(draw)
        span = acting_span(draw, setting, frames, height) if acting else (0, 0)
        what = doing if acting else draw.pick(others)
        for _ in range(12):
            person = person_doing(draw, what, look, height, span, setting.size)
            if far_enough(people, person):
                break
        people.append(person)
    return people[:actors], people[actors:]


@dataclass(frozen=True)
class Frame:
    """A rendered frame: `pixels` uint8 [H, W, 3] RGB; `boxes`: actor number -> (x1, y1, x2, y2),
    continuous pixels of the video, unclipped, of the actors that act in this frame; `shake`: of the camera,
    in pixels."""

    pixels: np.ndarray
    boxes: dict[int, tuple[float, float, float, float]]
    shake: tuple[int, int]


def parts_of(person: Person, frame: int) -> list[Stroke]:
    """What is drawn of a person in a frame, in drawing order; every frame has the same parts."""
    pose = _pose(person, frame)
    props = [
        stroke
        for one in (person, *person.upper)
        for stroke in prop_strokes(one.family, one.at(frame), pose, person.look.prop)
    ]
    return [*(mirror_strokes() if person.framed else ()), *strokes(pose, props, person.look)]


def _pose(person: Person, frame: int) -> Pose:
    pose = FAMILIES[person.family](person.at(frame))
    for number, one in enumerate(person.upper):
        arms = FAMILIES[one.family](one.at(frame)).arms
        if number:
            arms = (arms[0], pose.arms[1]) if one.side < 0 else (pose.arms[0], arms[1])
        pose = replace(pose, arms=arms)
    return pose


def far_to_near(actors: Sequence[Person], idle: Sequence[Person]) -> list[tuple[int, Person]]:
    """People in drawing order, smaller (further) ones first, with their actor numbers; -1: bystander."""
    return sorted([*enumerate(actors), *((-1, one) for one in idle)], key=lambda item: item[1].height)


def draw_person(canvas: np.ndarray, person: Person, frame: int, middle: float,
                shake: tuple[int, int]) -> tuple[float, float, float, float]:  # fmt: skip
    """Draw a person. Its extent x1, y1, x2, y2 in continuous pixels of the video, unclipped. `middle` and
    `shake` as in :meth:`Person.origin` and :class:`Frame`."""
    x, y, height = person.origin(frame, middle)
    x, y = x + shake[0], y + shake[1]
    parts = parts_of(person, frame)
    paint(canvas, parts, (x * ZOOM, y * ZOOM), height * ZOOM)
    left, top, right, bottom = box(parts)
    return x + left * height, y + top * height, x + right * height, y + bottom * height


def random_shake(draw: Draw) -> tuple[int, int]:
    """Displacement of a hand-held camera in a frame."""
    return (draw.integer(-1, 1), draw.integer(-1, 1)) if draw.unit() < 0.5 else (0, 0)


def shrunk(canvas: np.ndarray) -> np.ndarray:
    """The canvas at the video's size."""
    height, width = canvas.shape[:2]
    return cv2.resize(canvas, (width // ZOOM, height // ZOOM), interpolation=cv2.INTER_AREA)


def render(draw: Draw, actors: Sequence[Person], idle: Sequence[Person], backdrop: Backdrop,
           frames: int) -> Iterator[Frame]:  # fmt: skip
    """The frames of a video, in order."""
    middle = (frames - 1) / 2
    order = far_to_near(actors, idle)
    for number in range(frames):
        shake = random_shake(draw)
        canvas = backdrop.view(number, shake)
        boxes = {}
        for actor, person in order:
            extent = draw_person(canvas, person, number, middle, shake)
            if person.start <= number < person.end:
                boxes[actor] = extent
        yield Frame(backdrop.exposed(draw, shrunk(canvas)), boxes, shake)
