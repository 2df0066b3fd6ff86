"""A shelf: frames that one process decodes and another takes, in a file without a name.

The file lies in memory where the system offers that. Processes inherit it, so nothing is left behind when
they end.
"""

from __future__ import annotations

import os
import tempfile

import numpy as np
import numpy.typing as npt

from bench.video.decoders import Decoded
from bench.video.pictures import resize

Frames = npt.NDArray[np.uint8]

_STAYS = 32 << 20


def new_shelf() -> int:
    """An empty shelf: the descriptor of an open file."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("frames")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Filling:
    """Frames that are put on a shelf, at ``size`` (width, height) or as they decode.

    They are given up when they take more than ``room`` bytes together, when they differ in size, and when the
    disk is full.
    """

    def __init__(self, shelf: int, size: tuple[int, int] | None, room: int) -> None:
        self._shelf, self._size, self._room = shelf, size, room
        self._shape: tuple[int, ...] = ()
        self._count = 0
        _clear(shelf)

    @property
    def shape(self) -> tuple[int, ...]:
        """[T, H, W, 3] of what is on the shelf; empty if the frames were given up."""
        return (self._count, *self._shape) if self._count else ()

    def put(self, frame: Decoded) -> None:
        """The next frame."""
        if not self._room:
            return
        picture = frame.picture() if self._size is None else resize(frame.picture(), self._size)
        self._shape = self._shape or picture.shape
        self._count += 1
        if picture.shape != self._shape or self._count * picture.nbytes > self._room:
            self._give_up()
            return
        try:
            _write(self._shelf, picture)
        except OSError:  # whoever wants the frames decodes them again
            self._give_up()

    def _give_up(self) -> None:
        self._room = self._count = 0
        _clear(self._shelf)


def _write(shelf: int, frame: Frames) -> None:
    rest = memoryview(frame.data).cast("B")
    while rest:
        rest = rest[os.write(shelf, rest) :]


def take_all(shelf: int, shape: tuple[int, ...]) -> Frames:
    """The frames [T, H, W, 3] on a shelf, which is empty then."""
    found = np.empty(shape, np.uint8)
    rest, place = memoryview(found.data).cast("B"), 0
    while place < len(rest) and (count := os.preadv(shelf, [rest[place:]], place)):
        place += count
    assert place == len(rest), "the shelf holds fewer frames than were put there"
    _clear(shelf)
    return found


def _clear(shelf: int) -> None:
    """Start anew; a little of the room stays taken, as new room costs more time than writing to it."""
    os.truncate(shelf, min(os.fstat(shelf).st_size, _STAYS))
    os.lseek(shelf, 0, os.SEEK_SET)
