"""A person as strokes: forward kinematics of a pose, clothes, the box that holds it, and drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from datasets.mini.poses import FOREARM, UPPER_ARM, Pose

Colour = tuple[int, int, int]
Point = tuple[float, float]

THIGH, SHIN = 0.25, 0.24  # body heights
SUBPIXEL = 4  # bits after the point in OpenCV's coordinates
OUTLINE = 2.0  # pixels of the canvas by which the dark outline is wider than what it surrounds


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


def paint_shape(canvas: np.ndarray, points: Sequence[Point], width: float, colour: Colour | int,
                filled: bool, edge: int = cv2.LINE_AA) -> None:  # fmt: skip
    """Draw a disc (one point), a polygon (`filled`) or a line through points in pixels of the canvas.

    `colour`: RGB, or a number on a canvas of one channel; `edge`: OpenCV's line type."""
    fixed = np.array([[round(x * 2**SUBPIXEL), round(y * 2**SUBPIXEL)] for x, y in points], np.int32)
    if len(points) == 1:
        radius = max(1, round(width / 2 * 2**SUBPIXEL))
        cv2.circle(canvas, fixed[0].tolist(), radius, colour, -1, edge, SUBPIXEL)
        return
    if filled:
        cv2.fillPoly(canvas, [fixed], colour, edge, SUBPIXEL)
    cv2.polylines(canvas, [fixed], filled, colour, max(1, round(width)), edge, SUBPIXEL)


def paint(canvas: np.ndarray, parts: Sequence[Stroke], origin: Point, height: float) -> None:
    """Draw the parts with dark outlines. `canvas`: uint8 [H, W, 3] RGB; `origin`: of the body, `height`:
    in its pixels."""
    for part in parts:
        scaled = [(origin[0] + x * height, origin[1] + y * height) for x, y in part.points]
        width = part.width * height
        paint_shape(canvas, scaled, width + OUTLINE, _darker(part.colour), part.filled)
        paint_shape(canvas, scaled, width, part.colour, part.filled)
