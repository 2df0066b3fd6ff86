"""What people hold: drawn with the body that holds it."""

from __future__ import annotations

import math

from datasets.mini.figure import Colour, Point, Skeleton, Stroke, skeleton
from datasets.mini.poses import FOREARM, Phase, Pose


def _ring(centre: Point, radii: Point, tilt: float, count: int = 16) -> tuple[Point, ...]:
    cos, sin = math.cos(tilt), math.sin(tilt)
    points = []
    for step in range(count + 1):
        angle = 2.0 * math.pi * step / count
        x, y = radii[0] * math.cos(angle), radii[1] * math.sin(angle)
        points.append((centre[0] + x * cos - y * sin, centre[1] + x * sin + y * cos))
    return tuple(points)


def _beyond(arm: tuple[Point, ...], reach: float) -> Point:
    (x0, y0), (x1, y1) = arm[1], arm[2]
    return (x1 + (x1 - x0) / FOREARM * reach, y1 + (y1 - y0) / FOREARM * reach)


def _ball(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    hand = body.arms[(phase.side + 1) // 2][2]
    centre = (hand[0] + 0.03 * phase.side, phase.u * -0.08 + (1.0 - phase.u) * (hand[1] + 0.10))
    return [Stroke((centre,), 0.17, colour, boxed=False)]


def _barbell(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    (left, y0), (right, y1) = body.arms[0][2], body.arms[1][2]
    ends = (left - 0.20, y0), (right + 0.20, y1)
    plates = [Stroke(((x, y - 0.09), (x, y + 0.09)), 0.06, colour) for x, y in ends]
    return [Stroke(ends, 0.025, (60, 60, 64)), *plates]


def _hoop(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    centre = (body.pelvis[0] + 0.07 * math.cos(phase.theta), body.pelvis[1] - 0.06)
    return [Stroke(_ring(centre, (0.32, 0.09), 0.25 * math.sin(phase.theta)), 0.04, colour)]


def _racket(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    arm = body.arms[(phase.side + 1) // 2]
    grip, middle = _beyond(arm, 0.12), _beyond(arm, 0.22)
    tilt = math.atan2(middle[1] - grip[1], middle[0] - grip[0])
    net = Stroke(_ring(middle, (0.12, 0.085), tilt, 12), 0.01, (225, 225, 215), filled=True)
    return [
        Stroke((arm[2], grip), 0.035, colour),
        net,
        Stroke(_ring(middle, (0.12, 0.085), tilt, 12), 0.03, colour),
    ]


def _rope(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    (x0, y0), (x1, y1) = body.arms[0][2], body.arms[1][2]
    height = 0.62 * math.cos(phase.theta) - 0.12
    points = []
    for step in range(13):
        part = step / 12.0
        arch = math.sin(math.pi * part) ** 0.6 if 0 < step < 12 else 0.0
        bulge = 0.10 * math.sin(2.0 * math.pi * part)
        points.append((x0 + (x1 - x0) * part - bulge, y0 + (y1 - y0) * part + height * arch))
    return [Stroke(tuple(points), 0.025, colour)]


def _board(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    ends = (-0.36, 0.03), (-0.28, 0.07), (0.28, 0.07), (0.36, 0.03)
    wheels = [Stroke(((x, 0.12),), 0.07, (40, 40, 44)) for x in (-0.2, 0.2)]
    return [*wheels, Stroke(ends, 0.05, colour)]


def _sword(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    arm = body.arms[(phase.side + 1) // 2]
    return [Stroke((arm[2], _beyond(arm, 0.42)), 0.03, colour)]


def _hands(phase: Phase, body: Skeleton) -> tuple[Point, Point]:
    """The acting hand and the other."""
    acting = (phase.side + 1) // 2
    return body.arms[acting][2], body.arms[1 - acting][2]


def _cloth(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    (x, y), _ = _hands(phase, body)
    corners = (x - 0.05, y - 0.05), (x + 0.05, y - 0.06), (x + 0.06, y + 0.05), (x - 0.05, y + 0.06)
    return [Stroke(corners, 0.02, colour, filled=True)]


def _broom(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    (x1, y1), (x0, y0) = _hands(phase, body)
    slope = (x1 - x0) / (y1 - y0)
    top, foot = (x0 - 0.2 * slope, y0 - 0.2), (x0 - (y0 + 0.06) * slope, -0.06)
    bristles = (foot[0] - 0.07, 0.0), (foot[0] - 0.03, -0.09), (foot[0] + 0.03, -0.09), (foot[0] + 0.07, 0.0)
    return [Stroke((top, foot), 0.03, (176, 132, 82)), Stroke(bristles, 0.02, colour, filled=True)]


def _cup(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    (x, y), _ = _hands(phase, body)
    rim = (x - 0.055, y - 0.13), (x + 0.055, y - 0.13), (x + 0.04, y + 0.01), (x - 0.04, y + 0.01)
    return [Stroke(rim, 0.01, colour, filled=True)]


def _phone(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    (x, y), _ = _hands(phase, body)
    return [Stroke(((x, y + 0.05), (x + 0.02 * phase.side, y - 0.09)), 0.06, colour)]


def _camera(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    (x0, y0), (x1, y1) = body.arms[0][2], body.arms[1][2]
    x, y = (x0 + x1) / 2, (y0 + y1) / 2 - 0.04
    corners = (x - 0.10, y - 0.06), (x + 0.10, y - 0.06), (x + 0.10, y + 0.06), (x - 0.10, y + 0.06)
    return [Stroke(corners, 0.02, colour, filled=True), Stroke(((x, y),), 0.09, (24, 24, 28))]


def _sheet(phase: Phase, body: Skeleton, colour: Colour) -> list[Stroke]:
    (x0, y0), (x1, y1) = body.arms[0][2], body.arms[1][2]
    return [Stroke(((x0, y0), (x1, y1), (x1, y1 + 0.26), (x0, y0 + 0.26)), 0.02, colour, filled=True)]


_PROPS = {"ball": _ball, "barbell": _barbell, "hoop": _hoop, "racket": _racket, "rope": _rope}
_PROPS |= {"board": _board, "sword": _sword, "wipe": _cloth, "sweep": _broom, "drink": _cup}
_PROPS |= {"phone": _phone, "photo": _camera, "fold": _sheet}


def prop_strokes(family: str, phase: Phase, pose: Pose, colour: Colour) -> list[Stroke]:
    """The prop of a family, held by the posed body; empty for families without one."""
    return _PROPS[family](phase, skeleton(pose), colour) if family in _PROPS else []


def mirror_strokes() -> list[Stroke]:
    """A mirror on the wall, as tall as the person whose reflection is drawn upon it."""
    corners = (-0.45, -1.12), (0.45, -1.12), (0.45, 0.06), (-0.45, 0.06)
    frame = Stroke(corners, 0.08, (120, 92, 60), filled=True, boxed=False)
    return [frame, Stroke(corners, 0.01, (196, 212, 222), filled=True, boxed=False)]
