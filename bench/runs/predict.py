"""Prediction of many videos into closed parts: what is closed is never predicted again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.files.tables import next_part, read_metadata, videos_done, write_part
from bench.footage import FootageLibrary
from bench.records import Detections
from bench.results.result import Speed
from bench.speed.marks import DECODE, FLOW, PARTS, PREDICT, Watch, measuring, part
from methods.base import Method

PART_VIDEOS, PART_SECONDS = 16, 60.0
"""A part closes after so many videos or so long, whichever is first."""
SCORED = "scored frames"
"""What the metadata of a part say it holds, where not all frames were asked."""

Asked = Mapping[str, Sequence[int]] | None


def predict_videos(
    method: Method,
    library: FootageLibrary,
    folder: Path,
    metadata: Mapping[str, Any],
    progress: Callable[[int, int], None],
    workers: int = 1,
    wait: Callable[[], None] = lambda: None,
    asked: Asked = None,
) -> dict[str, Any]:
    """Predict every video of the library that is not in a part of ``folder`` yet.

    ``asked``: video -> its frames that are wanted, those that the video does not have left out; None: all.
    ``workers`` videos are predicted side by side, in threads; the order of the parts is that of the library.
    Every part's metadata says how many frames it holds and how many seconds they took, decoding included,
    and how the workers' seconds are shared by the parts of the work (:mod:`bench.speed.marks`); ``wait``
    returns when the device has done what it was given. Returns facts: the number of videos.
    """
    done = set(videos_done(folder))
    todo = [name for name in library if name not in done]
    waiting: list[Detections] = []
    frames, opened, shared = 0, time.monotonic(), dict[str, float]()
    wanted = {name: None if asked is None else asked[name] for name in todo}
    found = _predicted(method, library, wanted, workers, wait)
    for count, (rows, length, seconds) in enumerate(found, 1):
        waiting.append(rows)
        frames += length
        _add(shared, seconds)
        progress(len(done) + count, len(library))
        if len(waiting) == PART_VIDEOS or time.monotonic() - opened > PART_SECONDS or count == len(todo):
            spent = max(round(time.monotonic() - opened, 3), 0.001)
            took = {"frames": frames, "seconds": spent, "parts": shared}
            took |= {} if asked is None else {"asked": SCORED}
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
    alone = any(fact.get("asked") == SCORED for fact in facts)
    which = "the scored frames of the test videos" if alone else "the test videos"
    before = dict.fromkeys(name for fact in facts for name in fact.get("extracted", []))
    extracted = f", nor {' and '.join(before)}, which were extracted before" if before else ""
    within, without = ("flow, ", "") if FLOW in parts else ("", "flow, ")
    shares = {f"share/{name}": round(100 * parts[name] / total, 2) for name in PARTS if name in parts}
    return Speed(
        values={"fps/evaluation": round(frames / seconds, 2), **shares},
        hardware=" and ".join(sorted({f["hardware"] for f in facts})),
        includes=f"decoding, {within}network and choice of boxes on {which}; not {without}NMS and linking"
        f"{extracted}",
    )


def _add(total: dict[str, float], seconds: Mapping[str, float]) -> None:
    for name, more in seconds.items():
        total[name] = total.get(name, 0.0) + more


def _predicted(
    method: Method,
    library: FootageLibrary,
    todo: Mapping[str, Sequence[int] | None],
    workers: int,
    wait: Callable[[], None],
) -> Iterator[tuple[Detections, int, dict[str, float]]]:
    """(rows, frames, seconds by part) of each video in order; never more than a few ahead of the caller."""
    names = list(todo)

    def predict(name: str) -> tuple[Detections, int, dict[str, float]]:
        footage, wanted = library[name], todo[name]
        with measuring(Watch(wait)) as watch, part(PREDICT):
            with part(DECODE):
                footage.load()
            there = range(len(footage))
            frames = there if wanted is None else [frame for frame in wanted if frame in there]
            rows = method.predict(footage, frames)
        return rows, len(frames), watch.seconds

    with ThreadPoolExecutor(workers) as pool:
        coming = deque(pool.submit(predict, name) for name in names[: workers + 1])
        try:
            for position in range(len(names)):
                found = coming.popleft().result()
                if position + workers + 1 < len(names):
                    coming.append(pool.submit(predict, names[position + workers + 1]))
                yield found
        finally:
            for future in coming:
                future.cancel()  # who is stopped waits for no video that has not begun
