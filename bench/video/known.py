"""What is known of videos: examined once, kept in memory and in a folder by the identity of the file.

The identity is the size, the time of change, the first and last 64 KB and the decoder's version: a copied
or moved file is known, a changed one and one for another decoder are examined again.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import secrets
from functools import cache
from pathlib import Path

from bench.files.store import TEMPORARY, digest
from bench.video.decoders import DECODERS, check_ordinary
from bench.video.helper import Wanted, examine_apart
from bench.video.index import VideoIndex, list_folder
from bench.video.memory import Memory
from bench.video.pictures import VideoError, frame_files

log = logging.getLogger("bench")

_ENDS = 1 << 16
_NUMBERS = 1 << 22
_indexes: Memory[VideoIndex] = Memory(_NUMBERS, lambda index: 1 + len(index.pts) + len(index.keys))


def index_of(
    path: Path, folder: Path | None = None, compare: bool = False, wanted: Wanted | None = None
) -> VideoIndex:
    """What the video file or frame folder at ``path`` holds.

    A file that nobody examined yet is decoded once, in a helper process, which delivers its frames if they
    are ``wanted``; what is found is kept below ``folder`` if that is given. A folder of frames is only
    listed, unless ``compare`` is asked for, which decodes every image and for files says whether random
    access is exact. Raises VideoError as :func:`bench.video.helper.examine_apart`; nothing is kept then, so
    a mended file is examined again.
    """
    key = identity(path)
    if path.is_dir() and not compare:
        return _indexes.get(key, lambda: list_folder(path, key))

    def look() -> VideoIndex:
        file = folder / key[:2] / f"{key}.json" if folder else None
        found = _stored(file) if file else None
        if found and (found.exact is not None or not compare):
            return found
        return _examined(path, key, compare, wanted, file)

    found = _indexes.get(key, look)
    if compare and found.exact is None:
        _indexes.drop(key)
        found = _indexes.get(key, look)
    return found


def _examined(path: Path, key: str, compare: bool, wanted: Wanted | None, file: Path | None) -> VideoIndex:
    found = examine_apart(path, key, compare, wanted)
    if found.damaged:
        log.warning("%s: %d frames are damaged, the first is %d", path, len(found.damaged), found.damaged[0])
    if file:
        _store(file, found)
    return found


def _stored(file: Path) -> VideoIndex | None:
    """What is kept; None where nothing is, or nothing that can be read: it is found again."""
    try:
        return VideoIndex.from_json(json.loads(file.read_text()), str(file))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        log.warning("%s is of no use (%s); the video is examined again", file, error)
        return None


def _store(file: Path, index: VideoIndex) -> None:
    """Whole or not at all, but not synced, which would take as long as the video: it can be found again."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{TEMPORARY}{secrets.token_hex(6)}-{file.name}")
    temporary.write_text(json.dumps(index.to_json()))
    os.replace(temporary, file)


def identity(path: Path) -> str:
    """A digest that says which file or folder of frames this is; it does not name the path.

    Raises VideoError if there is none, or it may not be read.
    """
    try:
        if path.is_dir():
            return digest([(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in frame_files(path)])
        check_ordinary(path)
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            ends = hashlib.sha256(file.read(_ENDS))
            file.seek(max(0, facts.st_size - _ENDS))
            ends.update(file.read(_ENDS))
    except OSError as error:
        raise VideoError(f"{path}: cannot be read ({error.strerror})") from error
    return digest([facts.st_size, facts.st_mtime_ns, ends.hexdigest(), _decoder()])


@cache
def _decoder() -> str:
    """The decoder that is used and its version; nothing of it is imported."""
    module = next((name for name in DECODERS if importlib.util.find_spec(name) is not None), "")
    return f"{module} {importlib.metadata.version(module)}" if module else ""
