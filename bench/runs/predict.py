"""Prediction of many videos into closed parts: what is closed is never predicted again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.files.tables import next_part, read_metadata, videos_done, write_part
from bench.footage import FootageLibrary
from bench.records import Detections
from bench.results.result import Speed
from bench.speed.marks import DECODE, PARTS, PREDICT, Watch, measuring, part
from methods.base import Method

PART_VIDEOS, PART_SECONDS = 16, 60.0
"""A part closes after so many videos or so long, whichever is first."""


def predict_videos(
    method: Method,
    library: FootageLibrary,
    folder: Path,
    metadata: Mapping[str, Any],
    progress: Callable[[int, int], None],
    workers: int = 1,
    wait: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Predict all frames of every video of the library that is not in a part of ``folder`` yet.

    ``workers`` videos are predicted side by side, in threads; the order of the parts is that of the library.
    Every part's metadata says how many frames it holds and how many seconds they took, decoding included,
    and how the workers' seconds are shared by the parts of the work (:mod:`bench.speed.marks`); ``wait``
    returns when the device has done what it was given. Returns facts: the number of videos.
    """
    done = set(videos_done(folder))
    todo = [name for name in library if name not in done]
    waiting: list[Detections] = []
    frames, opened, shared = 0, time.monotonic(), dict[str, float]()
    for count, (rows, length, seconds) in enumerate(_predicted(method, library, todo, workers, wait), 1):
        waiting.append(rows)
        frames += length
        _add(shared, seconds)
        progress(len(done) + count, len(library))
        if len(waiting) == PART_VIDEOS or time.monotonic() - opened > PART_SECONDS or count == len(todo):
            took = {"frames": frames, "seconds": round(time.monotonic() - opened, 3), "parts": shared}
            write_part(folder, next_part(folder), Detections.concat(waiting), {**metadata, **took})
            waiting, frames, opened, shared = [], 0, time.monotonic(), {}
    return {"videos": len(library)}


def speed_of(folder: Path) -> Speed:
    """Frames a second over all parts of a prediction, whichever processes made them; shares in percent."""
    facts = [read_metadata(path) for path in sorted(folder.glob("part-*.parquet"))]
    frames, seconds = sum(f["frames"] for f in facts), sum(f["seconds"] for f in facts)
    parts: dict[str, float] = {}
    for fact in facts:
        _add(parts, fact.get("parts", {}))
    total = sum(parts.values())
    shares = {f"share/{name}": round(100 * parts[name] / total, 2) for name in PARTS if name in parts}
    return Speed(
        values={"fps/evaluation": round(frames / seconds, 2), **shares},
        hardware=" and ".join(sorted({f["hardware"] for f in facts})),
        includes="decoding, network and choice of boxes on the test videos, without flow, NMS and linking",
    )


def _add(total: dict[str, float], seconds: Mapping[str, float]) -> None:
    for name, more in seconds.items():
        total[name] = total.get(name, 0.0) + more


def _predicted(
    method: Method, library: FootageLibrary, names: list[str], workers: int, wait: Callable[[], None]
) -> Iterator[tuple[Detections, int, dict[str, float]]]:
    """(rows, frames, seconds by part) of each video in order; never more than a few ahead of the caller."""

    def predict(name: str) -> tuple[Detections, int, dict[str, float]]:
        footage = library[name]
        with measuring(Watch(wait)) as watch, part(PREDICT):
            with part(DECODE):
                footage.clip([0])  # of a short video all frames, which are kept
            rows = method.predict(footage, range(len(footage)))
        return rows, len(footage), watch.seconds

    with ThreadPoolExecutor(workers) as pool:
        coming = deque(pool.submit(predict, name) for name in names[: workers + 1])
        for position in range(len(names)):
            found = coming.popleft().result()
            if position + workers + 1 < len(names):
                coming.append(pool.submit(predict, names[position + workers + 1]))
            yield found
