"""Tubes drawn on the frames of a video, with a strip below that shows when each of them is.

A tube has a colour and a number, the same as in :mod:`reports.timeline`; annotation is white and dashed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.records import Array
from bench.showing.scenes import Scene
from bench.video import Frame, resize
from reports.figures import COLOURS

LONGEST = (800, 1280)
"""Pixels that the longer side of a picture has at least and at most."""
TUBE_COLOURS = COLOURS[:-1]
"""All but black, which dark scenes hide."""
WHITE, DARK, DIM, HERE = "#ffffff", "#14181f", "#9aa5b1", "#ff3b30"

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Sizes:
    """Pixels of what is drawn: the picture, and beside the frame a head line and a row a tube below it."""

    width: int
    height: int
    text: int
    line: int
    row: int
    head: int

    @classmethod
    def of(cls, width: int, height: int) -> Sizes:
        """For frames of this size; sides become even."""
        longer = max(width, height)
        scale = min(max(longer, LONGEST[0]), LONGEST[1]) / longer
        wide, high = (max(2, round(side * scale / 2) * 2) for side in (width, height))
        text = max(13, round(max(wide, high) / 50))
        return cls(wide, high, text, max(2, text // 6), max(6, text // 2), 2 * text)


def colour(number: int) -> str:
    """Of the tube that is shown at this place, 0 the best."""
    return TUBE_COLOURS[number % len(TUBE_COLOURS)]


def drawn(scene: Scene, frames: Iterable[Frame], size: tuple[int, int], first: int = 0) -> Iterator[Frame]:
    """Each frame enlarged to a readable size, with what the scene shows of it; as they come.

    ``size``: width and height of the frames that boxes are in; ``first``: number of the first frame.
    """
    sizes: Sizes | None = None
    for number, frame in enumerate(frames, first):
        if sizes is None:
            sizes = Sizes.of(frame.shape[1], frame.shape[0])
        yield _page(scene, number, resize(frame, (sizes.width, sizes.height)), sizes, size)


def _page(scene: Scene, number: int, frame: Frame, sizes: Sizes, size: tuple[int, int]) -> Frame:
    rows = len(scene.tubes) + len(scene.truth)
    strip = rows * sizes.row + sizes.row if rows else 0
    page = Image.new("RGB", (sizes.width, (sizes.head + sizes.height + strip + 1) // 2 * 2), DARK)
    page.paste(_annotated(scene, number, frame, sizes, size), (0, sizes.head))
    draw = ImageDraw.Draw(page)
    _head(draw, scene, number, sizes)
    if rows:
        _strip(draw, scene, number, sizes)
    return np.asarray(page)


def _annotated(scene: Scene, number: int, frame: Frame, sizes: Sizes, size: tuple[int, int]) -> Image.Image:
    """The frame with boxes and labels; annotation lies below the tubes."""
    picture = Image.fromarray(frame)
    draw = ImageDraw.Draw(picture)
    scale = np.array([sizes.width / size[0], sizes.height / size[1]] * 2)
    labels: list[Label] = []
    for track in scene.truth:
        if (found := track.box(number)) is not None:
            box = _box(found * scale, sizes)
            _dashed(draw, box, sizes.line)
            labels.append(Label(box, track.name, WHITE, below=True))
    for place, track in reversed(list(enumerate(scene.tubes))):
        if (found := track.box(number)) is not None:
            box = _box(found * scale, sizes)
            draw.rectangle(box, outline=colour(place), width=sizes.line + 1)
            labels.append(Label(box, f"{place + 1}  {track.name}  {track.score:.2f}", colour(place)))
    taken: list[Box] = []
    for label in reversed(labels):
        taken.append(_write(draw, label, sizes, taken))
    return picture


class Label(NamedTuple):
    """What is written beside a box, preferably above it."""

    box: Box
    text: str
    ground: str
    below: bool = False


def _box(box_4: Array, sizes: Sizes) -> Box:
    """Within the picture, so that its edges are seen."""
    x, y = (np.clip(box_4[side::2], 0, most - 1) for side, most in ((0, sizes.width), (1, sizes.height)))
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _dashed(draw: ImageDraw.ImageDraw, box: Box, line: int) -> None:
    """A white dashed rectangle on a dark one, to be seen on any ground."""
    draw.rectangle(box, outline=DARK, width=line)
    x1, y1, x2, y2 = box
    dash = 5 * line
    for start in np.arange(x1, x2, 2 * dash):
        for y in (y1, y2 - line + 1):
            draw.rectangle((start, y, min(start + dash, x2), y + line - 1), fill=WHITE)
    for start in np.arange(y1, y2, 2 * dash):
        for x in (x1, x2 - line + 1):
            draw.rectangle((x, start, x + line - 1, min(start + dash, y2)), fill=WHITE)


def _write(draw: ImageDraw.ImageDraw, label: Label, sizes: Sizes, taken: list[Box]) -> Box:
    """Write a label where no other is; on the far side of its box, or over it, where the near one is full."""
    font, pad = _font(sizes.text), sizes.text // 4
    width, height = draw.textlength(label.text, font) + 2 * pad, sizes.text + 2 * pad
    x = min(max(label.box[0], 0), max(sizes.width - width, 0))
    top, bottom = label.box[1] - height, label.box[3] + 1
    steps = range(sizes.height // height)
    above, below = [top - k * height for k in steps], [bottom + k * height for k in steps]
    inside = [label.box[1] + k * height for k in steps]
    tops = [*below, *above, *inside] if label.below else [*above, *below, *inside]
    rooms = [(x, y, x + width, y + height) for y in tops]
    free = [room for room in rooms if room[1] >= 0 and room[3] <= sizes.height and not _meets(room, taken)]
    room = free[0] if free else (x, 0.0, x + width, float(height))
    draw.rectangle(room, fill=label.ground)
    middle = (x + pad, (room[1] + room[3]) / 2)
    draw.text(middle, label.text, font=font, fill=_ink(label.ground), anchor="lm")
    return room


def _meets(box: Box, others: list[Box]) -> bool:
    return any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in others)


def _ink(ground: str) -> str:
    """Black or white, whichever is read better on that ground."""
    red, green, blue = (int(ground[i : i + 2], 16) for i in (1, 3, 5))
    return DARK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else WHITE


def _head(draw: ImageDraw.ImageDraw, scene: Scene, number: int, sizes: Sizes) -> None:
    font, middle = _font(sizes.text), sizes.head / 2
    right = f"frame {number} of {scene.frames}"
    draw.text((sizes.width - sizes.text, middle), right, font=font, fill=WHITE, anchor="rm")
    room = sizes.width - 3 * sizes.text - draw.textlength(right, font)
    draw.text((sizes.text, middle), _fitted(draw, scene.video, font, room), font=font, fill=DIM, anchor="lm")


def _fitted(draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont, room: float) -> str:
    """The text, its beginning left out where it is too long."""
    if draw.textlength(text, font) <= room:
        return text
    while text and draw.textlength(f"... {text}", font) > room:
        text = text[1:]
    return f"... {text}"


def _strip(draw: ImageDraw.ImageDraw, scene: Scene, number: int, sizes: Sizes) -> None:
    """When each tube is, from first to last frame of the video, and a line at this frame."""
    top = sizes.head + sizes.height + sizes.row // 2
    wide = sizes.width / max(scene.frames, 1)
    tracks = [(track, colour(place)) for place, track in enumerate(scene.tubes)]
    for row, (track, fill) in enumerate([*tracks, *((track, WHITE) for track in scene.truth)]):
        y = top + row * sizes.row
        draw.rectangle((track.span[0] * wide, y, track.span[1] * wide - 1, y + sizes.row - 3), fill=fill)
    x = (number + 0.5) * wide
    bottom = top + (len(scene.tubes) + len(scene.truth)) * sizes.row
    draw.rectangle((x - 2, top - sizes.row // 2, x + 2, bottom), fill=HERE, outline=DARK)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which matplotlib brings."""
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)
