"""Trackers by name, for ``bench data extend``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets.keyframes import Tracker

LEARNED = "siamfc"
STEP = "tracker"
"""Where in the store the fitted network lies."""


def find_tracker(
    tracker: str, weights: Path | None, runs_dir: Path, progress: Callable[[int, int], None]
) -> tuple[str, Tracker]:
    """(name to write beside the boxes that it makes, with a digest of its weights; the tracker).

    A learned one without ``weights`` is fitted to rendered people first, or taken from the store where that
    was done; ``progress`` counts the steps. Raises ValueError for an unknown name, weights of a tracker that
    has none, and a file that does not fit.
    """
    from bench.files.store import digest_file
    from bench.names import choose
    from datasets.trackers import TRACKERS

    chosen = choose(tracker, [*TRACKERS, LEARNED], "tracker")
    if chosen != LEARNED:
        if weights is not None:
            raise ValueError(f"--weights: {chosen} learns nothing; --tracker {LEARNED} takes them")
        return chosen, TRACKERS[chosen]
    from methods.nn.siamfc.tracking import SiamFCTracker

    path = weights if weights is not None else _fitted(runs_dir, progress)
    try:
        return f"{chosen}-{digest_file(path)[:8]}", SiamFCTracker.of_file(path)
    except FileNotFoundError:
        raise ValueError(f"--weights: there is no file {path}") from None


def _fitted(runs_dir: Path, progress: Callable[[int, int], None]) -> Path:
    """The checkpoint of a narrow network; always on one thread of the CPU, so that it is always the same."""
    from bench.files.store import Store, digest
    from bench.training import CHECKPOINT, Compute, train
    from datasets.mini.tracked import EDITION, training_tracks
    from methods.nn.siamfc.config import FittingConfig
    from methods.nn.siamfc.fitting import SiamFCStage

    config, seed, store = FittingConfig(), 0, Store(runs_dir / "store")
    key = digest({"config": config, "tracks": EDITION, "seed": seed})
    with store.lock(STEP, key) as folder:
        if not store.is_done(STEP, key):
            stage = SiamFCStage(config, training_tracks, seed)
            compute = Compute("cpu", threads=1)
            facts = train(stage, folder, seed, compute, lambda done, total, loss: progress(done, total))
            store.finish(STEP, key, facts)
    return folder / CHECKPOINT
