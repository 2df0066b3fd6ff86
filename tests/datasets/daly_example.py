"""A DALY of three videos: the pickle as Python 2 writes it, and moving pictures to go with it."""

from __future__ import annotations

import io
import pickle
import struct
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

SIZES = {"-Jx.mp4": (160, 96), "0A_l.mp4": (96, 160), "zz9.mp4": (128, 96)}
FPS = {"-Jx.mp4": 25.0, "0A_l.mp4": 29.97, "zz9.mp4": 10.0}
FRAMES = {"-Jx.mp4": 100, "0A_l.mp4": 60, "zz9.mp4": 30}
LABELS = ["ApplyingMakeUpOnLips", "BrushingTeeth", "Drinking"]
TEST = ["0A_l.mp4"]
FLAGS = ("isSmall", "isReflection", "isShotcut", "isZoom", "isAmbiguous", "isOccluded", "isOutsideFOV")


def keyframe(time: float, *box: float) -> dict[str, Any]:
    return {
        "time": time,
        "frameNumber": 1,
        "boundingBox": np.array([box]),
        "objects": np.zeros((1, 7)),
        "pose": np.zeros((7, 4)),
    }


def instance(begin: float, end: float, *keyframes: dict[str, Any], flag: str = "") -> dict[str, Any]:
    flags = {name: name == flag for name in FLAGS}
    return {"beginTime": begin, "endTime": end, "flags": flags, "keyframes": list(keyframes)}


def annotation() -> dict[str, Any]:
    instances = {
        "-Jx.mp4": {
            "BrushingTeeth": [
                instance(
                    1.0, 2.0, keyframe(1.2, 0.25, 0.25, 0.5, 0.75), keyframe(1.8, 0.3, 0.25, 0.55, 0.75)
                ),
                instance(3.0, 9.0, keyframe(3.51, 0.0, 0.0, 1.0, 1.0)),
            ],
            "Drinking": [instance(0.0, 0.5, keyframe(0.26, 0.1, 0.2, 0.3, 0.4), flag="isAmbiguous")],
        },
        "0A_l.mp4": {"Drinking": [instance(0.3, 1.3, keyframe(0.6, 0.5, 0.25, 0.75, 0.5))]},
        "zz9.mp4": {"ApplyingMakeUpOnLips": [instance(1.0, 1.5, flag="isReflection")]},
    }
    return {
        "labels": list(LABELS),
        "joints": ["head"],
        "objectList": ["cup"],
        "splits": [list(TEST)],
        "metadata": {
            name: {
                "fps": FPS[name],
                "duration": FRAMES[name] / FPS[name],
                "nbframes_ffmpeg": FRAMES[name],
                "width": SIZES[name][0],
                "height": SIZES[name][1],
            }
            for name in SIZES
        },
        "annot": {name: {"suggestedClass": "Drinking", "annot": by} for name, by in instances.items()},
    }


class _Python2(pickle._Pickler):
    """Writes text and bytes as Python 2 writes its ``str``, and numpy's modules by their old names."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)  # type: ignore[attr-defined]

    def save_text(self, text: Any) -> None:
        data = text.encode("latin1") if isinstance(text, str) else text
        head = b"U" + bytes([len(data)]) if len(data) < 256 else b"T" + struct.pack("<i", len(data))
        self.write(head + data)  # type: ignore[attr-defined]
        self.memoize(text)  # type: ignore[attr-defined]

    dispatch[str] = dispatch[bytes] = save_text


def python_2_pickle(content: object) -> bytes:
    """The bytes that Python 2's cPickle would write for the same content."""
    file = io.BytesIO()
    _Python2(file, protocol=2).dump(content)
    return file.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")


def write(root: Path, content: object) -> None:
    """As ``daly1.1.0.pkl``."""
    (root / "daly1.1.0.pkl").write_bytes(python_2_pickle(content))


def square_at(frame: int) -> tuple[int, int, int, int]:
    """Corners of the textured square that moves through the pictures of :func:`write_video`."""
    return 20 + frame, 24, 52 + frame, 56


def moving_square(size: tuple[int, int], frame: int) -> np.ndarray:
    """A frame, RGB, of a textured square that moves to the right over a smooth background."""
    random = np.random.default_rng(3)
    texture = np.kron(random.integers(0, 255, (8, 8, 3), np.uint8), np.ones((4, 4, 1), np.uint8))
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[..., 1] = np.linspace(60, 120, size[0]).astype(np.uint8)
    x1, y1, x2, y2 = square_at(frame)
    visible = max(min(x2, size[0]) - x1, 0)
    picture[y1:y2, x1 : x1 + visible] = texture[:, :visible]
    return picture


def write_video(path: Path, size: tuple[int, int], frames: int, fps: int) -> None:
    """A textured square that moves one pixel a frame to the right (:func:`moving_square`)."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            picture = moving_square(size, number)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
