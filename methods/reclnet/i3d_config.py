"""What I3D sees of a video for the features of tracks; imports without torch."""

from __future__ import annotations

from dataclasses import dataclass

FRAMES, PIXELS = 4, 16
"""Of the video that a cell of the endpoint's map stands for."""


@dataclass(frozen=True)
class I3DFeatures:
    """The network of each stream, and how much of a video it sees at a time.

    frame_size: width and height of the frames, which may be other than the footage's.
    width, stem_kernel: as in :class:`methods.nn.i3d.I3DConfig`.
    chunk: most frames of a piece; context: those on each side whose maps are dropped. Multiples of four.
    """

    frame_size: tuple[int, int] = (320, 240)
    width: float = 1.0
    stem_kernel: tuple[int, int, int] = (7, 7, 7)
    chunk: int = 1000
    context: int = 100

    def __post_init__(self) -> None:
        whole = self.chunk % FRAMES == 0 and self.context % FRAMES == 0
        if not whole or not 0 <= 2 * self.context < self.chunk:
            raise ValueError(
                f"features.chunk {self.chunk} and context {self.context} must be multiples of {FRAMES}, "
                "and a chunk longer than the context on both its sides"
            )
