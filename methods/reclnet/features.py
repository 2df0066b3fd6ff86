"""Features of tracks from the detectors of frames: fc7 of every distinct box (section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping

from bench.footage import Footage
from bench.records import Array
from methods.reclnet.described import fc7_features
from methods.reclnet.detecting import Detector
from methods.reclnet.tracks import Tracks


def box_features(
    footage: Footage, detectors: Mapping[str, Detector], tracks: Tracks, batch: int
) -> dict[str, Array]:
    """``rgb_SD`` and ``flow_SD`` of the detectors that there are, float16, and ``step_N``.

    Row s is of distinct box s, so ``step_N`` is ``tracks.row_N``. ``batch``: pictures at a time.
    """
    found = {
        f"{name}_SD": fc7_features(footage, name, detector, tracks, batch)
        for name, detector in detectors.items()
    }
    return found | {"step_N": tracks.row_N}


def bytes_per_frame(per_frame: int, channels: int, streams: int) -> int:
    """About how many bytes fc7 of ``channels`` takes for a frame of ``per_frame`` track rows."""
    return per_frame * (channels * 2 * streams + 4)
