"""A person as strokes: forward kinematics of a pose, clothes, props, the box that holds it, and drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from datasets.mini.poses import Phase, Pose

Colour = tuple[int, int, int]
Point = tuple[float, float]

UPPER_ARM, FOREARM, THIGH, SHIN = 0.17, 0.16, 0.25, 0.24  # body heights
SUBPIXEL = 4  # bits after the point in OpenCV's coordinates


@dataclass(frozen=True)
class Look:
    """The colours (RGB) of one person and its limbs' thickness relative to the mean."""

    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    prop: Colour
    sleeves: bool
    thickness: float


@dataclass(frozen=True)
class Stroke:
    """A drawn part, in body heights about the point between the feet, y down. One point: a disc of diameter
    `width`; `filled`: a polygon. `boxed`: part of the person's box (a ball in the air is not)."""

    points: tuple[Point, ...]
    width: float
    colour: Colour
    filled: bool = False
    boxed: bool = True


@dataclass(frozen=True)
class Skeleton:
    """Joints in body heights; limbs as (root, middle, end), image left first. `lean` as in the pose."""

    neck: Point
    pelvis: Point
    head: Point
    arms: tuple[tuple[Point, ...], tuple[Point, ...]]
    legs: tuple[tuple[Point, ...], tuple[Point, ...]]
    lean: float


def _limb(root: Point, side: int, angles: tuple[float, float], lengths: tuple[float, float]) -> list[Point]:
    points, heading = [root], 0.0
    for angle, length in zip(angles, lengths, strict=True):
        heading += angle
        x, y = points[-1]
        points.append((x + side * length * math.sin(heading), y + length * math.cos(heading)))
    return points


def skeleton(pose: Pose) -> Skeleton:
    """Joints of a pose: rotated about the pelvis, then set on the ground (y = 0) with its lowest hand or
    foot."""
    shoulder, hip = 0.10 * pose.width, 0.06 * pose.width
    lengths = (UPPER_ARM, FOREARM), (THIGH, SHIN)
    arms = [_limb((s * shoulder, -0.31), s, pose.arms[i], lengths[0]) for i, s in enumerate((-1, 1))]
    legs = [_limb((s * hip, 0.0), s, pose.legs[i], lengths[1]) for i, s in enumerate((-1, 1))]
    cos, sin = math.cos(pose.lean), math.sin(pose.lean)

    def turned(point: Point) -> Point:
        return (point[0] * cos - point[1] * sin, point[0] * sin + point[1] * cos)

    limbs = [tuple(turned(point) for point in limb) for limb in (*arms, *legs)]
    lowest = 0.5 if pose.airborne else max(limb[-1][1] for limb in limbs)
    down = -lowest - pose.jump

    def placed(point: Point) -> Point:
        return (point[0], point[1] + down)

    left_arm, right_arm, left_leg, right_leg = (tuple(placed(point) for point in limb) for limb in limbs)
    neck, pelvis, head = (placed(turned(point)) for point in ((0.0, -0.33), (0.0, 0.0), (0.0, -0.445)))
    return Skeleton(neck, pelvis, head, (left_arm, right_arm), (left_leg, right_leg), pose.lean)


def _legs(body: Skeleton, look: Look) -> list[Stroke]:
    strokes = []
    for side, leg in zip((-1, 1), body.legs, strict=True):
        strokes.append(Stroke(leg, 0.075 * look.thickness, look.trousers))
        ankle, knee = leg[2], leg[1]
        along = (ankle[0] - knee[0], ankle[1] - knee[1])
        toe = (ankle[0] + side * 0.22 * along[1], ankle[1] - side * 0.22 * along[0])
        strokes.append(Stroke((ankle, toe), 0.055 * look.thickness, look.shoes))
    return strokes


def _torso(body: Skeleton, look: Look) -> Stroke:
    corners = (body.arms[0][0], body.arms[1][0], body.legs[1][0], body.legs[0][0])
    return Stroke(corners, 0.09 * look.thickness, look.shirt, filled=True)


def _arms(body: Skeleton, look: Look) -> list[Stroke]:
    strokes = []
    for arm in body.arms:
        strokes.append(Stroke(arm, 0.06 * look.thickness, look.shirt if look.sleeves else look.skin))
        strokes.append(Stroke((arm[2],), 0.075 * look.thickness, look.skin))
    return strokes


def _head(body: Skeleton, look: Look) -> list[Stroke]:
    up = (math.sin(body.lean) * 0.03, -math.cos(body.lean) * 0.03)
    hair = (body.head[0] + up[0], body.head[1] + up[1])
    face = (body.head[0] - 0.6 * up[0], body.head[1] - 0.6 * up[1])
    return [Stroke((hair,), 0.165, look.hair), Stroke((face,), 0.125, look.skin)]


def strokes(pose: Pose, prop: Sequence[Stroke], look: Look) -> list[Stroke]:
    """All parts of a person in drawing order; the prop is drawn before the arms."""
    body = skeleton(pose)
    return [*_legs(body, look), _torso(body, look), *_head(body, look), *prop, *_arms(body, look)]


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


_PROPS = {"ball": _ball, "barbell": _barbell, "hoop": _hoop, "racket": _racket, "rope": _rope}
_PROPS |= {"board": _board, "sword": _sword}


def prop_strokes(family: str, phase: Phase, pose: Pose, colour: Colour) -> list[Stroke]:
    """The prop of a family, held by the posed body; empty for families without one."""
    return _PROPS[family](phase, skeleton(pose), colour) if family in _PROPS else []


def box(parts: Sequence[Stroke]) -> tuple[float, float, float, float]:
    """Extent (x1, y1, x2, y2) of the boxed parts, in body heights, continuous."""
    boxed = [part for part in parts if part.boxed]
    left = min(x - part.width / 2 for part in boxed for x, _ in part.points)
    top = min(y - part.width / 2 for part in boxed for _, y in part.points)
    right = max(x + part.width / 2 for part in boxed for x, _ in part.points)
    bottom = max(y + part.width / 2 for part in boxed for _, y in part.points)
    return left, top, right, bottom


def _darker(colour: Colour) -> Colour:
    return (colour[0] * 2 // 5, colour[1] * 2 // 5, colour[2] * 2 // 5)


def _paint(canvas: np.ndarray, points: np.ndarray, width: float, colour: Colour, filled: bool) -> None:
    line = max(1, round(width))
    if len(points) == 1:
        radius = max(1, round(width / 2 * 2**SUBPIXEL))
        cv2.circle(canvas, points[0].tolist(), radius, colour, -1, cv2.LINE_AA, SUBPIXEL)
        return
    if filled:
        cv2.fillPoly(canvas, [points], colour, cv2.LINE_AA, SUBPIXEL)
    cv2.polylines(canvas, [points], filled, colour, line, cv2.LINE_AA, SUBPIXEL)


def paint(canvas: np.ndarray, parts: Sequence[Stroke], origin: Point, height: float) -> None:
    """Draw the parts with dark outlines. `canvas`: uint8 [H, W, 3] RGB; `origin`: of the body, `height`:
    in its pixels."""
    for part in parts:
        scaled = [(origin[0] + x * height, origin[1] + y * height) for x, y in part.points]
        points = np.array([[round(x * 2**SUBPIXEL), round(y * 2**SUBPIXEL)] for x, y in scaled], np.int32)
        width = part.width * height
        _paint(canvas, points, width + 2.0, _darker(part.colour), part.filled)
        _paint(canvas, points, width, part.colour, part.filled)
