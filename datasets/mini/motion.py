"""The true motion of a rendered video: dense optical flow, known from how it was drawn.

A pixel moves as the drawn thing that covers it: a part of a person as its joints move from one frame to the
next, the background as the camera. Noise, exposure and what is covered or laid open do not enter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from datasets.mini import ucf24
from datasets.mini.figure import OUTLINE, Point, paint_shape
from datasets.mini.render import Job, Staged, staged
from datasets.mini.scene import ZOOM, Person, far_to_near, parts_of
from datasets.mini.stage import VIEW


@dataclass(frozen=True)
class TrueMotion:
    """`flow_THW2`: float32 (u, v) in pixels of the video: what is at (x, y) in frame t is at (x + u, y + v)
    in frame t + 1; the last field repeats the one before. `camera_T2`: the same of the background.
    `figure_THW`: bool, whether a person or a prop covers the pixel in frame t.
    """

    flow_THW2: np.ndarray
    camera_T2: np.ndarray
    figure_THW: np.ndarray

    @property
    def moving_THW(self) -> np.ndarray:
        """Bool: figure pixels that move against the background by more than half a pixel a frame."""
        against = np.linalg.norm(self.flow_THW2 - self.camera_T2[:, None, None], axis=-1)
        moving: np.ndarray = self.figure_THW & (against > 0.5)
        return moving


@dataclass(frozen=True)
class _Piece:
    """A disc, a polygon or one segment of a line, in pixels of the canvas; `height`: of its person."""

    points: Sequence[Point]
    width: float
    filled: bool
    height: float


def _pieces(people: Sequence[Person], frame: int, middle: float, shake: tuple[int, int]) -> list[_Piece]:
    """What is drawn of all people in a frame, in drawing order; every frame has the same pieces."""
    found = []
    for person in people:
        x, y, height = (ZOOM * value for value in person.origin(frame, middle))
        for part in parts_of(person, frame):
            points = [
                (x + ZOOM * shake[0] + a * height, y + ZOOM * shake[1] + b * height) for a, b in part.points
            ]
            whole = part.filled or len(points) == 1
            for some in [points] if whole else pairwise(points):
                found.append(_Piece(some, part.width * height + OUTLINE, part.filled, height))
    return found


def _similarity(now: _Piece, following: _Piece) -> tuple[complex, complex]:
    """(turn, shift): the point z = x + iy goes to turn * z + shift. Exact for what keeps its shape; a
    segment that changes its length (a rope's) is scaled across its length as well."""
    before, after = (np.array([complex(*point) for point in p.points]) for p in (now, following))
    start, end = before.mean(), after.mean()
    spread = np.vdot(before - start, before - start).real
    turn = following.height / now.height
    if spread > 0:
        turn = np.vdot(before - start, after - end) / spread
    return complex(turn), complex(end - turn * start)


def _owners(pieces: Sequence[_Piece]) -> np.ndarray:
    """Of every pixel of the video the number of the piece that covers it, from 1; 0: background."""
    canvas = np.zeros((VIEW[1], VIEW[0]), np.int32)
    for number, piece in enumerate(pieces, 1):
        paint_shape(canvas, piece.points, piece.width, number, piece.filled, cv2.LINE_8)
    return canvas[::ZOOM, ::ZOOM]


def _cameras(scene: Staged) -> np.ndarray:
    """Motion of the background from every frame to the next, float32 [T - 1, 2], pixels of the video."""
    corners = [scene.backdrop.corner(number, frame.shake) for number, frame in enumerate(scene.frames)]
    return -np.diff(np.array(corners, np.float32), axis=0) / ZOOM


def true_motion(job: Job) -> TrueMotion:
    """The true motion of a video. Its size is the video file's, 128x96, not that of the annotation."""
    return _motion(staged(job))


def training_clips() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames as they are drawn, uint8 RGB [T, 96, 128, 3], and their true flow, of two training videos of
    every class of `ucf24-mini.small`: 48 clips of 48 frames."""
    for job in ucf24.jobs(Path(), "small"):
        if job.name.endswith(("_g08_c01", "_g09_c01")):
            scene = staged(job)
            yield np.stack([frame.pixels for frame in scene.frames]), _motion(scene).flow_THW2


def _motion(scene: Staged) -> TrueMotion:
    people = [person for _, person in far_to_near(scene.actors, scene.idle)]
    middle = (len(scene.frames) - 1) / 2
    drawn = [_pieces(people, number, middle, frame.shake) for number, frame in enumerate(scene.frames)]
    owners_THW = np.stack([_owners(pieces) for pieces in drawn])
    y, x = np.mgrid[0 : VIEW[1] : ZOOM, 0 : VIEW[0] : ZOOM]
    places, camera, fields = x + 1j * y, _cameras(scene), []
    for owners, shift, now, following in zip(owners_THW, camera, drawn, drawn[1:]):
        moves = [(1 + 0j, ZOOM * complex(*shift)), *map(_similarity, now, following)]
        turns, shifts = np.array(moves).T
        moved = (turns[owners] * places + shifts[owners] - places) / ZOOM
        fields.append(np.stack([moved.real, moved.imag], axis=-1).astype(np.float32))
    return TrueMotion(np.stack([*fields, fields[-1]]), np.concatenate([camera, camera[-1:]]), owners_THW > 0)
