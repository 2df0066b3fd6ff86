"""Prediction of many videos into closed parts: what is closed is never predicted again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.footage import Footage, FootageLibrary
from bench.records import Detections
from bench.result import Environment
from bench.tables import next_part, videos_done, write_part
from methods.base import Method

PART_VIDEOS, PART_SECONDS = 16, 60.0
"""A part closes after so many videos or so long, whichever is first."""


def predict_videos(
    method: Method,
    library: FootageLibrary,
    folder: Path,
    metadata: Mapping[str, Any],
    progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Predict all frames of every video of the library that is not in a part of ``folder`` yet.

    Returns facts: frames a second of the network over the videos predicted in this call, and the hardware.
    """
    done = set(videos_done(folder))
    todo = [name for name in library if name not in done]
    waiting: list[Detections] = []
    frames, seconds, opened = 0, 0.0, time.monotonic()
    for count, footage in enumerate(_read_ahead(library, todo), 1):
        began = time.monotonic()
        waiting.append(method.predict(footage, range(len(footage))))
        seconds += time.monotonic() - began
        frames += len(footage)
        progress(len(done) + count, len(library))
        if len(waiting) == PART_VIDEOS or time.monotonic() - opened > PART_SECONDS or count == len(todo):
            write_part(folder, next_part(folder), Detections.concat(waiting), metadata)
            waiting, opened = [], time.monotonic()
    environment = Environment.here()
    return {
        "frames": frames,
        "frames_per_second": round(frames / seconds, 2) if seconds else 0.0,
        "hardware": f"{environment.cpu}, {environment.cores} cores",
    }


def _read_ahead(library: FootageLibrary, names: list[str]) -> Iterator[Footage]:
    """The footage of each video, decoded while the one before is worked on."""

    def read(name: str) -> Footage:
        footage = library[name]
        footage.load()
        return footage

    with ThreadPoolExecutor(1) as pool:
        coming = [pool.submit(read, name) for name in names[:2]]
        for position in range(len(names)):
            yield coming.pop(0).result()
            if position + 2 < len(names):
                coming.append(pool.submit(read, names[position + 2]))
