"""Files of a dataset: annotation and lists that may be broken, and videos by names that may be hostile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.files import pickles
from bench.video import VIDEO_SUFFIXES
from datasets.errors import DataError

ENDINGS = (*VIDEO_SUFFIXES, *(suffix.upper() for suffix in VIDEO_SUFFIXES))
"""Of video files, in the order in which they are looked for."""
MOST_TEXT = 512 << 20
"""Bytes of a text file. AVA's largest has 60 MiB."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what readers of :mod:`bench` raise into DataError that names the file."""
    try:
        yield
    except DataError:
        raise
    except ValueError as error:
        said = str(error)
        raise DataError(said if path.name in said else f"{path}: {said}") from error


def load_plain(path: Path) -> Any:
    """As :func:`bench.files.pickles.load_plain`, with DataError."""
    with reading(path):
        return pickles.load_plain(path)


def read_text(path: Path) -> str:
    """The content of a text file. Raises DataError naming the file if it is none, or too large."""
    try:
        if path.stat().st_size > MOST_TEXT:
            raise DataError(f"{path}: {path.stat().st_size >> 20} MiB are too many for a list; get it again")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: no text in UTF-8 ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def read_lines(path: Path) -> list[tuple[int, str]]:
    """(number from 1, text) of the lines that are not blank, stripped. Raises DataError as `read_text`."""
    lines = read_text(path).splitlines()
    return [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]


def check_name(name: Any, where: object) -> str:
    """The name of a video, if it can be one: a path below the data root, parts divided by ``/``.

    ``where`` names the file that it stands in. Raises DataError for an absolute name, ``..``, NUL and other
    control characters, backslashes, empty and over-long parts, and what is no text.
    """
    if not isinstance(name, str):
        raise DataError(f"{where}: a video's name is text, not {type(name).__name__}")
    parts = name.split("/")
    wrong = (
        "leads out of its folder" if ".." in parts or name.startswith("/")
        else "has an empty part" if "" in parts or "." in parts
        else "has a backslash" if "\\" in name
        else "has a control character" if any(ord(c) < 32 or ord(c) == 127 for c in name)
        else "is no Unicode" if any(0xD800 <= ord(c) < 0xE000 for c in name)
        else "is too long" if len(name) > 1000 or any(len(part.encode()) > 240 for part in parts)
        else ""
    )  # fmt: skip
    if wrong:
        raise DataError(f"{where}: the video name {name!r:.200} {wrong}; no dataset has such names")
    return str(name)


def find_video(root: Path, folders: tuple[str, ...], name: str) -> Path | None:
    """The file or, where there is none, the folder of frames of a video, in the first of ``folders``.

    A file may have any of the :data:`ENDINGS`, whichever the name itself ends in. Raises DataError for a
    name that leads out of its folder (also by a link), or cannot be one.
    """
    check_name(name, root)
    stem = next((name.removesuffix(s) for s in ENDINGS if name.endswith(s)), name)
    places = [root / folder for folder in folders if (root / folder).is_dir()]
    files = [(place, f"{stem}{suffix}") for place in places for suffix in ENDINGS]
    frames = [(place, each) for place in places for each in dict.fromkeys((stem, name))]
    for candidates, is_there in ((files, Path.is_file), (frames, Path.is_dir)):
        for place, relative in candidates:
            if is_there(place / relative):
                return _confined(place / relative, name, root, place)
    return None


def _confined(path: Path, name: str, *places: Path) -> Path:
    """The path, unless links lead it out of all ``places`` (which may be links themselves)."""
    real = path.resolve()
    if not any(real.is_relative_to(place.resolve()) for place in places):
        raise DataError(
            f"{path}: the video {name!r} is a link to {real}, outside the data root; move the file there, or "
            f"make the whole folder a link"
        )
    return path
