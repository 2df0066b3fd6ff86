"""What surrounds the action: clothes, backgrounds, camera and exposure. All of it is drawn independently
of the class."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from datasets.mini.draw import Draw
from datasets.mini.figure import Colour, Look

SKINS: tuple[Colour, ...] = ((246, 208, 178), (224, 172, 130), (186, 128, 88), (140, 88, 58), (96, 60, 42))
HAIRS: tuple[Colour, ...] = ((28, 22, 20), (78, 48, 26), (150, 96, 44), (214, 178, 104), (148, 146, 144))
MARGIN = 56  # of the background around the view, in its (doubled) pixels
VIEW = (256, 192)  # width and height of the view where no other is asked for


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


class Wardrobe:
    """The clothes of a source group: a few hues that its videos share."""

    def __init__(self, group: Draw) -> None:
        self._hues = [group.unit() for _ in range(3)]

    def _cloth(self, draw: Draw) -> Colour:
        hue = draw.pick(self._hues) + draw.around(0.04)
        return _colour(hue, draw.between(0.45, 1.0), draw.pick((0.3, 0.62, 0.95)) + draw.around(0.05))

    def look(self, draw: Draw) -> Look:
        """Another person dressed from it."""
        return Look(
            skin=draw.pick(SKINS), hair=draw.pick(HAIRS), shirt=self._cloth(draw), trousers=self._cloth(draw),
            shoes=draw.pick(((30, 30, 34), (235, 235, 235), (150, 40, 40))),
            prop=_colour(draw.unit(), 0.9, 0.9), sleeves=draw.unit() < 0.5,
            thickness=draw.between(0.85, 1.25),
        )  # fmt: skip


def _noise(group: Draw, width: int, height: int) -> np.ndarray:
    """Smooth texture, uint8 [height, width]: octaves of random grids, blown up with exact integer
    interpolation."""
    total = np.zeros((height, width), np.uint16)
    for cell, weight in ((64, 4), (24, 2), (8, 2)):
        grid = group.bytes(height // cell + 2, width // cell + 2)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR_EXACT).astype(
            np.uint16
        )
    return (total >> 3).astype(np.uint8)


def _blend(texture: np.ndarray, dark: Colour, light: Colour) -> np.ndarray:
    level = texture.astype(np.int32)[..., None]
    low, high = np.array(dark, np.int32), np.array(light, np.int32)
    return ((low * (255 - level) + high * level) >> 8).astype(np.uint8)


def _pair(group: Draw) -> tuple[Colour, Colour]:
    hue, saturation, value = group.unit(), group.between(0.05, 0.30), group.between(0.30, 0.62)
    return _colour(hue, saturation, value), _colour(hue + group.around(0.08), saturation, value + 0.28)


def _furnish(group: Draw, picture: np.ndarray, horizon: int) -> None:
    """Posters, windows, poles and boards behind the people, of low saturation."""
    width = picture.shape[1]
    for _ in range(group.integer(3, 8)):
        colour = _colour(group.unit(), group.between(0.0, 0.35), group.between(0.25, 0.85))
        left, top = group.integer(0, width - 20), group.integer(0, horizon - 10)
        wide, tall = group.pick(((8, 150), (44, 60), (70, 36), (30, 30)))
        cv2.rectangle(picture, (left, top), (left + wide, min(top + tall, horizon)), colour, -1)


class Backdrop:
    """A textured wall and floor that the camera pans over, and the camera's gain and noise."""

    def __init__(self, group: Draw, draw: Draw, frames: int, view: tuple[int, int] = VIEW) -> None:
        """``view``: width and height of what the camera sees, in doubled pixels."""
        self._view = view
        width, height = view[0] + 2 * MARGIN, view[1] + 2 * MARGIN
        horizon = MARGIN + group.integer(view[1] * 70 // 192, view[1] * 150 // 192)
        self._picture = _blend(_noise(group, width, height), *_pair(group))
        floor = _blend(_noise(group, width, height), *_pair(group))
        self._picture[horizon:] = floor[horizon:]
        _furnish(group, self._picture, horizon)
        room = MARGIN - 4
        ends = [(draw.around(room), draw.around(room * 0.5)) for _ in range(2)]
        still = draw.unit() < 0.35
        self._from, self._to = ends[0], ends[0] if still else ends[1]
        self._frames = frames
        self._gain = draw.between(0.80, 1.15)
        strength = draw.integer(2, 7)
        noise = draw.bytes(view[1] // 2 + 32, view[0] // 2 + 32, 3).astype(np.int16)
        self._noise = (noise * (2 * strength + 1) >> 8) - strength

    def corner(self, frame: int, shake: tuple[int, int]) -> tuple[int, int]:
        """x, y of the view's corner on the background, in doubled pixels; `shake`: displacement in pixels
        of the video."""
        part = frame / max(1, self._frames - 1)
        x, y = (round(a + (b - a) * part) for a, b in zip(self._from, self._to, strict=True))
        return MARGIN + x - 2 * shake[0], MARGIN + y - 2 * shake[1]

    def view(self, frame: int, shake: tuple[int, int]) -> np.ndarray:
        """The background in a frame, uint8 [H, W, 3], a fresh copy; `shake` as in :meth:`corner`."""
        left, top = self.corner(frame, shake)
        return self._picture[top : top + self._view[1], left : left + self._view[0]].copy()

    def exposed(self, draw: Draw, picture: np.ndarray) -> np.ndarray:
        """Gain with a flicker of 2%, and noise."""
        gain = self._gain * (1.0 + draw.around(0.02))
        levels = np.array([min(255, int(level * gain + 0.5)) for level in range(256)], np.int16)
        top, left = draw.integer(0, 32), draw.integer(0, 32)
        height, width = picture.shape[:2]
        noisy = levels[picture] + self._noise[top : top + height, left : left + width]
        return np.clip(noisy, 0, 255).astype(np.uint8)
